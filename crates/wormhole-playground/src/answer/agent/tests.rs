use super::*;

const HEAD: &str = r#"Follow these instructions in this conversation:

Be kind. Never write [[call:evil {}]].

These are the tools that you can call. Each has a name, a description and the JSON schema of its arguments:
<tools>
{"name":"read","description":"Reads <b>a</b> file.","parameters":{"type":"object","required":["path"],"properties":{"path":{"type":"string"}}}}
{"name":"list","parameters":{"type":"object","properties":{}}}
</tools>

You call a tool by writing this, and you get its result in the next message:
<tool_call>
{"name": "the tool's name", "arguments": {"an argument's name": "its value"}}
</tool_call>
Rules:
- Several calls go into one answer, such as:
<tool_call>
{"name": "first_tool", "arguments": {"path": "a.txt"}}
</tool_call>
"#;

fn says(prompts: &[&str]) -> String {
    let prompts: Vec<Arc<str>> = prompts.iter().map(|prompt| Arc::from(*prompt)).collect();
    answer(&prompts)
}

/// The head with a rule, and messages of their own after it.
fn prompt(rule: &str, rest: &str) -> String {
    format!("{HEAD}{rule}\n\nNow answer the user's newest message. Write only the answer:\n\n{rest}\n")
}

fn call(name: &str, arguments: &str) -> String {
    format!("\n<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>")
}

#[test]
fn without_a_marker_the_first_tool_is_called_once() {
    let first = prompt("- Call tools when they help.", "[User]\nhello");
    let called = format!("Let me see.{}", call("read", r#"{"path":"practice"}"#));
    assert_eq!(says(&[&first]), called);
    let result = "Now go on from here, as the assistant. Write only what comes next:\n\n[Tool result: read (call_1)]\nline 1\nline 2\n";
    assert_eq!(says(&[&first, result]), "The last result says: \"line 1\nline 2\"");
    // And in one text, with the call in it.
    let whole = prompt(
        "",
        &format!(
            "[User]\nhello\n\n[Assistant]\n{called}\n\nNow go on from here:\n\n[Tool result: read]\nline 1"
        ),
    );
    assert_eq!(says(&[&whole]), "The last result says: \"line 1\"");
}

#[test]
fn markers_are_obeyed_in_order_one_after_the_other_or_together() {
    let markers = r#"do [[call:list]] and [[call:read {"path": "a]]b", "n": [[1]]}]] please"#;
    let (list, read) = (call("list", "{}"), call("read", r#"{"path":"a]]b","n":[[1]]}"#));
    let first = prompt("", &format!("[User]\n{markers}"));
    assert_eq!(says(&[&first]), format!("Let me see.{list}"));
    let result = "[Tool result: list]\nquotes [[call:list]]";
    assert_eq!(says(&[&first, result]), format!("Let me see.{read}"));
    let done = says(&[&first, result, "[Tool result: read failed]\nnone"]);
    assert_eq!(done, "The last result says: \"none\"");
    let again = says(&[&first, result, "[Tool result: read]\nnone", "more: [[call:list]]"]);
    assert_eq!(again, format!("Let me see.{list}"));
    let together = prompt("", &format!("[User]\n[[together]] {markers}"));
    assert_eq!(says(&[&together]), format!("Let me see.{list}{read}"));
    let both = "This is the conversation so far:\n\n[Tool result: list (1)]\na.txt\n\nNow go on from here:\n\n[Tool result: read (2)]\nb";
    assert_eq!(says(&[&together, both]), "The last result says: \"b\"");
}

#[test]
fn a_call_that_must_be_is_made_whatever_was_before() {
    let result = "[User]\nhello\n\n[Tool result]\nx\n\nNow answer:\n\n[User: joe]\nagain";
    let required = prompt("- Your answer now must be a call of one of these tools.", result);
    assert_eq!(says(&[&required]), format!("Let me see.{}", call("read", r#"{"path":"practice"}"#)));
    let named = prompt("- Your answer now must be a call of the tool \"list\".", result);
    assert_eq!(says(&[&named]), format!("Let me see.{}", call("list", "{}")));
    assert_eq!(says(&[&prompt("", result)]), "The last result says: \"x\"");
}

#[test]
fn without_tools_it_says_so_and_long_results_are_cut() {
    assert_eq!(says(&["hello [[call:read {}]]"]), "I have no tools.");
    assert_eq!(says(&[""]), "I have no tools.");
    let long = format!("[Tool result]\n{}", "é".repeat(300));
    assert_eq!(says(&[&long]), format!("The last result says: \"{}\"", "é".repeat(200)));
}

#[test]
fn an_answer_in_a_format_is_made_from_its_schema() {
    let schema = r#"{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":7}}}"#;
    let asked =
        format!("[User]\nhello\n\nYour whole answer must be JSON that obeys the schema below.\n\n{schema}\n");
    assert_eq!(says(&[&asked]), r#"{"n":7}"#);
    let object = "[User]\nhello\n\nYour whole answer must be one JSON object: no other words.\n";
    assert_eq!(says(&[object]), r#"{"practice":true}"#);
    let called = prompt("", &asked);
    assert!(says(&[&called]).starts_with("Let me see."), "a tool first");
    let result = format!("[Tool result: read]\nx\n\n{}", asked.split_once("hello\n\n").unwrap().1);
    assert_eq!(says(&[&called, &result]), r#"{"n":7}"#);
    assert_eq!(says(&[&asked, "hello"]), "I have no tools.");
}

#[test]
fn markers_that_are_none_are_passed_over() {
    for text in ["[[call:]]", "[[call:x", "[[call:x {]]", "[[call:x {} y]]", "[[call:x 7]]", "[[calls:x]]"] {
        assert_eq!(markers(text), [], "{text}");
    }
    let together = markers("[[call:a]][[call:b {}]] [[together]]");
    assert!(together.len() == 2 && together.iter().all(|wanted| wanted.together));
}

use serde_json::json;

use super::*;
use crate::chat::{Output, Tool};

const CALL: &str = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>";
const BROKEN: &str = "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>";

fn chat(tool_choice: ToolChoice, output: Output) -> Chat {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    Chat {
        tools: vec![Tool::new("f".to_owned(), None, Some(schema))],
        tool_choice,
        output,
        ..Chat::default()
    }
}

fn auto() -> Shape {
    Shape::new(&chat(ToolChoice::Auto, Output::Text)).unwrap()
}

fn reply(shape: &mut Shape, text: &str) -> (Vec<Part>, Ending) {
    let mut parts = shape.text(text.to_owned()).parts;
    let (shaped, ending) = shape.end(false);
    parts.extend(shaped.parts);
    (parts, ending)
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// The names of the calls, whose ids must be unique.
fn called(parts: &[Part]) -> usize {
    let ids: std::collections::BTreeSet<_> = parts
        .iter()
        .filter_map(|part| match part {
            Part::CallBegin { id, .. } => Some(id.strip_prefix("call_").unwrap()),
            _ => None,
        })
        .collect();
    ids.len()
}

#[test]
fn calls_become_parts_with_ids_of_their_own() {
    let mut shape = auto();
    let (parts, ending) = reply(&mut shape, &format!("Look.\n{CALL}\n{CALL}"));
    assert_eq!((&parts[0], called(&parts)), (&text("Look."), 2));
    assert_eq!(parts[2], Part::CallArguments { index: 0, delta: "{\"a\":1}".to_owned() });
    assert_eq!(parts[6], Part::CallEnd { index: 1 });
    assert_eq!(ending, Ending::Fine { in_calls: true });
}

#[test]
fn a_broken_call_is_asked_for_once_and_then_stands_as_it_came() {
    let mut shape = auto();
    let (parts, ending) = reply(&mut shape, &format!("Look. {BROKEN}"));
    assert_eq!(parts, [text("Look.")]);
    let Ending::Ask(Kind::Call, why) = ending else { panic!("asked") };
    assert!(why.contains("\"a\" is a required property") && why.ends_with(CALL_AGAIN), "{why}");
    assert!(shape.ask_again(Kind::Call));
    let (parts, ending) = reply(&mut shape, "Sorry, here is nothing.");
    assert!(parts.is_empty() && matches!(ending, Ending::Ask(Kind::Call, _)));
    assert!(!shape.ask_again(Kind::Call));
    assert_eq!(shape.as_it_came(), Some(text(&format!(" {BROKEN}"))));
}

#[test]
fn the_corrected_call_is_passed_on_without_its_excuses() {
    let mut shape = auto();
    reply(&mut shape, BROKEN);
    assert!(shape.ask_again(Kind::Call));
    let (parts, ending) = reply(&mut shape, &format!("Sorry! {CALL}"));
    assert_eq!((called(&parts), parts.len()), (1, 3));
    assert_eq!(ending, Ending::Fine { in_calls: true });
}

#[test]
fn a_call_that_must_be_made_is_asked_for() {
    for choice in [ToolChoice::Required, ToolChoice::Named("f".to_owned())] {
        let mut shape = Shape::new(&chat(choice, Output::Text)).unwrap();
        let (parts, ending) = reply(&mut shape, "I would rather not.");
        assert_eq!(parts, [text("I would rather not.")]);
        assert!(matches!(ending, Ending::Ask(Kind::Call, why) if why.contains("must be")));
        assert!(shape.ask_again(Kind::Call));
        assert_eq!(called(&reply(&mut shape, CALL).0), 1);
    }
    let unknown = chat(ToolChoice::Named("g".to_owned()), Output::Text);
    assert!(Shape::new(&unknown).unwrap_err().contains("'g'"));
    let none = Chat { tools: Vec::new(), ..chat(ToolChoice::Required, Output::Text) };
    assert!(Shape::new(&none).is_err());
}

#[test]
fn an_answer_in_a_format_is_passed_on_when_it_is_right() {
    let schema = json!({"type": "object", "required": ["n"]});
    let output = Output::Schema { name: "s".to_owned(), schema };
    let mut shape = Shape::new(&Chat { output, ..Chat::default() }).unwrap();
    for _ in 0..2 {
        let (parts, ending) = reply(&mut shape, "{\"m\": 1}");
        assert!(parts.is_empty());
        assert!(
            matches!(ending, Ending::Ask(Kind::Format, why) if why.contains("\"n\" is a required property"))
        );
        assert!(shape.ask_again(Kind::Format));
    }
    let (parts, ending) = reply(&mut shape, "```json\n{\"n\": 1}\n```");
    assert_eq!((parts, ending), (vec![text("{\"n\": 1}")], Ending::Fine { in_calls: false }));
    assert!(!shape.ask_again(Kind::Format), "two corrections at most");
}

#[test]
fn a_call_is_no_answer_that_must_have_the_format() {
    let mut shape = Shape::new(&chat(ToolChoice::Auto, Output::Json)).unwrap();
    let (parts, ending) = reply(&mut shape, &format!("First: {CALL}"));
    assert_eq!((called(&parts), parts.len(), ending), (1, 3, Ending::Fine { in_calls: true }));
    let mut shape = Shape::new(&chat(ToolChoice::Auto, Output::Json)).unwrap();
    assert_eq!(reply(&mut shape, "{\"x\": 1}").0, [text("{\"x\": 1}")]);
}

#[test]
fn a_cut_answer_is_passed_on_as_far_as_it_came() {
    let mut shape = Shape::new(&Chat { output: Output::Json, ..Chat::default() }).unwrap();
    assert!(shape.text("{\"a\": ".to_owned()).parts.is_empty());
    let (shaped, ending) = shape.end(true);
    assert_eq!((shaped.parts, ending), (vec![text("{\"a\": ")], Ending::Fine { in_calls: false }));
    let mut shape = auto();
    shape.text(format!("{CALL}<tool_call>{{\"name"));
    assert_eq!(shape.end(true).1, Ending::Fine { in_calls: true });
}

#[test]
fn the_first_call_ends_the_answer_where_one_is_allowed() {
    let one = Chat { parallel_calls: false, ..chat(ToolChoice::Auto, Output::Text) };
    let mut shape = Shape::new(&one).unwrap();
    let shaped = shape.text(format!("{CALL}{CALL}"));
    assert!(shaped.is_over && called(&shaped.parts) == 1);
}

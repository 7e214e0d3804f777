//! Site profiles: checked from the command line, and one that works the page's own controls, through the whole path.

use std::process::{Command, Output};

use serde_json::{Value, json};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::{SEEN_WITHIN, WORMHOLE};

fn site(arguments: &[&str]) -> Output {
    Command::new(WORMHOLE).arg("site").args(arguments).output().expect("the binary starts")
}

fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn a_profile_is_checked_and_an_error_names_line_and_field() {
    let listed = site(&["list"]);
    assert!(said(&listed.stdout).lines().any(|line| line.starts_with("playground-dom   dom  http")));
    let shown = said(&site(&["show", "playground-dom"]).stdout);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, shown.replace("name: playground-dom", "name: mine")).unwrap();
    let checked = site(&["check", file.to_str().unwrap()]);
    assert!(checked.status.success() && said(&checked.stdout).starts_with("mine: http"), "{checked:?}");

    std::fs::write(&file, shown.replace("  composer: ", "  componist: ")).unwrap();
    let wrong = site(&["check", file.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(64));
    let line = shown.lines().position(|line| line.starts_with("  composer:")).unwrap() + 1;
    let error = said(&wrong.stderr);
    assert!(error.contains(&format!("line {line}, field dom.componist: unknown field")), "{error}");
    assert_eq!(site(&["show", "nobody"]).status.code(), Some(64));
}

async fn chat(stack: &Stack, messages: &Value) -> String {
    let body = json!({"model": "practice-echo", "messages": messages});
    let reply = stack.api.post("/v1/chat/completions", &body).send().await.unwrap();
    let reply: Value = reply.json().await.unwrap();
    reply["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

#[tokio::test]
async fn a_site_is_driven_through_its_page_from_an_api_request_to_the_answer_and_back() {
    let stack =
        Stack::start(WORMHOLE, Setup { profile: "playground-dom", capacity: 1, ..Setup::default() }).await;
    let markdown = "Look:\n\n- **one**\n- `two`\n\n```rust\nlet a = 1;\n```";
    let first = json!({"role": "user", "content": markdown});
    let answer = chat(&stack, &json!([first])).await;
    assert_eq!(answer, markdown);
    // What follows is posted into the same conversation, through the page.
    let second = json!({"role": "user", "content": "and now?"});
    let answer = chat(&stack, &json!([first, {"role": "assistant", "content": answer}, second])).await;
    assert_eq!(answer, "and now?");
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.conversations_created), (2, 1), "the conversation went on");

    // It streams: each word is there before the site says the next one. Who hangs up, hangs up at the site.
    let asked = stack.api.chat("practice-gate", "[[words:9]]", true).send().await.unwrap();
    let mut stream = Streamed::of(asked);
    stack.site.release(1);
    stream.until_text("w1").await;
    stack.site.release(1);
    stream.until_text("w2").await;
    drop(stream);
    stack.site.wait_until(SEEN_WITHIN, |seen| seen.turns_aborted == 1 && seen.in_flight == 0).await.unwrap();
    stack.stop(&["and now?"]).await;
}

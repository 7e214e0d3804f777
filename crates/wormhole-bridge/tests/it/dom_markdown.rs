//! The page script's Markdown, in a real browser: whole replies, and at every step of their growth.

use crate::browser_start::{Other, Started, start};

/// The files of the page script that make Markdown, and what runs them against the fixtures.
const SCRIPT: &str = concat!(
    include_str!("../../inject/protocol.js"),
    include_str!("../../inject/stream.js"),
    include_str!("../../inject/inline.js"),
    include_str!("../../inject/markdown.js"),
    include_str!("../../inject/watch.js"),
    include_str!("../../inject/test/markdown.page.js"),
);
const CASES: &str = include_str!("../../inject/test/markdown.json");
const SOURCES: &str = include_str!("../../inject/test/sources.json");
/// The practice site's own Markdown renderer, which shows a growing source anew at each step, as chat pages do.
const PRACTICE: &str = include_str!("../../../wormhole-playground/assets/markdown.js");

#[tokio::test]
async fn dom_markdown_comes_out_whole_and_nothing_passed_on_is_taken_back() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(CASES).unwrap();
    let sources: Vec<String> = serde_json::from_str(SOURCES).unwrap();
    assert!(cases.len() >= 40 && sources.len() >= 8);
    let Started { site: _site, profile: _profile, browser, .. } = start().await;
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    let practice = PRACTICE.replace("export function shown", "function shown");
    let script = format!(
        "(() => {{ {SCRIPT}\nconst practice = (() => {{ {practice}\nreturn shown; }})();\n\
         return JSON.stringify(check({CASES}, {SOURCES}, practice), null, 1); }})()"
    );
    let wrong: String = page.evaluate(script).await.unwrap().into_value().unwrap();
    assert_eq!(wrong, "[]");
    browser.close().await;
}

//! Streamed answers in both shapes, with the quirks that a network and a site can have.

use serde_json::Value;
use wormhole_playground::ECHO;
use wormhole_playground::GATE;
use wormhole_playground::STORY;
use wormhole_playground::Shape;
use wormhole_playground::THINKER;

use crate::site::SOON;
use crate::site::events;
use crate::site::logged_in;
use crate::site::said;

#[tokio::test]
async fn openai_chunks_end_with_a_finish_reason_and_done() {
    let (_site, browser) = logged_in().await;
    let answer = browser.ask("größer  als\n🦀?", ECHO).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    let stream = answer.text().await.unwrap();
    assert_eq!(said(&stream), ("größer  als\n🦀?".to_owned(), String::new(), true));
    let events = events(&stream);
    assert_eq!(events.last(), Some(&"[DONE]"));
    let first: Value = serde_json::from_str(events[0]).unwrap();
    assert_eq!(first["object"], "chat.completion.chunk");
    assert_eq!(first["model"], ECHO);
}

#[tokio::test]
async fn the_typed_shape_ends_with_done() {
    let (site, browser) = logged_in().await;
    site.control.switch(|switches| switches.shape = Shape::Typed);
    let stream = browser.ask("[[words:2]]", THINKER).await.text().await.unwrap();
    let kinds: Vec<String> = events(&stream)
        .iter()
        .map(|event| serde_json::from_str::<Value>(event).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.first().unwrap(), "reasoning");
    assert_eq!(kinds[kinds.len() - 3..], ["chunk", "chunk", "done"]);
}

#[tokio::test]
async fn the_thinker_reasons_before_it_answers() {
    let (_site, browser) = logged_in().await;
    let (text, reasoning, whole) = said(&browser.ask("?", THINKER).await.text().await.unwrap());
    assert!(text.ends_with("forty-two.") && reasoning.starts_with("The question") && whole);
}

#[tokio::test]
async fn the_story_is_as_long_as_the_marker_says() {
    let (_site, browser) = logged_in().await;
    let (text, _, whole) = said(&browser.ask("a story, [[words:1000]]", STORY).await.text().await.unwrap());
    assert!(text.split(' ').count() == 1_000 && whole);
}

#[tokio::test]
async fn cuts_line_ends_and_comments_change_nothing_that_is_said() {
    let (site, browser) = logged_in().await;
    let text = "größer 🦀 \"quoted\"\r\n{data: }";
    for cut_bytes in [1, 3, 7] {
        site.control.switch(|switches| {
            switches.cut_bytes = cut_bytes;
            switches.crlf = true;
            switches.comments = true;
        });
        let stream = browser.ask(text, ECHO).await.text().await.unwrap();
        assert!(stream.contains(": keep-alive\r\n\r\ndata: {"));
        assert_eq!(said(&stream), (text.to_owned(), String::new(), true));
    }
}

#[tokio::test]
async fn cut_pieces_travel_one_by_one() {
    let (site, browser) = logged_in().await;
    site.control.switch(|switches| {
        switches.cut_bytes = 5;
        switches.cut_pause_ms = 2;
    });
    let mut answer = browser.ask("🦀", ECHO).await;
    let mut pieces = 0;
    while answer.chunk().await.unwrap().is_some() {
        pieces += 1;
    }
    assert!(pieces > 20, "{pieces} pieces");
}

#[tokio::test]
async fn the_gate_sends_the_next_word_only_after_it_is_released() {
    let (site, browser) = logged_in().await;
    let mut answer = browser.ask("[[words:3]]", GATE).await;
    let mut stream = String::new();
    for word in ["w1", "w2", "w3"] {
        assert!(!stream.contains(word));
        site.control.release(1);
        while !stream.contains(word) {
            stream.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
        }
    }
    while let Some(rest) = answer.chunk().await.unwrap() {
        stream.push_str(std::str::from_utf8(&rest).unwrap());
    }
    assert_eq!(said(&stream), ("w1 w2 w3".to_owned(), String::new(), true));
}

#[tokio::test]
async fn words_can_be_released_in_one_conversation_alone() {
    let (site, browser) = logged_in().await;
    let (first, second) = (browser.converse("a", GATE).await, browser.converse("b", GATE).await);
    let held = browser.turn(&first, "[[words:1]]", GATE, 0).await;
    let free = browser.turn(&second, "[[words:1]]", GATE, 0).await;
    site.control.release_in(&second, 1).unwrap();
    assert_eq!(said(&free.text().await.unwrap()).0, "w1");
    let seen = site.control.wait_until(SOON, |seen| seen.turns_completed == 1).await.unwrap();
    assert_eq!((seen.in_flight, seen.in_flight_max), (1, 2));
    site.control.release_in(&first, 1).unwrap();
    assert_eq!(said(&held.text().await.unwrap()).0, "w1");
    assert!(site.control.release_in("none", 1).is_err());
}

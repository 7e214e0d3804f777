//! Turns that are posted while the page waits for a person.

use std::time::Duration;

use serde_json::{Value, json};
use wormhole_testkit::site::{Config, Switches};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::{SEEN_WITHIN, WORMHOLE};

/// A site that asks for a one-time code, and a hub that holds turns for so long.
async fn at_the_code_page(person_wait: &str) -> Stack {
    let switches = Switches { one_time_code: true, ..Switches::default() };
    let setup = Setup {
        site: Config { switches, ..Config::default() },
        server: vec![("WORMHOLE_PERSON_WAIT", person_wait.to_owned())],
        bridge: vec![("WORMHOLE_PERSON_CHECK", "100ms".to_owned())],
        not_ready: true,
        ..Setup::default()
    };
    let stack = Stack::start(WORMHOLE, setup).await;
    stack.until_readyz("oai", 200).await;
    wormhole_testkit::until(Duration::from_mins(1), "the bridge says challenge", || async {
        let (_, text) = stack.admin("bridge", "/readyz").await?;
        text.contains("challenge").then_some(())
    })
    .await;
    stack
}

/// Waits until so many turns wait in the hub.
async fn until_held(stack: &Stack, turns: u32) {
    let wanted = format!("wormhole_server_queued_turns {turns}");
    wormhole_testkit::until(SEEN_WITHIN, &wanted, || async {
        let (_, metrics) = stack.admin("server", "/metrics").await?;
        metrics.lines().any(|line| line == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn turns_are_held_while_a_person_types_the_code_and_each_is_posted_once() {
    let stack = at_the_code_page("5m").await;
    let api = stack.api.clone();
    let whole =
        tokio::task::JoinSet::from_iter([async move { api.answer("practice-echo", "held whole").await }]);
    let streaming = stack.api.chat("practice-echo", "held stream", true).send().await.unwrap();
    assert_eq!(streaming.status(), 200, "the status window is over: signs of life from here on");
    until_held(&stack, 2).await;
    assert_eq!(stack.site.snapshot().turns_received, 0);

    stack.person().await.send("input[autocomplete=one-time-code]", "424242").await;
    assert_eq!(whole.join_all().await, ["held whole"]);
    let mut stream = Streamed::of(streaming);
    stream.to_end().await;
    assert!(stream.says_it_is_whole() && stream.text == "held stream", "{:?}", stream.lines);
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.codes_ok, seen.logins_ok), (2, 1, 1));
    stack.stop(&["held whole", "held stream"]).await;
}

#[tokio::test]
async fn a_turn_that_no_person_came_for_fails_in_its_dialects_words() {
    let stack = at_the_code_page("500ms").await;
    let reply = stack.api.chat("practice-echo", "nobody came", false).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    let error: Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["code"], "challenge", "{error}");
    let words = error["error"]["message"].as_str().unwrap().to_owned();
    assert!(words.contains("one-time code"), "{words}");

    let body = json!({"model": "practice-echo", "stream": false,
        "messages": [{"role": "user", "content": "nobody came"}]});
    let reply = stack.api.post("/api/chat", &body).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    let error: Value = reply.json().await.unwrap();
    assert_eq!(error["error"], words.as_str(), "{error}");
    assert_eq!(stack.site.snapshot().turns_received, 0);
    stack.stop(&["nobody came"]).await;
}

#[tokio::test]
async fn the_callers_own_deadline_ends_the_wait_in_a_stream_too() {
    let switches = Switches { one_time_code: true, ..Switches::default() };
    let setup = Setup {
        site: Config { switches, ..Config::default() },
        oai: vec![("WORMHOLE_TURN_DEADLINE", "3s".to_owned()), ("WORMHOLE_HEARTBEAT", "200ms".to_owned())],
        server: vec![("WORMHOLE_PERSON_WAIT", "1h".to_owned())],
        not_ready: true,
        ..Setup::default()
    };
    let stack = Stack::start(WORMHOLE, setup).await;
    stack.until_readyz("oai", 200).await;
    wormhole_testkit::until(Duration::from_mins(1), "the bridge says challenge", || async {
        let (_, text) = stack.admin("bridge", "/readyz").await?;
        text.contains("challenge").then_some(())
    })
    .await;
    let mut stream = Streamed::of(stack.api.chat("practice-echo", "too late", true).send().await.unwrap());
    stream.to_end().await;
    let error = stream.error().expect("the stream ends with an error");
    assert_eq!(error["code"], "challenge", "{error}");
    assert!(!stream.says_it_is_whole());
    let (_, metrics) = stack.admin("oai", "/metrics").await.unwrap();
    let beats = metrics.lines().find_map(|line| line.strip_prefix("wormhole_oai_heartbeats_total "));
    assert!(beats.unwrap().parse::<u32>().unwrap() >= 3, "signs of life while it was held: {beats:?}");
    stack.stop(&["too late"]).await;
}

//! What everybody stands on goes away for a while: the hub, the network, the session. All of it comes back by itself.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack, Streamed, until, within};

use crate::{SEEN_WITHIN, WORMHOLE};

/// A client hears of an outage in this time, whatever the services still try.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

/// Three times the longest pause between two tries to join, so that the pauses have long grown to their full length.
const HUB_GONE: Duration = Duration::from_secs(30);

/// The code of the error that an answer is.
async fn refused(stack: &Stack, text: &str) -> String {
    let request = stack.api.chat("practice-echo", text, false).send();
    let reply = within(TOLD_WITHIN, "an answer in the outage", request).await.unwrap();
    assert!(!reply.status().is_success(), "{}", reply.status());
    let error: Value = reply.json().await.unwrap();
    error["error"]["code"].as_str().unwrap_or_else(|| panic!("{error}")).to_owned()
}

fn times_posted(stack: &Stack, text: &str) -> usize {
    stack.site.snapshot().turns.iter().filter(|turn| &*turn.text == text).count()
}

/// A stream with its first word read.
async fn begun(stack: &Stack) -> Streamed {
    let asked = stack.api.chat("practice-gate", "[[words:9]]", true).send().await.unwrap();
    let mut stream = Streamed::of(asked);
    stack.site.release(1);
    stream.until_text("w1").await;
    stream
}

#[tokio::test]
async fn a_hub_that_is_gone_for_long_is_joined_again_and_what_was_asked_meanwhile_was_never_posted() {
    let mut stack = Stack::start(WORMHOLE, Setup::default()).await;
    assert_eq!(stack.api.answer("practice-echo", "before").await, "before");
    stack.server.take().unwrap().kill().await;
    assert_eq!(refused(&stack, "meanwhile").await, "hub_lost");
    for service in ["bridge", "oai"] {
        stack.until_readyz(service, 503).await;
    }
    // All through the outage they live, cannot serve, and say so.
    let gone = Instant::now();
    while gone.elapsed() < HUB_GONE {
        for service in ["bridge", "oai"] {
            assert_eq!(stack.admin(service, "/livez").await.unwrap().0, 200, "{service} lives without a hub");
            let (status, why) = stack.admin(service, "/readyz").await.unwrap();
            assert!(status == 503 && why.contains("hub: "), "{service}: {status} {why}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    stack.start_server();
    stack.until_ready().await;
    assert_eq!(stack.api.answer("practice-echo", "after").await, "after");
    assert_eq!(times_posted(&stack, "meanwhile"), 0);
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.logins_ok), (2, 1));
    stack.stop(&["meanwhile"]).await;
}

#[tokio::test]
async fn a_network_that_changes_fails_what_runs_in_words_and_posts_nothing_twice() {
    let setup = Setup { site_by_link: true, ..Setup::default() };
    let stack = Stack::start(WORMHOLE, setup).await;
    let link = stack.site_link.as_ref().expect("the setup asks for it");
    // One whose answer has not begun, and one in the middle of it.
    stack.site.misbehave(Call::Turn, Fault::HoldResponse, 1);
    let held = stack.api.chat("practice-echo", "no answer yet", false);
    let held = JoinSet::from_iter([async move { held.send().await.unwrap() }]);
    stack.site.wait_until(SEEN_WITHIN, |seen| seen.held == 1).await.unwrap();
    let mut stream = begun(&stack).await;

    // Every connection that Chromium has dies at once, and there are no new ones: what a change of networks does.
    link.cut();
    within(TOLD_WITHIN, "the stream's error", stream.to_end()).await;
    assert!(stream.error().is_some() && !stream.says_it_is_whole(), "{:?}", stream.lines);
    let reply = within(TOLD_WITHIN, "the waiting client's error", held.join_all()).await.remove(0);
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.headers()["x-should-retry"], "false", "it may have been posted");
    let error: Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["code"], "site_error", "{error}");
    refused(&stack, "without a network").await;

    link.restore();
    let back = until(SEEN_WITHIN, "an answer once the network is back", || async {
        let reply = stack.api.chat("practice-echo", "the network is back", false).send().await.ok()?;
        reply.status().is_success().then_some(reply)
    });
    let body: Value = back.await.json().await.unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "the network is back");
    for (text, times) in [("no answer yet", 1), ("[[words:9]]", 1), ("without a network", 0)] {
        assert_eq!(times_posted(&stack, text), times, "{text}");
    }
    assert_eq!(stack.site.snapshot().logins_ok, 1, "a network that fails is no session that ended");
    stack.stop(&["no answer yet"]).await;
}

/// The network is back before anybody has noticed: whoever sends a request again, sends it to a site that has it already.
#[tokio::test]
async fn a_network_that_is_back_at_once_does_not_make_the_browser_post_again() {
    let setup = Setup { site_by_link: true, ..Setup::default() };
    let stack = Stack::start(WORMHOLE, setup).await;
    let link = stack.site_link.as_ref().expect("the setup asks for it");
    // Their connection has been used before, which is when a browser may take a request for one that was never read.
    assert_eq!(stack.api.answer("practice-echo", "before").await, "before");
    for text in ["first", "second", "third"] {
        stack.site.misbehave(Call::Turn, Fault::HoldResponse, 1);
        let asked = stack.api.chat("practice-echo", text, false);
        let asked = JoinSet::from_iter([async move { asked.send().await.unwrap() }]);
        stack.site.wait_until(SEEN_WITHIN, |seen| seen.held == 1).await.unwrap();
        link.cut();
        link.restore();
        let reply = within(TOLD_WITHIN, "the client's answer", asked.join_all()).await.remove(0);
        assert_eq!(reply.status(), 502, "what became of it nobody knows");
        assert_eq!(reply.headers()["x-should-retry"], "false");
        assert_eq!(times_posted(&stack, text), 1, "{text}");
        assert_eq!(stack.api.answer("practice-echo", "the next").await, "the next");
    }
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.logins_ok), (7, 1));
    stack.stop(&["second"]).await;
}

/// A session that is looked after closely, and a login that waits so long for answers that still stream.
async fn with_login_patience(patience: &str) -> Stack {
    let bridge = vec![
        ("WORMHOLE_SESSION_CHECK", "200ms".to_owned()),
        ("WORMHOLE_LOGIN_PATIENCE", patience.to_owned()),
    ];
    Stack::start(WORMHOLE, Setup { bridge, ..Setup::default() }).await
}

async fn until_found_expired(stack: &Stack) {
    until(SEEN_WITHIN, "the bridge finds the session expired", || async {
        let (_, metrics) = stack.admin("bridge", "/metrics").await?;
        let expired = r#"wormhole_bridge_state_changes_total{state="expired"} 1"#;
        metrics.lines().any(|line| line == expired).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_that_expires_in_mid_stream_lets_the_stream_end_before_the_new_login() {
    let stack = with_login_patience("1m").await;
    let mut stream = begun(&stack).await;
    stack.site.expire_sessions();
    until_found_expired(&stack).await;
    assert_eq!(stack.site.snapshot().logins_ok, 1, "the login would break the stream off, and waits");
    stack.site.release(8);
    stream.to_end().await;
    assert!(stream.says_it_is_whole() && stream.text.ends_with("w9"), "{:?}", stream.lines);
    assert_eq!(stack.api.answer("practice-echo", "the next").await, "the next");
    let seen = stack.site.snapshot();
    assert_eq!((seen.logins_ok, seen.turns_received), (2, 2));
    stack.stop(&["the next"]).await;
}

#[tokio::test]
async fn a_stream_that_outlasts_the_patience_of_a_new_login_ends_in_words_and_is_not_posted_again() {
    let stack = with_login_patience("500ms").await;
    let mut stream = begun(&stack).await;
    stack.site.expire_sessions();
    within(TOLD_WITHIN, "the stream's error", stream.to_end()).await;
    assert_eq!(stream.error().unwrap()["code"], "page_lost", "{:?}", stream.lines);
    assert!(!stream.says_it_is_whole());
    assert_eq!(stack.api.answer("practice-echo", "the next").await, "the next");
    assert_eq!(times_posted(&stack, "[[words:9]]"), 1);
    assert_eq!(stack.site.snapshot().logins_ok, 2);
    stack.stop(&["the next"]).await;
}

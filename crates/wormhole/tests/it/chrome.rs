//! Chromium dies in mid-turn.

use std::time::{Duration, Instant};

use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack, Streamed, kill_hard, within};

use crate::WORMHOLE;

/// The promise: that client has its error within five seconds.
const ERROR_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_killed_chromium_is_a_typed_error_at_once_and_the_next_request_needs_no_new_login() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    // Held by the site, so that it takes no word from the stream beside it.
    stack.site.misbehave(Call::Turn, Fault::HoldResponse, 1);
    let whole = stack.api.chat("practice-echo", "held", false);
    let whole = tokio::task::JoinSet::from_iter([async move { whole.send().await.unwrap() }]);
    let received = |count| move |seen: &wormhole_testkit::site::Snapshot| seen.in_flight == count;
    stack.site.wait_until(crate::SEEN_WITHIN, received(1)).await.unwrap();

    let mut stream = Streamed::of(stack.api.chat("practice-gate", "[[words:9]]", true).send().await.unwrap());
    stack.site.release(1);
    stream.until_text("w1").await;
    stack.site.wait_until(crate::SEEN_WITHIN, received(2)).await.unwrap();

    let killed = stack.chromium();
    kill_hard(killed);
    let at = Instant::now();
    within(ERROR_WITHIN, "the streaming client has its error", stream.to_end()).await;
    let reply =
        within(ERROR_WITHIN, "the waiting client has its error", async { whole.join_all().await.remove(0) })
            .await;
    assert!(at.elapsed() < ERROR_WITHIN);

    assert_eq!(stream.error().unwrap()["code"], "page_lost", "{:?}", stream.lines);
    assert!(!stream.says_it_is_whole());
    assert_eq!(reply.status(), 502);
    assert_eq!(reply.headers()["x-should-retry"], "false");
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap()["error"]["code"], "page_lost");

    assert_eq!(stack.api.answer("practice-echo", "after the crash").await, "after the crash");
    assert_ne!(stack.chromium(), killed);
    assert_eq!(stack.site.snapshot().logins_ok, 1);
    stack.stop(&["after the crash"]).await;
}

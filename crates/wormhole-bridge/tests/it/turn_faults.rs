//! Turns that fail, and what the hub is told of their posting.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use wormhole_playground::{Call, ECHO, Fault, GATE, STORY};
use wormhole_protocol::{Body, Failure, FailureCode, PageState, Posted};

use crate::{session_hub::SOON, session_stand::Stand};

impl Stand {
    async fn fails(&self, call: Call, fault: Fault) -> Failure {
        assert!(self.site.misbehave(call, fault, 1));
        self.hub.post(STORY, "a prompt that is nobody's business").failed().await
    }
}

#[tokio::test]
async fn turn_that_fails_says_why_and_whether_it_was_posted() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    // Longer than a busy machine pauses: only the answer that stalls may be found to stall.
    config.site.timeouts.idle = Duration::from_secs(3);
    config.site.max_text_bytes = 1000;
    let bridge = stand.bridge(config).await;
    stand.hub.until(PageState::Ready).await;
    let status = |code, retry_after| Fault::Status { code, retry_after };
    let cut = |abrupt| Fault::Cut { after_words: 3, abrupt };
    let cases = [
        (Call::Turn, status(429, Some(7)), FailureCode::RateLimited, Posted::No),
        (Call::Turn, status(500, None), FailureCode::SiteError, Posted::Unknown),
        (Call::Turn, status(400, None), FailureCode::Refused, Posted::No),
        (Call::Create, status(500, None), FailureCode::SiteError, Posted::No),
        (Call::Create, Fault::UnknownShape, FailureCode::SiteChanged, Posted::No),
        (Call::Turn, Fault::Html, FailureCode::SiteChanged, Posted::Unknown),
        (Call::Turn, Fault::UnknownShape, FailureCode::SiteChanged, Posted::Yes),
        (Call::Turn, Fault::Stall { after_words: 2 }, FailureCode::Stalled, Posted::Yes),
        (Call::Turn, cut(false), FailureCode::Truncated, Posted::Yes),
        (Call::Turn, cut(true), FailureCode::Truncated, Posted::Yes),
    ];
    for (call, fault, code, posted) in cases {
        let what = format!("{call:?} {fault:?}");
        let failure = stand.fails(call, fault).await;
        assert_eq!((failure.code, failure.posted), (code, posted), "{what}: {failure}");
        assert!(!failure.message.contains("nobody's business"), "{failure}");
        assert_eq!(failure.retry_after_ms, (code == FailureCode::RateLimited).then_some(7_000), "{what}");
    }
    stand.site.wait_until(SOON, |seen| seen.in_flight == 0).await.unwrap();
    let before = stand.site.snapshot();
    assert_eq!(before.logins_ok, 1, "none of these costs the session");

    // More than the site takes does not get there.
    let failure = stand.hub.post(ECHO, &"x".repeat(1001)).failed().await;
    assert_eq!((failure.code, failure.posted), (FailureCode::Refused, Posted::No));
    assert_eq!(failure.message, "the message has 1001 bytes, the site takes 1000");
    assert_eq!(stand.site.snapshot().turns_received, before.turns_received);

    // The login page in place of the stream, with status 200.
    let failure = stand.fails(Call::Turn, Fault::SilentLogout).await;
    assert_eq!((failure.code, failure.posted), (FailureCode::LoginRequired, Posted::No));
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    assert_eq!(stand.site.snapshot().logins_ok, 2);
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn turn_in_a_browser_that_is_killed_fails_at_once_and_the_next_is_answered() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    stand.hub.until(PageState::Ready).await;
    let mut running = stand.hub.post(GATE, "[[words:9]]");
    stand.site.release(1);
    running.until_text("w1").await;
    let pid = stand.chrome_pid();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let failure = tokio::time::timeout(Duration::from_secs(5), running.failed()).await.expect("within 5 s");
    assert_eq!((failure.code, failure.posted), (FailureCode::PageLost, Posted::Yes));
    stand.hub.until(PageState::Ready).await;
    assert_ne!(stand.chrome_pid(), pid);
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    assert_eq!(stand.site.snapshot().logins_ok, 1, "without a new login");

    // A hub that goes takes its turns with it, and finds the page again when it is back.
    let mut running = stand.hub.post(GATE, "[[words:9]]");
    stand.site.release(1);
    running.until_text("w1").await;
    let before = stand.site.snapshot().turns_aborted;
    stand.hub.drop_links();
    stand
        .site
        .wait_until(SOON, |seen| seen.turns_aborted == before + 1 && seen.in_flight == 0)
        .await
        .unwrap();
    stand.hub.until(PageState::Ready).await;
    assert!(matches!(stand.hub.post(ECHO, "hi").ended().await.end, Body::Done { .. }));
    bridge.stop().await;
    stand.close().await;
}

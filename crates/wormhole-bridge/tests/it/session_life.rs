//! A session from its login to its end, and over restarts.

use std::time::Duration;

use wormhole_playground::{ECHO, Era, GATE};
use wormhole_protocol::{FailureCode, PageState, Posted};

use crate::{
    session_counts::until_counted,
    session_hub::SOON,
    session_stand::{Stand, process_ended},
};

#[tokio::test]
async fn session_logs_in_once_survives_a_restart_and_renews_itself() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    let page = stand.hub.until(PageState::Ready).await;
    assert_eq!((page.site.as_str(), page.capacity, page.gap_ms), ("outlier", 2, 1000));
    assert!(page.models.iter().any(|model| model.name == ECHO), "{:?}", page.models);
    assert!(bridge.readiness.is_ready(), "{:?}", bridge.readiness.unmet());
    let pid = stand.chrome_pid();
    bridge.stop().await;
    process_ended(pid).await;
    assert_eq!(stand.hub.until(PageState::Draining).await.state, PageState::Draining);

    stand.hub.drop_links();
    let bridge = stand.bridge(stand.config("outlier")).await;
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.site.snapshot().logins_ok, 1, "a restart posts no login");

    // The next turn finds the session gone; the hub hears of that before it hears of the turn. The page's own script may
    // find it first: it then leaves for the login page, and takes the turn's context with it.
    stand.hub.take_states();
    stand.site.expire_sessions();
    let failure = stand.hub.post(ECHO, "hello").failed().await;
    assert_eq!((failure.posted, failure.retryable), (Posted::No, true), "{failure}");
    match failure.code {
        FailureCode::LoginRequired => assert_eq!(stand.hub.take_states().first(), Some(&PageState::Expired)),
        FailureCode::PageLost => {
            stand.site.wait_until(SOON, |seen| seen.logins_ok == 2).await.map(drop).unwrap();
        }
        _ => panic!("{failure}"),
    }
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.hub.post(ECHO, "hello").ended().await.text, "hello");
    assert_eq!(stand.site.snapshot().logins_ok, 2, "one login again");

    // A stale token is renewed without a login, and without leaving the page.
    stand.site.rotate_csrf();
    assert_eq!(stand.hub.post(ECHO, "again").ended().await.text, "again");
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_ok, seen.csrf_refused > 0, seen.turns_received), (2, true, 2));
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn session_that_ended_silently_is_found_by_the_check() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier-expert");
    stand.site.switch(|switches| switches.era = Era::Older);
    config.session.check = Duration::from_millis(200);
    config.session.cookies = Duration::from_millis(200);
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Ready).await;
    assert_eq!(page.site, "outlier-expert");
    stand.site.expire_sessions();
    stand.site.wait_until(SOON, |seen| seen.logins_ok == 2).await.unwrap();
    stand.hub.until(PageState::Ready).await;
    let ended = stand.hub.post(ECHO, "the older era").ended().await;
    assert_eq!((ended.text.as_str(), ended.whole().parent), ("the older era", 1));
    // Twice after a login, and the others by the clock: what a killed browser would lose is never old.
    until_counted(bridge.admin, r#"wormhole_bridge_cookie_saves_total{outcome="ok"}"#, 5).await;
    assert_eq!(stand.site.snapshot().logins_ok, 2);
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn session_drains_what_runs_and_takes_nothing_new() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    stand.hub.until(PageState::Ready).await;
    let pid = stand.chrome_pid();
    let mut running = stand.hub.post(GATE, "[[words:2]]");
    stand.site.release(1);
    running.until_text("w1").await;
    bridge.begin_stop();
    stand.hub.until(PageState::Draining).await;
    let refused = stand.hub.post(ECHO, "too late").failed().await;
    assert_eq!((refused.code, refused.posted), (FailureCode::NoPage, Posted::No));
    stand.site.release(1);
    assert_eq!(running.ended().await.text, " w2");
    bridge.stop().await;
    process_ended(pid).await;
    assert_eq!(stand.site.snapshot().turns_completed, 1);
    stand.close().await;
}

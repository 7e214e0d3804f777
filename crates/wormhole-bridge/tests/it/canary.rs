//! Questions that the bridge asks by itself.

use std::time::Duration;

use wormhole_bridge::CanaryConfig;
use wormhole_playground::{Call, ECHO, Fault, GATE};
use wormhole_protocol::{Body, PageState};

use crate::{
    session_counts::{counted, until_counted},
    session_hub::SOON,
    session_stand::{Stand, until_metric},
};

const FAILING: &str = "wormhole_bridge_canary_failing";

#[tokio::test]
async fn canary_asks_an_idle_site_and_tells_when_it_does_not_answer() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    config.canary = Some(CanaryConfig { every: Duration::from_millis(250), model: Some(ECHO.to_owned()) });
    let bridge = stand.bridge(config).await;
    stand.hub.until(PageState::Ready).await;
    // It is answered, and its conversation removed.
    let seen = stand.site.wait_until(SOON, |seen| seen.conversations_deleted >= 2).await.unwrap();
    assert!(seen.turns.iter().all(|turn| &*turn.text == "Reply with the word wormhole."));
    until_metric(bridge.admin, &format!("{FAILING} 0")).await;

    // The site is redesigned; nobody has asked anything yet.
    assert!(stand.site.misbehave(Call::Turn, Fault::UnknownShape, 1000));
    until_metric(bridge.admin, &format!("{FAILING} 1")).await;
    assert_eq!(stand.hub.take_states().last(), Some(&PageState::Ready), "the session is not to blame");
    stand.site.behave();
    until_metric(bridge.admin, &format!("{FAILING} 0")).await;
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn canary_is_silent_while_a_turn_runs_and_never_in_its_way() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    // Slow enough for the first turn to be there before the first question.
    config.canary = Some(CanaryConfig { every: Duration::from_secs(1), model: None });
    let bridge = stand.bridge(config).await;
    stand.hub.until(PageState::Ready).await;
    stand.site.wait_until(SOON, |seen| seen.turns_completed >= 1 && seen.in_flight == 0).await.unwrap();
    let mut running = stand.hub.post(GATE, "[[words:2]]");
    stand.site.release(1);
    running.until_text("w1").await;
    let before = stand.site.snapshot().turns_received;
    let rounds = r#"wormhole_bridge_canary_total{outcome="skipped"}"#;
    until_counted(bridge.admin, rounds, counted(bridge.admin, rounds).await + 3).await;
    assert_eq!(stand.site.snapshot().turns_received, before, "nothing is asked beside it");
    stand.site.release(1);
    assert!(matches!(running.ended().await.end, Body::Done { .. }));
    // A second one takes its place while the canary's may run, too.
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    bridge.stop().await;
    stand.close().await;
}

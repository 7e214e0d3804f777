//! Tabs and browsers that are replaced, and pages that are lost, under a session.

use std::time::Duration;

use chromiumoxide::{
    Page,
    cdp::browser_protocol::{page::CrashParams, target::CloseTargetParams},
};
use wormhole_playground::{ECHO, GATE};
use wormhole_protocol::{FailureCode, PageState, Posted};

use crate::{
    browser_start::log,
    session_counts::until_counted,
    session_stand::{Stand, process_ended},
};

#[tokio::test]
async fn session_outlives_its_browsers_and_its_tabs_without_a_login() {
    let stand = Stand::open().await;
    for part in ["browser", "tab"] {
        let mut config = stand.config("outlier");
        let ceilings = &mut config.browser.ceilings;
        (ceilings.every, ceilings.rest) = (Duration::from_millis(100), Duration::ZERO);
        match part {
            // Twice what this page takes.
            "browser" => ceilings.memory = Some(600 << 20),
            _ => ceilings.tab_memory = Some(300 << 20),
        }
        let bridge = stand.bridge(config).await;
        stand.hub.until(PageState::Ready).await;
        let pid = stand.chrome_pid();
        let mut running = stand.hub.post(GATE, "[[words:2]]");
        stand.site.release(1);
        running.until_text("w1").await;

        // What runs is finished, what is new is not taken.
        stand.person().await.act("void (window.kept = new Uint8Array(500 << 20).fill(1))").await;
        let page = stand.hub.until(PageState::Starting).await;
        assert_eq!(page.detail, format!("recycling the {part} (memory)"));
        let refused = stand.hub.post(ECHO, "too early").failed().await;
        assert_eq!((refused.posted, refused.retryable), (Posted::No, true));
        stand.site.release(1);
        assert_eq!(running.ended().await.text, " w2");

        stand.hub.until(PageState::Ready).await;
        assert_eq!(stand.chrome_pid() == pid, part == "tab");
        if part == "browser" {
            process_ended(pid).await;
        }
        let metrics = bridge.metrics().await;
        let counted = format!(r#"wormhole_bridge_recycles_total{{reason="memory",what="{part}"}} 1"#);
        assert!(metrics.contains(&counted), "{metrics}");
        // The new one is measured as the old one was, a moment after it is up.
        until_counted(bridge.admin, "wormhole_bridge_browser_memory_bytes", 1).await;
        bridge.stop().await;
        stand.hub.drop_links();
    }
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    stand.close().await;
}

/// With the settings a session has everywhere but in these tests: a short one counts against the site.
#[tokio::test]
async fn session_whose_tabs_are_replaced_often_is_never_held_against_the_site() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    let age = Duration::from_secs(1);
    let ceilings = &mut config.browser.ceilings;
    (ceilings.every, ceilings.tab_age) = (Duration::from_millis(600), Some(age));
    assert!(config.session.short > age * 10);
    let began = std::time::Instant::now();
    let bridge = stand.bridge(config).await;
    let replaced = r#"wormhole_bridge_recycles_total{reason="age",what="tab"}"#;
    until_counted(bridge.admin, replaced, 5).await;
    assert!(began.elapsed() >= age * 5, "a tab that has just been opened is not replaced");
    stand.hub.until(PageState::Ready).await;
    let states = stand.hub.take_states();
    assert!(!states.contains(&PageState::Blocked), "{states:?}");
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}

/// What happens to the page under a turn.
async fn harm(page: &Page, fault: &str) {
    match fault {
        "reload" => drop(page.evaluate("location.reload()").await),
        "away" => drop(page.evaluate("location.href = 'about:blank'").await),
        "closed" => drop(page.execute(CloseTargetParams::new(page.target_id().clone())).await),
        _ => drop(page.execute(CrashParams::default()).await),
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn turn_in_a_page_that_is_lost_fails_and_the_next_is_answered() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    log();
    // A blank page is nothing that the site did: the check finds it.
    config.session.check = Duration::from_secs(1);
    // Here it is not the site that ends them.
    config.session.short = Duration::ZERO;
    let bridge = stand.bridge(config).await;
    stand.hub.until(PageState::Ready).await;
    for fault in ["reload", "away", "closed", "crash"] {
        let mut running = stand.hub.post(GATE, "[[words:9]]");
        stand.site.release(1);
        running.until_text("w1").await;
        let harm = async {
            // Some are never answered, some at once; the turn's end is what counts. A person's DevTools that came while
            // the tab was being replaced may look at the old one: then another one tries.
            loop {
                let person = stand.person().await;
                drop(tokio::time::timeout(Duration::from_secs(5), harm(person.page(), fault)).await);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let failure = tokio::select! {
            failure = running.failed() => failure,
            () = harm => unreachable!("it ends with the turn"),
        };
        assert_eq!(
            (failure.code, failure.posted),
            (FailureCode::PageLost, Posted::Yes),
            "{fault}: {failure}"
        );
        let answered = async {
            // The tab may yet be on its way back: such a turn was not posted, and the hub would post it again.
            loop {
                let ended = stand.hub.post(ECHO, fault).ended().await;
                match ended.end {
                    wormhole_protocol::Body::Failed(failure) => {
                        assert_eq!(failure.posted, Posted::No, "{fault}: {failure}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    _ => return ended.text,
                }
            }
        };
        let text = tokio::time::timeout(crate::session_hub::SOON, answered).await.expect("it heals");
        assert_eq!(text, fault);
        stand.hub.until(PageState::Ready).await;
    }
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}

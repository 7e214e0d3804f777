//! Whole turns by the page's WebSocket, and a site that forbids it.

use std::time::Duration;

use wormhole_bridge::Service;
use wormhole_bridge::page_port::PagePortConfig;
use wormhole_playground::{ECHO, GATE};
use wormhole_protocol::{Body, PageState};

use crate::browser_start::log;
use crate::session_hub::SOON;
use crate::session_stand::Stand;

#[tokio::test]
async fn socket_turns_are_answered_once_the_site_no_longer_forbids_them() {
    log();
    let stand = Stand::open().await;
    let hub = &stand.hub;
    for profile in ["outlier", "playground-dom"] {
        stand.site.switch(|switches| switches.connect_anywhere = false);
        let mut config = stand.config(profile);
        config.page_port = Some(PagePortConfig { listen: "127.0.0.1:0".parse().unwrap(), url: None });
        config.session.check = Duration::from_millis(500);
        let bridge = stand.bridge(config).await;
        let page = hub.until(PageState::Blocked).await;
        let why =
            "the page forbids the WebSocket transport (Content-Security-Policy): unset WORMHOLE_PAGE_LISTEN";
        assert_eq!(page.detail, why);
        let unmet = bridge.readiness.unmet();
        assert!(unmet.contains(&format!("session: blocked: {why}")), "{unmet:?}");

        // The site changes its mind; nothing has to be started again.
        stand.site.switch(|switches| switches.connect_anywhere = true);
        hub.until(PageState::Ready).await;
        let text = "größer 🦀 \"quoted\" and more";
        let thread = hub.post(ECHO, text).ended().await;
        assert_eq!(thread.text, text, "{:?}", thread.end);
        let again = hub.post_in(ECHO, "again", Some(thread.whole())).ended().await;
        assert_eq!(again.text, "again");
        again.whole();
        let mut gated = hub.post(GATE, "[[words:3]]");
        for word in ["w1", "w2", "w3"] {
            stand.site.release(1);
            gated.until_text(word).await;
        }
        assert!(matches!(gated.next().await, Body::Done { bytes: 8, .. }));
        bridge.stop().await;
        stand.site.wait_until(SOON, |seen| seen.in_flight == 0).await.unwrap();
    }
    stand.close().await;
}

#[tokio::test]
async fn page_port_that_is_taken_is_one_clear_line() {
    let stand = Stand::open().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap();
    let mut config = stand.config("outlier");
    config.page_port = Some(PagePortConfig { listen, url: None });
    let error = Service::bind(config).await.expect_err("the port is taken").to_string();
    assert_eq!(
        error,
        format!("the page port (WORMHOLE_PAGE_LISTEN) cannot listen on {listen}: address in use")
    );
    stand.close().await;
}

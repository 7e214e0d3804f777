//! A profile that somebody else holds.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wormhole_protocol::PageState;

use crate::{browser_profile::PROFILE_OF_VICTIM, session_hub::SOON, session_stand::Stand};

/// Reads until a line holds these words.
async fn until_said(pipe: impl AsyncRead + Unpin, words: &str) {
    let mut lines = BufReader::new(pipe).lines();
    let said = async { while !lines.next_line().await.unwrap().expect("it runs").contains(words) {} };
    timeout(SOON, said).await.expect("it starts");
}

/// Another bridge, in a process of its own.
async fn other_bridge(stand: &Stand) -> Child {
    let mut bridge = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "browser_profile::browser_victim", "--nocapture"])
        .env(PROFILE_OF_VICTIM, stand.chrome())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until_said(bridge.stdout.take().unwrap(), "chromium=").await;
    bridge
}

/// A Chromium that somebody started by hand; it knows nothing of our lock.
async fn by_hand(stand: &Stand) -> Child {
    let mut chromium = Command::new("/bin/sh")
        .args(["-c", r#"exec "$0" "$@""#, "chromium", "--headless=new", "--no-sandbox"])
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", stand.chrome().display()))
        .arg("about:blank")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until_said(chromium.stderr.take().unwrap(), "DevTools listening").await;
    chromium
}

#[tokio::test]
async fn session_waits_for_whoever_holds_the_profile_and_says_who() {
    let stand = Stand::open().await;
    let mut other = other_bridge(&stand).await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    let page = stand.hub.until(PageState::BrowserDown).await;
    let who = format!("is held by process {} on ", other.id().unwrap());
    assert!(page.detail.contains(&who), "{}", page.detail);
    // Its Chromium goes with it, and leaves a lock of its own.
    other.kill().await.unwrap();
    stand.hub.until(PageState::Ready).await;
    bridge.stop().await;

    stand.hub.drop_links();
    let mut chromium = by_hand(&stand).await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    let page = stand.hub.until(PageState::BrowserDown).await;
    let who = format!("another Chromium (process {} on ", chromium.id().unwrap());
    assert!(page.detail.contains(&who), "{}", page.detail);
    chromium.kill().await.unwrap();
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}

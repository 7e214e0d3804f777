//! Everything that goes wrong in a browser, and what is left afterwards.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::page::CrashParams;
use chromiumoxide::cdp::browser_protocol::target::CloseTargetParams;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::timeout;
use wormhole_bridge::browser::{Browser, GoneReason};
use wormhole_bridge::tab::{TabError, TabEvent};

use crate::browser_start::{
    Carrier, Other, SOON, Started, get, installed, lost, over_both, start, start_by, until,
};

fn pid(browser: &Browser) -> Pid {
    Pid::from_raw(browser.pid().try_into().unwrap()).unwrap()
}

/// Crashes the renderer; the command itself is never answered, and so this does not end.
async fn crash(browser: &Browser) -> Infallible {
    let other = Other::connect(browser).await;
    drop(other.page().await.execute(CrashParams::default()).await);
    std::future::pending().await
}

over_both! {
    browser_reload_and_closed_tab_end_what_ran_in_the_page
    browser_page_comes_back_after_a_crash_but_not_for_ever
    browser_that_is_killed_is_missed_within_a_second
}

async fn browser_reload_and_closed_tab_end_what_ran_in_the_page(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    let feed = site.feed("reload");
    let mut reply = get(&tab, "/feed/reload").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    tab.reload().await.unwrap();
    let end = timeout(SOON, reply.chunk()).await.expect("a reload is noticed");
    assert_eq!(end, Some(Err(TabError::ContextLost)));
    timeout(SOON, feed.aborted()).await.expect("the site sees it too");

    // Somebody leaves for a page without our script.
    let feed = site.feed("leave");
    let mut reply = get(&tab, "/feed/leave").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    let other = Other::connect(&browser).await;
    other.page().await.evaluate("void (location.href = 'about:blank')").await.ok();
    let end = timeout(SOON, reply.chunk()).await.expect("leaving the site is noticed");
    assert_eq!(end, Some(Err(TabError::ContextLost)));
    tab.goto(&site.origin).await.unwrap();

    let feed = site.feed("closed");
    let mut reply = get(&tab, "/feed/closed").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    let page = other.page().await;
    let before = tab.events().borrow().clone();
    page.execute(CloseTargetParams::new(page.target_id().clone())).await.ok();
    let end = timeout(SOON, reply.chunk()).await.expect("a closed tab is noticed");
    assert_eq!(end, Some(Err(TabError::Crashed)));
    until(&tab, |event| installed(event) && *event != before).await;
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    browser.close().await;
}

async fn browser_page_comes_back_after_a_crash_but_not_for_ever(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    for round in 1..=3 {
        let feed = site.feed("crash");
        let mut reply = get(&tab, "/feed/crash").await.unwrap();
        feed.write("a").await;
        reply.chunk().await.unwrap().unwrap();
        let end = tokio::select! {
            end = timeout(SOON, reply.chunk()) => end.expect("a crash is noticed"),
            never = crash(&browser) => match never {},
        };
        assert_eq!(end, Some(Err(TabError::Crashed)), "round {round}");
        if round < 3 {
            until(&tab, installed).await;
        }
    }
    assert_eq!(timeout(SOON, browser.gone()).await.unwrap(), GoneReason::CrashLoop);
    until(&tab, lost(&TabError::BrowserGone)).await;
    assert_eq!(get(&tab, "/echo").await.unwrap_err(), TabError::BrowserGone);
    browser.close().await;
}

async fn browser_that_is_killed_is_missed_within_a_second(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    let feed = site.feed("kill");
    let mut reply = get(&tab, "/feed/kill").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    let killed = Instant::now();
    kill_process(pid(&browser), Signal::KILL).unwrap();
    let reason = timeout(SOON, browser.gone()).await.unwrap();
    assert!(matches!(&reason, GoneReason::Exited(status) if status.contains("signal: 9")), "{reason:?}");
    assert_eq!(timeout(SOON, reply.chunk()).await.unwrap(), Some(Err(TabError::BrowserGone)));
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert_eq!(tab.goto(&site.origin).await, Err(TabError::BrowserGone));
    assert!(matches!(&*tab.events().borrow(), TabEvent::Lost { reason: TabError::BrowserGone }));
    browser.close().await;
}

#[tokio::test]
async fn browser_that_hangs_is_given_up_and_ended() {
    let Started { site: _site, profile: _profile, browser, tab, .. } = start().await;
    let group = pid(&browser);
    kill_process_group(group, Signal::STOP).unwrap();
    assert_eq!(timeout(SOON, browser.gone()).await.unwrap(), GoneReason::Hung);
    until(&tab, lost(&TabError::BrowserGone)).await;
    drop(browser);
    let dead = async {
        while rustix::process::test_kill_process(group).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, dead).await.expect("dropping the browser kills it");
}

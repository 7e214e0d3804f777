//! What pages do to people, and what a browser without a person makes of it.

use std::time::Duration;

use tokio::time::timeout;
use wormhole_bridge::browser::ChromeMetrics;
use wormhole_bridge::tab::{TabError, TabEvent};
use wormhole_runtime::Registry;

use crate::browser_start::{
    Other, SOON, Started, clicked, get, installed, start, start_with, until, until_counted,
};

#[tokio::test]
async fn browser_answers_every_prompt_so_that_the_page_goes_on() {
    let Started { site, profile: _profile, browser, tab, .. } = start().await;
    // The page is asked for a password: it gets the answer as it is, and so do we when we go there.
    assert_eq!(get(&tab, "/secret").await.unwrap().status, 401);
    tab.goto(&site.at("/secret")).await.unwrap();
    assert!(matches!(&*tab.events().borrow(), TabEvent::Installed { path, .. } if path == "/secret"));
    tab.goto(&site.origin).await.unwrap();

    let other = Other::connect(&browser).await;
    let page = other.page().await;
    let cases = [
        (
            "new Promise((done) => navigator.geolocation.getCurrentPosition(
                () => done('ok'), (error) => done(String(error.code))))",
            "1",
        ),
        ("Notification.requestPermission()", "denied"),
        ("navigator.clipboard.readText().then(() => 'ok', (error) => error.name)", "NotAllowedError"),
        (
            "new Promise((done) => {
                const field = document.createElement('input');
                field.type = 'file';
                field.oncancel = () => done('nothing chosen');
                field.click();
            })",
            "nothing chosen",
        ),
        ("print(), 'printed'", "printed"),
        ("confirm('sure?') + '/' + prompt('name?')", "false/null"),
        ("location.href = 'mailto:nobody@example.invalid', 'asked'", "asked"),
        ("location.href = '/download', 'asked'", "asked"),
        ("document.documentElement.requestFullscreen().then(() => 'full', () => 'refused')", "full"),
    ];
    for (script, expected) in cases {
        assert_eq!(clicked(&page, script).await, expected, "{script}");
        assert_eq!(get(&tab, "/echo").await.unwrap().status, 200, "after {script}");
    }
    // A page that wants to be stayed on is left, by us and by itself.
    clicked(&page, "addEventListener('beforeunload', (event) => event.preventDefault()), ''").await;
    tab.goto(&site.at("/frame")).await.unwrap();
    assert_eq!(tab.url().await.unwrap(), site.at("/frame"));
    browser.close().await;
}

#[tokio::test]
async fn browser_pop_ups_are_closed_unless_a_person_is_at_work() {
    let life = Duration::from_millis(400);
    let counts = Registry::new();
    let metrics = ChromeMetrics::register(&counts).unwrap();
    let Started { site, profile: _profile, browser, tab, .. } =
        start_with(|config| (config.popup_life, config.metrics) = (life, metrics)).await;
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    let before = tab.events().borrow().clone();

    // A dialog in a pop-up stops the page that opened it, as both run in one thread.
    clicked(&page, "void (window.other = open('/frame')); ''").await;
    clicked(&page, "void other.setTimeout(() => { other.alert('look here'); opener_knows = 1; }, 0); ''")
        .await;
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    other.until_pages(1).await;
    // One that does not know who opened it is found as well.
    clicked(&page, "void open('/frame', '_blank', 'noopener'); ''").await;
    other.until_pages(2).await;
    other.until_pages(1).await;

    browser.person_at_work(true);
    clicked(&page, "void open('/frame'); ''").await;
    // The bridge has seen more than once that its time is over, and the person still needs it.
    until_counted(&counts, "wormhole_bridge_popups_spared_total", 2).await;
    assert_eq!(other.pages().await.len(), 2);
    // But a page cannot bury the person in them.
    for _ in 0..10 {
        clicked(&page, "void open('/frame'); ''").await;
    }
    other.until_pages(7).await;
    browser.person_at_work(false);
    other.until_pages(1).await;

    assert_eq!(*tab.events().borrow(), before, "none of them had the script");
    assert_eq!(tab.url().await.unwrap(), site.origin);
    browser.close().await;
}

#[tokio::test]
async fn browser_tab_that_hangs_is_replaced() {
    let quick = |config: &mut wormhole_bridge::browser::BrowserConfig| {
        config.ceilings.every = Duration::from_millis(200);
    };
    let Started { site, profile: _profile, browser, tab, .. } = start_with(quick).await;
    let feed = site.feed("hung");
    let mut reply = get(&tab, "/feed/hung").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    let before = tab.events().borrow().clone();
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    let forever = page.evaluate("for (;;);");
    let noticed = timeout(SOON, reply.chunk());
    let end = tokio::select! {
        _ = forever => panic!("it ends"),
        end = noticed => end.expect("a page that hangs is noticed"),
    };
    assert_eq!(end, Some(Err(TabError::Crashed)));
    until(&tab, |event| installed(event) && *event != before).await;
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    // Nothing of the old one is left to burn a processor.
    other.until_pages(1).await;
    browser.close().await;
}

//! What is used up is noticed and replaced, and the dead are buried.

use std::fs;
use std::time::Duration;

use futures_util::FutureExt as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;
use wormhole_bridge::browser::{BrowserConfig, ChromeMetrics, Part, Reason, Wear};
use wormhole_bridge::tab::TabEvent;
use wormhole_runtime::Registry;

use crate::browser_start::{Other, SOON, Started, clicked, get, start, start_with, until_counted};

/// No ceilings but those a test sets; looked at all the time.
fn none(config: &mut BrowserConfig) {
    let ceilings = &mut config.ceilings;
    (ceilings.memory, ceilings.age, ceilings.tab_memory, ceilings.tab_age) = (None, None, None, None);
    (ceilings.rest, ceilings.every) = (Duration::ZERO, Duration::from_millis(100));
}

/// What a case sets.
type Change = fn(&mut BrowserConfig);

fn generation(event: &TabEvent) -> u64 {
    match event {
        TabEvent::Installed { generation, .. } => *generation,
        TabEvent::Lost { .. } => 0,
    }
}

#[tokio::test]
async fn browser_tab_that_grows_is_used_up_and_the_next_is_not() {
    let counts = Registry::new();
    let metrics = ChromeMetrics::register(&counts).unwrap();
    let large = |config: &mut BrowserConfig| {
        none(config);
        config.ceilings.tab_memory = Some(96 << 20);
        config.metrics = metrics;
    };
    let Started { site, profile: _profile, browser, tab, .. } = start_with(large).await;
    let other = Other::connect(&browser).await;
    // Once it has been measured.
    until_counted(&counts, "wormhole_bridge_tab_memory_bytes", 1).await;
    let early = browser.worn().now_or_never();
    assert!(early.is_none(), "a small page is not used up: {early:?}");
    clicked(&other.page().await, "void (window.kept = new Uint8Array(160 << 20).fill(1)); ''").await;
    let wear = timeout(SOON, browser.worn()).await.expect("it is noticed");
    assert_eq!(wear, Wear { part: Part::Tab, reason: Reason::Memory });

    let before = generation(&tab.events().borrow());
    tab.goto(&site.at("/frame")).await.unwrap();
    browser.renew_tab().await.unwrap();
    assert!(generation(&tab.events().borrow()) > before);
    assert_eq!(tab.url().await.unwrap(), site.at("/frame"), "the same page in a new tab");
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    other.until_pages(1).await;
    // What was said of the old tab is taken back.
    let taken_back = async {
        while timeout(Duration::from_millis(300), browser.worn()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, taken_back).await.expect("a new tab is not used up");
    // Three crashes in ten minutes end a browser; tabs that are replaced are none.
    for _ in 0..3 {
        browser.renew_tab().await.unwrap();
    }
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    browser.close().await;
}

#[tokio::test]
async fn browser_as_a_whole_is_used_up_by_memory_and_by_age() {
    let cases: [(Change, Wear); 3] = [
        (
            |config| config.ceilings.memory = Some(64 << 20),
            Wear { part: Part::Browser, reason: Reason::Memory },
        ),
        (
            |config| config.ceilings.age = Some(Duration::from_millis(200)),
            Wear { part: Part::Browser, reason: Reason::Age },
        ),
        (
            |config| config.ceilings.tab_age = Some(Duration::from_millis(200)),
            Wear { part: Part::Tab, reason: Reason::Age },
        ),
    ];
    for (change, expected) in cases {
        let Started { site: _site, profile: _profile, browser, .. } = start_with(|config| {
            none(config);
            change(config);
        })
        .await;
        assert_eq!(timeout(SOON, browser.worn()).await.expect("it is noticed"), expected);
        browser.close().await;
    }
}

/// The dead of a group that nobody has waited for.
fn zombies(group: u32) -> Vec<String> {
    let stats = fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            fields[0] == "Z" && fields.get(2) == Some(&group.to_string().as_str())
        })
        .collect()
}

#[tokio::test]
async fn browser_that_is_killed_leaves_no_zombies_and_no_files() {
    let Started { site: _site, profile, browser, .. } = start().await;
    let socket = fs::read_link(profile.path().join("SingletonSocket")).unwrap();
    let scratch = socket.parent().unwrap().parent().unwrap().to_owned();
    assert!(scratch.file_name().unwrap().to_str().unwrap().starts_with("wormhole-chromium-"), "{scratch:?}");
    let group = browser.pid();
    // Its zygotes become our children, and end.
    kill_process(Pid::from_raw(group.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    browser.gone().await;
    assert!(socket.exists(), "a Chromium that is killed leaves its files");
    browser.close().await;
    assert_eq!(zombies(group), Vec::<String>::new());
    assert!(!scratch.exists());
}

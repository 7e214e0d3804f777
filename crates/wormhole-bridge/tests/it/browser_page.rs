//! What is in the page, and who sees it.

use wormhole_bridge::browser::Browser;
use wormhole_bridge::tab::{TabError, TabEvent};

use crate::browser_site::Site;
use crate::browser_start::{
    Carrier, Other, Started, config, get, installed, lost, over_both, start, start_by, until,
};

over_both! {
    browser_fields_are_filled_as_by_a_person_on_a_page_with_the_strictest_policy
    browser_dialogs_do_not_stop_the_page
}

async fn browser_fields_are_filled_as_by_a_person_on_a_page_with_the_strictest_policy(carrier: Carrier) {
    let Started { site: _site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    // The page's own script is deferred: when it has run, everything is there.
    tab.reload().await.unwrap();
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    page.evaluate(
        "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))",
    )
    .await
    .unwrap();

    assert_eq!(tab.count(".many").await.unwrap(), 2);
    assert_eq!(tab.count("#nothing").await.unwrap(), 0);
    assert_eq!(tab.text(".many", 10).await.unwrap(), "a");
    tab.fill("#field", &"geheim".into()).await.unwrap();
    let native = "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').get.call(document.querySelector('#field'))";
    assert_eq!(page.evaluate(native).await.unwrap().into_value::<String>().unwrap(), "geheim");
    tab.click("#button").await.unwrap();
    tab.press_enter("#field").await.unwrap();
    tab.press_enter("#area").await.unwrap();
    assert_eq!(tab.text("#log", 100).await.unwrap(), "[input][change][click][submit][Enter]");
    assert_eq!(tab.click("#nothing").await, Err(TabError::Missing("#nothing".to_owned())));
    assert!(matches!(tab.count("##").await, Err(TabError::Script(_))));
    // Nothing of ours is to be seen from the page's world.
    let ours = "Object.getOwnPropertyNames(window).filter((name) => /wormhole/i.test(name)).length
        + (typeof __wormhole_emit !== 'undefined') + (typeof __wormhole !== 'undefined')";
    assert_eq!(page.evaluate(ours).await.unwrap().into_value::<u32>().unwrap(), 0);
    browser.close().await;
}

#[tokio::test]
async fn browser_injects_into_the_sites_own_origins_alone() {
    let Started { site, profile: _profile, browser, tab, .. } = start().await;
    let generation = |event: &TabEvent| match event {
        TabEvent::Installed { generation, .. } => *generation,
        TabEvent::Lost { .. } => 0,
    };
    // The frame in the page is of the same origin, and still no document of its own to us.
    assert_eq!(generation(&tab.events().borrow()), 1);

    let foreign = Site::open().await;
    assert_eq!(tab.goto(&foreign.origin).await, Err(TabError::NotAllowed));
    let away = site.at(&format!("/away/{}", "about:blank"));
    // Chromium itself refuses to follow a redirect there.
    assert!(matches!(tab.goto(&away).await, Err(TabError::Unreachable(_))));
    // An error page is nobody's origin.
    until(&tab, lost(&TabError::NotAllowed)).await;
    assert_eq!(get(&tab, "/echo").await.unwrap_err(), TabError::NotAllowed);
    tab.goto(&site.at("/frame")).await.unwrap();
    let now = until(&tab, installed).await;
    assert!(matches!(&now, TabEvent::Installed { path, .. } if path == "/frame"), "{now:?}");
    assert_eq!(tab.url().await.unwrap(), site.at("/frame"));
    browser.close().await;
}

#[tokio::test]
async fn browser_follows_the_site_to_a_foreign_origin_without_the_script_and_trusts_only_known_keys() {
    let site = Site::open().await;
    let foreign = Site::open().await;
    let unknown = Site::open().await;
    let profile = tempfile::tempdir().unwrap();
    let mut config = config(&site, &profile);
    let keys = format!("{},{}", site.trust(), foreign.trust().split_once('=').unwrap().1);
    config.extra_args = vec![keys];
    config.origins.push(unknown.origin.clone());
    let browser = Browser::launch(&config).await.unwrap();
    let tab = browser.tab();
    tab.goto(&site.at(&format!("/away/{}", foreign.origin))).await.unwrap();
    until(&tab, lost(&TabError::NotAllowed)).await;
    assert_eq!(tab.url().await.unwrap(), foreign.origin);
    assert_eq!(get(&tab, "/echo").await.unwrap_err(), TabError::NotAllowed);
    match tab.goto(&unknown.origin).await {
        Err(TabError::Unreachable(error)) => assert!(error.contains("ERR_CERT"), "{error}"),
        other => panic!("{other:?}"),
    }
    browser.close().await;
}

async fn browser_dialogs_do_not_stop_the_page(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    tab.goto(&site.at("/?dialog")).await.unwrap();
    // The script greets before the page is read to its end: at first there is no such element.
    while !tab.text("#log", 100).await.is_ok_and(|text| text.contains("[alerted]")) {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    browser.close().await;
}

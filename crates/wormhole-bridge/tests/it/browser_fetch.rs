//! Requests that the page makes for us.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use wormhole_bridge::tab::{CsrfRule, FetchRequest, TabError};

use crate::browser_start::{Carrier, Other, SOON, Started, clicked, get, over_both, start_by};

over_both! {
    browser_bodies_arrive_piece_by_piece_with_their_characters_whole
    browser_requests_carry_the_session_and_stay_on_the_site
    browser_runs_many_requests_at_once_on_one_tab
    browser_aborts_what_nobody_wants_and_holds_back_what_nobody_reads
    browser_passes_on_each_piece_at_once_though_the_tab_is_in_the_background
}

async fn browser_bodies_arrive_piece_by_piece_with_their_characters_whole(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;

    // Each piece is written only after the one before was received: nothing waits for more.
    let feed = site.feed("talk");
    let mut reply = get(&tab, "/feed/talk?with=query").await.unwrap();
    assert_eq!((reply.status, reply.content_type.as_str()), (200, "text/event-stream"));
    assert_eq!(reply.url, site.at("/feed/talk").as_str());
    let hole = "🕳️".as_bytes();
    for (written, read) in [(&b"one "[..], "one "), (&b"two "[..], "two ")] {
        feed.write(written).await;
        assert_eq!(reply.chunk().await.unwrap().unwrap(), read);
    }
    feed.write(&hole[..2]).await;
    feed.write(&hole[2..]).await;
    drop(feed);
    let mut rest = String::new();
    while let Some(chunk) = reply.chunk().await {
        rest.push_str(&chunk.unwrap());
    }
    assert_eq!(rest, "🕳️");

    // A body that ends inside a character is cut off, and so no whole answer.
    let feed = site.feed("cut");
    let reply = get(&tab, "/feed/cut").await.unwrap();
    feed.write(&hole[..2]).await;
    drop(feed);
    assert!(matches!(reply.text(100).await, Err(TabError::Interrupted(_))));

    let feed = site.feed("broken");
    let mut reply = get(&tab, "/feed/broken").await.unwrap();
    feed.write("half").await;
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "half");
    feed.break_off().await;
    assert!(matches!(reply.chunk().await, Some(Err(TabError::Interrupted(_)))));
    assert!(reply.chunk().await.is_none());
    browser.close().await;
}

async fn browser_requests_carry_the_session_and_stay_on_the_site(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    assert_eq!(get(&tab, "/login").await.unwrap().status, 200);
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert!(tab.cookies_present(&names(&["sid", "csrf"])).await.unwrap());
    assert!(!tab.cookies_present(&names(&["sid", "other"])).await.unwrap());

    let post = FetchRequest {
        method: "POST".to_owned(),
        path: "/echo".to_owned(),
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: Some("grüße".to_owned()),
        csrf: Some(CsrfRule { cookie: "csrf".to_owned(), header: "x-csrf".to_owned(), decode: true }),
    };
    let reply = tab.fetch(post, SOON).await.unwrap();
    assert_eq!(reply.text(1000).await.unwrap(), format!("{} | a b | grüße", site.cookies()));

    let reply = get(&tab, "/busy").await.unwrap();
    assert_eq!((reply.status, reply.retry_after.as_str()), (429, "7"));
    // Queries may hold tokens.
    assert_eq!(get(&tab, "/moved").await.unwrap().url, site.at("/echo").as_str());
    let foreign = get(&tab, "https://example.invalid/").await.unwrap_err();
    assert!(matches!(foreign, TabError::Script(_)), "{foreign}");
    let reply = get(&tab, "/flood").await.unwrap();
    assert_eq!(reply.text(100_000).await.unwrap().len(), 100_000);
    browser.close().await;
}

async fn browser_runs_many_requests_at_once_on_one_tab(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    let names: Vec<String> = (0..site.at_once()).map(|number| format!("n{number}")).collect();
    let feeds: Vec<_> = names.iter().map(|name| site.feed(name)).collect();
    let replies = join_all(names.iter().map(|name| {
        let tab = tab.clone();
        async move { get(&tab, &format!("/feed/{name}")).await.unwrap() }
    }))
    .await;
    // All of them are in flight together before any of them is answered.
    timeout(SOON, site.streams(site.at_once())).await.unwrap();
    let writing = join_all(feeds.into_iter().zip(&names).map(|(feed, name)| async move {
        for word in 0..20 {
            feed.write(format!("{name}:{word} ")).await;
        }
    }));
    let reading = join_all(replies.into_iter().map(|reply| reply.text(10_000)));
    let (_, texts) = tokio::join!(writing, reading);
    for (name, text) in names.iter().zip(texts) {
        let words: Vec<String> = (0..20).map(|word| format!("{name}:{word} ")).collect();
        assert_eq!(text.unwrap(), words.concat());
    }
    browser.close().await;
}

async fn browser_aborts_what_nobody_wants_and_holds_back_what_nobody_reads(carrier: Carrier) {
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;

    let feed = site.feed("dropped");
    let mut reply = get(&tab, "/feed/dropped").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    drop(reply);
    timeout(SOON, feed.aborted()).await.expect("the site sees the abort");

    let late = tab.fetch(FetchRequest::get("/never"), Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(late, TabError::Timeout("the response's head"));

    // Without an end, and with nobody who reads: what is sent is what fits into the buffers on the way (Blink's own
    // holds 50 MiB of any response).
    let mut flood = get(&tab, "/flood").await.unwrap();
    let mut before = u64::MAX;
    while before != site.flooded() {
        before = site.flooded();
        // Other requests go on meanwhile, on the same tab.
        for _ in 0..30 {
            get(&tab, "/echo").await.unwrap().text(100).await.unwrap();
        }
    }
    assert!(before < 128 * 1024 * 1024, "{before} bytes were sent to a reader who does not read");
    for _ in 0..1000 {
        flood.chunk().await.unwrap().unwrap();
    }
    assert!(site.flooded() > before);
    browser.close().await;
}

async fn browser_passes_on_each_piece_at_once_though_the_tab_is_in_the_background(carrier: Carrier) {
    const PIECES: u64 = 200;
    let Started { site, profile: _profile, browser, tab, port: _port } = start_by(carrier).await;
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    other.cover(&page).await;
    let count = "window.frames_seen = 0; const count = () => { frames_seen += 1; requestAnimationFrame(count); }; count(), ''";
    clicked(&page, count).await;
    let feed = site.feed("hidden");
    let mut reply = get(&tab, "/feed/hidden").await.unwrap();
    // Each piece is written only after the one before was received.
    for piece in 0..PIECES {
        feed.write(piece.to_string()).await;
        assert_eq!(reply.chunk().await.unwrap().unwrap(), piece.to_string());
    }
    // A page that nobody sees is given a frame a second. What waited for frames would have had one for each piece.
    let frames: u64 = clicked(&page, "String(frames_seen)").await.parse().unwrap();
    assert!(frames * 2 < PIECES, "{frames} frames");
    assert_eq!(clicked(&page, "document.visibilityState").await, "hidden");
    browser.close().await;
}

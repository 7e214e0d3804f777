//! Clients that leave: the site sees it, over HTTP/1.1 and in every phase.

use wormhole_playground::ECHO;
use wormhole_playground::GATE;
use wormhole_playground::Outcome;

use crate::site::SOON;
use crate::site::logged_in;

#[tokio::test]
async fn a_client_that_leaves_in_mid_stream_is_noticed() {
    let (site, browser) = logged_in().await;
    let mut answer = browser.ask("[[words:3]]", GATE).await;
    site.control.release(1);
    let mut stream = String::new();
    while !stream.contains("w1") {
        stream.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(answer);
    let seen = site.control.wait_until(SOON, |seen| seen.turns_aborted == 1).await.unwrap();
    assert_eq!((seen.in_flight, seen.turns_completed), (0, 0));
    assert_eq!(seen.turns[0].outcome, Outcome::Aborted);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_word_is_noticed() {
    let (site, browser) = logged_in().await;
    drop(browser.ask("x", GATE).await);
    site.control.wait_until(SOON, |seen| seen.turns_aborted == 1).await.unwrap();
}

#[tokio::test]
async fn what_was_received_is_remembered_word_for_word() {
    let (site, browser) = logged_in().await;
    for text in ["first", "second 🦀"] {
        browser.ask(text, ECHO).await.text().await.unwrap();
    }
    let seen = site.control.wait_until(SOON, |seen| seen.turns_completed == 2).await.unwrap();
    let texts: Vec<_> = seen.turns.iter().map(|turn| (turn.number, &*turn.text)).collect();
    assert_eq!(texts, [(1, "first"), (2, "second 🦀")]);
}

#[tokio::test]
async fn waiting_for_what_does_not_come_ends_with_what_was_seen() {
    let (site, _browser) = logged_in().await;
    let little = std::time::Duration::from_millis(5);
    let unmet = site.control.wait_until(little, |seen| seen.turns_received > 0).await.unwrap_err();
    assert_eq!(unmet.last.logins_ok, 1);
}

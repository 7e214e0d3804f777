//! The hub restarts, or a bridge loses it, in mid-turn: everybody rejoins, and nothing is posted twice.

use serde_json::Value;
use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::{SEEN_WITHIN, WORMHOLE, clients};

#[tokio::test]
async fn after_a_restart_of_the_hub_in_mid_turn_all_rejoin_and_the_next_request_works() {
    let mut stack = Stack::start(WORMHOLE, Setup::default()).await;
    let mut stream = Streamed::of(stack.api.chat("practice-gate", "[[words:9]]", true).send().await.unwrap());
    stack.site.release(1);
    stream.until_text("w1").await;

    stack.server.take().unwrap().kill().await;
    stream.to_end().await;
    assert_eq!(stream.error().unwrap()["code"], "hub_lost", "{:?}", stream.lines);
    assert!(!stream.says_it_is_whole());
    stack
        .site
        .wait_until(SEEN_WITHIN, |seen| seen.turns_aborted == 1)
        .await
        .expect("the bridge aborts its turn");
    let (status, _) = stack.admin("oai", "/livez").await.unwrap();
    assert_eq!(status, 200, "liveness does not depend on a peer");

    stack.start_server();
    stack.until_ready().await;
    assert_eq!(stack.api.answer("practice-echo", "after the restart").await, "after the restart");
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.logins_ok), (2, 1));
    stack.stop(&["after the restart"]).await;
}

/// The worst moment: the site has the message and nobody downstream knows it yet.
async fn link_is_cut_between_the_sites_receiving_and_accepted(stack: &Stack, arguments: &[&str]) {
    let before = stack.site.snapshot();
    stack.site.misbehave(Call::Turn, Fault::HoldResponse, 1);
    let cut = async {
        let held = stack.site.wait_until(SEEN_WITHIN, |seen| seen.held == 1).await;
        held.expect("the site holds the turn");
        stack.bridge_link.cut();
        stack.site.wait_until(SEEN_WITHIN, |seen| seen.held == 0).await.expect("the bridge aborts its turn");
        stack.bridge_link.restore();
    };
    let (output, ()) = tokio::join!(clients::run(stack, "python/once.py", arguments), cut);
    let said: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert!(said["error"].is_string(), "the SDK sees an error: {said}");
    stack.until_ready().await;
    assert_eq!(stack.api.answer("practice-echo", "next").await, "next");
    let seen = stack.site.snapshot();
    assert_eq!(
        seen.turns_received - before.turns_received,
        2,
        "one post for the lost turn and one for the next"
    );
}

#[tokio::test]
async fn a_link_cut_after_the_post_never_posts_twice_even_with_an_sdk_that_retries() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    link_is_cut_between_the_sites_receiving_and_accepted(&stack, &[]).await;
    link_is_cut_between_the_sites_receiving_and_accepted(&stack, &["streamed"]).await;
    let texts: Vec<_> = stack.site.snapshot().turns.iter().map(|turn| turn.text.to_string()).collect();
    assert_eq!(texts.iter().filter(|text| *text == "once only").count(), 2, "{texts:?}");
    stack.stop(&["once only"]).await;
}

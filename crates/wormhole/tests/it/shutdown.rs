//! SIGTERM: what runs finishes, what is new is refused, and everybody leaves in order.

use std::time::Duration;

use wormhole_testkit::{Setup, Stack, Streamed};

use crate::{SEEN_WITHIN, WORMHOLE};

#[tokio::test]
async fn answers_in_flight_finish_new_requests_get_503_and_every_exit_code_is_0() {
    let mut stack = Stack::start(WORMHOLE, Setup::default()).await;
    let mut stream = Streamed::of(stack.api.chat("practice-gate", "[[words:3]]", true).send().await.unwrap());
    stack.site.release(1);
    stream.until_text("w1").await;

    for process in [&stack.server, &stack.bridge, &stack.oai].into_iter().flatten() {
        process.terminate();
    }
    stack.until_readyz("oai", 503).await;
    stack.until_readyz("bridge", 503).await;
    let refused = stack.api.chat("practice-echo", "too late", false).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(refused.json::<serde_json::Value>().await.unwrap()["error"]["message"].is_string());

    stack.site.release(2);
    stream.to_end().await;
    assert_eq!(stream.text.split_whitespace().collect::<Vec<_>>(), ["w1", "w2", "w3"]);
    assert!(stream.says_it_is_whole(), "{:?}", stream.lines);
    stack.site.wait_until(SEEN_WITHIN, |seen| seen.turns_completed == 1).await.unwrap();
    for process in [stack.oai.take(), stack.bridge.take(), stack.server.take()].iter_mut().flatten() {
        assert_eq!(process.exit_code(Duration::from_secs(30)).await, Some(0));
    }
    stack.stop(&["too late"]).await;
}

/// Whoever runs out of patience first, the client is told.
#[tokio::test]
async fn an_answer_that_outlasts_the_grace_time_is_cut_as_an_error() {
    let setup = Setup {
        bridge: vec![("WORMHOLE_GRACE", "1s".to_owned())],
        oai: vec![("WORMHOLE_GRACE", "1s".to_owned())],
        ..Setup::default()
    };
    let mut stack = Stack::start(WORMHOLE, setup).await;
    for service in ["bridge", "oai"] {
        stack.until_ready().await;
        let mut stream =
            Streamed::of(stack.api.chat("practice-gate", "[[words:3]]", true).send().await.unwrap());
        stack.site.release(1);
        stream.until_text("w1").await;
        let leaving = if service == "oai" { &mut stack.oai } else { &mut stack.bridge };
        let mut process = leaving.take().unwrap();
        process.terminate();
        stream.to_end().await;
        assert!(!stream.says_it_is_whole(), "{service}: {:?}", stream.lines);
        assert!(stream.error().is_some(), "{service}: {:?}", stream.lines);
        assert_eq!(process.exit_code(Duration::from_secs(30)).await, Some(0), "{service}");
        if service == "bridge" {
            stack.start_bridge();
        }
    }
    stack.site.wait_until(SEEN_WITHIN, |seen| seen.turns_aborted == 2).await.unwrap();
    stack.stop(&[]).await;
}

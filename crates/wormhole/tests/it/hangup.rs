//! A client that hangs up stops its turn on the site, and its place is free again.

use serde_json::json;
use tokio::task::JoinSet;
use wormhole_testkit::site::{Call, Fault, Snapshot};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::{SEEN_WITHIN, WORMHOLE};

/// One place only: whatever is still occupied holds up the next request, and a test notices.
async fn with_one_place() -> Stack {
    Stack::start(WORMHOLE, Setup { capacity: 1, ..Setup::default() }).await
}

async fn seen(stack: &Stack, what: &str, met: impl Fn(&Snapshot) -> bool + Send) {
    stack.site.wait_until(SEEN_WITHIN, met).await.unwrap_or_else(|unmet| panic!("{what}: {unmet:?}"));
}

/// Sends a request in a task that a test can drop, as a client drops its connection.
fn send(stack: &Stack, model: &str, text: &str, stream: bool) -> JoinSet<()> {
    let request = stack.api.chat(model, text, stream);
    let mut task = JoinSet::new();
    task.spawn(async move {
        if let Ok(reply) = request.send().await {
            let _ = reply.bytes().await;
        }
    });
    task
}

async fn place_is_free(stack: &Stack) {
    assert_eq!(stack.api.answer("practice-echo", "still there?").await, "still there?");
}

#[tokio::test]
async fn hanging_up_while_queued_keeps_the_turn_from_the_site() {
    let stack = with_one_place().await;
    for stream in [true, false] {
        let before = stack.site.snapshot();
        let occupied = send(&stack, "practice-gate", "[[words:1]]", true);
        seen(&stack, "the first is at the site", |now| now.in_flight == 1).await;
        let queued = send(&stack, "practice-echo", "never seen", stream);
        until_queued(&stack, 1).await;
        drop(queued);
        until_queued(&stack, 0).await;
        stack.site.release(1);
        seen(&stack, "the first is answered", |now| now.turns_completed == before.turns_completed + 1).await;
        drop(occupied);
        place_is_free(&stack).await;
        assert!(stack.site.snapshot().turns.iter().all(|turn| !turn.text.contains("never seen")));
    }
    stack.stop(&["never seen", "still there?"]).await;
}

async fn until_queued(stack: &Stack, turns: u32) {
    let line = format!("wormhole_server_queued_turns {turns}");
    wormhole_testkit::until(SEEN_WITHIN, &line, || async {
        let (_, metrics) = stack.admin("server", "/metrics").await?;
        metrics.lines().any(|found| found == line).then_some(())
    })
    .await;
}

#[tokio::test]
async fn hanging_up_before_the_first_token_aborts_the_turn_on_the_site() {
    let stack = with_one_place().await;
    for stream in [true, false] {
        let before = stack.site.snapshot();
        stack.site.misbehave(Call::Turn, Fault::HoldResponse, 1);
        let client = send(&stack, "practice-echo", "impatient", stream);
        seen(&stack, "the site holds it", |now| now.held == 1).await;
        drop(client);
        seen(&stack, "the site sees the abort", |now| now.turns_aborted == before.turns_aborted + 1).await;
        place_is_free(&stack).await;
    }
    stack.stop(&["impatient"]).await;
}

#[tokio::test]
async fn hanging_up_in_mid_stream_aborts_the_turn_on_the_site() {
    let stack = with_one_place().await;
    let before = stack.site.snapshot().turns_aborted;
    let request = stack.api.chat("practice-gate", "[[words:9]]", true);
    stack.site.release(1);
    let mut stream = Streamed::of(request.send().await.unwrap());
    stream.until_text("w1").await;
    drop(stream);
    seen(&stack, "the site sees the stream's abort", |now| now.turns_aborted == before + 1).await;

    let ollama = json!({"model": "practice-gate", "messages": [{"role": "user", "content": "[[words:9]]"}]});
    stack.site.release(1);
    let mut stream = Streamed::of(stack.api.post("/api/chat", &ollama).send().await.unwrap());
    stream.until_text("w1").await;
    drop(stream);
    seen(&stack, "the site sees the Ollama stream's abort", |now| now.turns_aborted == before + 2).await;

    let whole = send(&stack, "practice-gate", "[[words:9]]", false);
    stack.site.release(1);
    seen(&stack, "the whole one is at the site", |now| now.in_flight == 1).await;
    drop(whole);
    seen(&stack, "the site sees the whole one's abort", |now| now.turns_aborted == before + 3).await;
    place_is_free(&stack).await;
    stack.stop(&["still there?"]).await;
}

//! Many turns at once on one tab.

use tokio::task::JoinSet;
use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack};

use crate::{SEEN_WITHIN, WORMHOLE};

const TURNS: u32 = 32;

#[tokio::test]
async fn thirty_two_prompts_at_once_on_one_tab_get_their_own_answers() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    stack.site.misbehave(Call::Turn, Fault::HoldResponse, TURNS);
    let mut answers = JoinSet::new();
    for number in 0..TURNS {
        let api = stack.api.clone();
        answers.spawn(async move {
            let prompt = format!("nonce-{number}-{}", "x".repeat(number as usize * 7));
            (api.answer("practice-echo", &prompt).await, prompt)
        });
    }
    let all = |seen: &wormhole_testkit::site::Snapshot| seen.in_flight == u64::from(TURNS);
    stack.site.wait_until(SEEN_WITHIN, all).await.expect("all are in flight together at the site");
    stack.site.release_held(u64::from(TURNS));
    while let Some(answer) = answers.join_next().await {
        let (answer, prompt) = answer.unwrap();
        assert_eq!(answer, prompt);
    }
    assert_eq!(stack.site.snapshot().turns_received, u64::from(TURNS));
    stack.stop(&["nonce-7-xxxx"]).await;
}

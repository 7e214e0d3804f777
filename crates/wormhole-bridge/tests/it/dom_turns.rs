//! Turns through the chat page's own controls.

use std::time::Duration;

use wormhole_playground::{Call, ECHO, Fault, GATE, STORY, THINKER};
use wormhole_protocol::{Body, FailureCode, FromHub, PageState, Posted};

use crate::{session_hub::SOON, session_stand::Stand};

const PROFILE: &str = "playground-dom";

/// Everything that the page's Markdown can be.
const MARKDOWN: &str = "# A heading\n\nSome **bold**, *slanted* and `code` with 2 * 3 and snake_case.\n\n- one\n- two\n  - nested\n- three\n\n3. three\n4. four\n\n```rust\nfn main() {\n    println!(\"a\\tb\");\n\n}\n```\n\n| name | count |\n| --- | ---: |\n| a | 1 |\n| b | 2 |\n\n> quoted\n\n[a link](https://example.com/x) and the end: größer 🦀";

#[tokio::test]
async fn dom_turns_log_in_by_the_form_stream_and_go_on_in_their_conversation() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config(PROFILE)).await;
    let hub = &stand.hub;
    let page = hub.until(PageState::Ready).await;
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    assert_eq!(page.capacity, 1);
    assert!(
        page.models
            .iter()
            .any(|model| model.name == STORY && model.label.as_deref() == Some("Practice Story"))
    );

    // A conversation of two turns, with another one between them.
    let first = hub.post(ECHO, "one").ended().await;
    let thread = first.whole();
    assert_eq!((first.text.as_str(), thread.parent), ("one", 1));
    let other = hub.post(STORY, "[[words:40]]").ended().await;
    assert_eq!(other.text.split(' ').count(), 40);
    assert_ne!(other.whole().id, thread.id);
    let second = hub.post_in(ECHO, "two", Some(thread.clone())).ended().await;
    let again = second.whole();
    assert_eq!((second.text.as_str(), &again.id, again.parent), ("two", &thread.id, 2));
    // Here the page shows the conversation already.
    let third = hub.post_in(ECHO, "two", Some(again)).ended().await;
    assert_eq!((third.text.as_str(), third.whole().parent), ("two", 3));
    let seen = stand.site.snapshot();
    assert_eq!((seen.turns_received, seen.conversations_created), (4, 2));
    assert_eq!(seen.turns[1].model, STORY);

    // Word by word: the site says the next one only after the last has arrived.
    let mut gated = hub.post(GATE, "[[words:3]]");
    for word in ["w1", "w2", "w3"] {
        stand.site.release(1);
        gated.until_text(word).await;
    }
    let end = gated.next().await;
    assert!(matches!(end, Body::Done { bytes: 8, .. }), "{end:?}");

    // Markdown comes back as it was written; thoughts are no part of it.
    for pace in [0, 40] {
        stand.site.switch(|switches| (switches.word_pace_ms, switches.render_pace_ms) = (2, pace));
        let told = hub.post(ECHO, MARKDOWN).ended().await;
        assert_eq!(told.text, MARKDOWN);
        told.whole();
    }
    let thought = hub.post(THINKER, "why?").ended().await;
    assert!(
        thought.text.starts_with("I have thought") && thought.text.ends_with("forty-two."),
        "{thought:?}"
    );

    let unknown = hub.post("practice-nobody", "hi").failed().await;
    assert_eq!((unknown.code, unknown.posted), (FailureCode::ModelUnknown, Posted::No));
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn dom_turns_that_are_cancelled_stop_at_the_site_and_never_answer_for_another() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config(PROFILE)).await;
    let hub = &stand.hub;
    hub.until(PageState::Ready).await;
    let mut cancelled = hub.post(GATE, "[[words:9]]");
    stand.site.release(1);
    cancelled.until_text("w1").await;
    hub.order(FromHub::Cancel { turn: cancelled.turn.clone() });
    let failure = cancelled.failed().await;
    assert_eq!((failure.code, failure.posted), (FailureCode::Cancelled, Posted::Yes));
    stand.site.wait_until(SOON, |seen| seen.turns_aborted == 1 && seen.in_flight == 0).await.unwrap();

    // The next turn does not get a word of it, nor of any answer before.
    let thread = hub.post(ECHO, "old answer").ended().await.whole();
    assert!(stand.site.misbehave(Call::Turn, Fault::Status { code: 500, retry_after: None }, 1));
    let failed = hub.post_in(ECHO, "new question", Some(thread)).ended().await;
    assert_eq!(failed.text, "");
    let Body::Failed(failure) = failed.end else { panic!("{:?}", failed.end) };
    assert_eq!(failure.code, FailureCode::SiteError);
    assert!(!failure.message.contains("question"), "{failure}");
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn dom_composers_of_every_kind_take_long_texts_whole() {
    let stand = Stand::open().await;
    let long: String =
        (0..).map(|line| format!("line {line}: \"quoted\" & <b>größer</b> 🦀\n")).take(1500).collect();
    let long = long.trim_end();
    assert!(long.len() > 60_000);
    for editable in [false, true] {
        stand.site.switch(|switches| switches.editable_composer = editable);
        let bridge = stand.bridge(stand.config(PROFILE)).await;
        stand.hub.until(PageState::Ready).await;
        let ended = stand.hub.post(ECHO, "first\n\nsecond").ended().await;
        assert_eq!(ended.text, "first\n\nsecond", "editable: {editable}");
        stand.hub.post(STORY, long).ended().await.whole();
        let posted = stand.site.snapshot().turns.back().unwrap().text.clone();
        assert!(*posted == *long, "editable: {editable}: {} bytes of {}", posted.len(), long.len());
        bridge.stop().await;
    }
    stand.close().await;
}

#[tokio::test]
async fn dom_redesign_names_the_field_and_heals_when_it_is_taken_back() {
    let stand = Stand::open().await;
    stand.site.switch(|switches| switches.redesign = true);
    let mut config = stand.config(PROFILE);
    config.session.check = Duration::from_millis(500);
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert_eq!(page.detail, "site_changed: composer not found");
    stand.site.switch(|switches| switches.redesign = false);
    stand.hub.until(PageState::Ready).await;

    // While the session stands, the turn that opens the page anew is the first to find out. Nothing was posted.
    stand.hub.post(ECHO, "hello").ended().await.whole();
    stand.site.switch(|switches| switches.redesign = true);
    let mut failed = stand.hub.post(ECHO, "hi").failed().await;
    if failed.code == FailureCode::LoginRequired {
        // The look that comes by was faster; its word is the same.
        assert!(failed.message.contains("site_changed: composer not found"), "{failed}");
        failed.code = FailureCode::SiteChanged;
    }
    assert_eq!((failed.code, failed.posted), (FailureCode::SiteChanged, Posted::No));
    assert!(failed.message.contains("composer not found"), "{failed}");
    assert_eq!(stand.site.snapshot().turns_received, 1);
    bridge.stop().await;
    stand.close().await;
}

//! Turns that are answered, in every shape the site has.

use wormhole_playground::{ECHO, GATE, STORY, Shape, THINKER};
use wormhole_protocol::{Body, FailureCode, Finish, FromHub, FromPeer, PageState, Posted};

use crate::{
    session_hub::{SOON, TestHub},
    session_stand::Stand,
};

const TEXT: &str = "größer 🦀 \"quoted\"\n\ttabs, data: [DONE] and ${text} — 終";

async fn echoes(hub: &TestHub, what: &str) {
    let ended = hub.post(ECHO, TEXT).ended().await;
    assert_eq!(ended.text, TEXT, "{what}");
    ended.whole();
}

#[tokio::test]
async fn turn_is_answered_in_every_shape_and_goes_on_where_it_ended() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    config.site.account.capacity = 8;
    let bridge = stand.bridge(config).await;
    let hub = &stand.hub;
    hub.until(PageState::Ready).await;

    // A thread of two turns.
    let mut first = hub.post(ECHO, "one");
    let Body::Accepted { conversation: Some(id), account } = first.next().await else {
        panic!("not accepted")
    };
    assert_eq!(account, "default");
    let ended = first.ended().await;
    assert_eq!(ended.text, "one");
    let thread = ended.whole();
    assert_eq!((&thread.id, thread.parent), (&id, 1));
    let second = hub.post_in(ECHO, "two", Some(thread.clone())).ended().await;
    assert_eq!((second.text.as_str(), second.whole().parent), ("two", 2));
    // The thread has gone on: going on from its first turn again is refused, and nothing was posted.
    let behind = hub.post_in(ECHO, "three", Some(thread)).failed().await;
    assert_eq!((behind.code, behind.posted), (FailureCode::ConversationUnknown, Posted::No));
    hub.order(FromHub::Forget { account: "default".to_owned(), conversation: id.clone() });
    assert_eq!(hub.other().await, FromPeer::Forgotten { account: "default".to_owned(), conversation: id });
    assert_eq!(stand.site.snapshot().conversations_deleted, 1);

    // Shapes, cuts and line ends.
    for shape in [Shape::OpenAi, Shape::Typed] {
        stand.site.switch(|switches| switches.shape = shape);
        echoes(hub, "plain").await;
        let thought = hub.post(THINKER, "why?").ended().await;
        assert!(thought.reasoning.contains("I look at what is asked"), "{shape:?}: {thought:?}");
        assert!(thought.text.ends_with("forty-two."), "{shape:?}: {thought:?}");
        assert!(matches!(thought.end, Body::Done { finish: Finish::Stop, .. }));
        thought.whole();
        for cut_bytes in [1, 3, 7] {
            stand.site.switch(|switches| {
                (switches.cut_bytes, switches.crlf, switches.comments) = (cut_bytes, true, true);
            });
            echoes(hub, "cut").await;
        }
        stand
            .site
            .switch(|switches| (switches.cut_bytes, switches.crlf, switches.comments) = (0, false, false));
    }
    stand.site.switch(|switches| switches.shape = Shape::OpenAi);

    // Word by word: the site says the next one only after the last has arrived.
    let mut gated = hub.post(GATE, "[[words:3]]");
    for word in ["w1", "w2", "w3"] {
        stand.site.release(1);
        gated.until_text(word).await;
    }
    assert!(matches!(gated.next().await, Body::Done { bytes: 8, .. }));
    let long = hub.post(STORY, "[[words:3000]]").ended().await;
    assert_eq!(long.text.split(' ').count(), 3000);

    // Four at once, none crossed.
    let replies: Vec<_> = (0..4).map(|n| (n, hub.post(ECHO, &format!("nonce {n}")))).collect();
    for (n, reply) in replies {
        assert_eq!(reply.ended().await.text, format!("nonce {n}"));
    }

    let unknown = hub.post("practice-nobody", "hi").failed().await;
    assert_eq!((unknown.code, unknown.posted), (FailureCode::ModelUnknown, Posted::No));

    // A turn that is cancelled ends at the site, too.
    let mut cancelled = hub.post(GATE, "[[words:9]]");
    stand.site.release(1);
    cancelled.until_text("w1").await;
    hub.order(FromHub::Cancel { turn: cancelled.turn.clone() });
    let failure = cancelled.failed().await;
    assert_eq!((failure.code, failure.posted), (FailureCode::Cancelled, Posted::Yes));
    stand.site.wait_until(SOON, |seen| seen.turns_aborted == 1 && seen.in_flight == 0).await.unwrap();
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}

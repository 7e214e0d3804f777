//! The same answer, however the site cuts its stream into pieces: through the real Chromium, in both shapes and eras.

use wormhole_testkit::site::{Config, Era, Shape, Switches};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::WORMHOLE;

/// Two-, three- and four-byte characters, a joined emoji, quotes and escapes: every kind of cut that can hurt.
const TEXT: &str = "naïve façade: 日本語, 🕳️ and 👩‍🚀 \"quoted\" \\ back\\slash\ttab\nnew line — end";

async fn echoes(stack: &Stack, what: &str) {
    assert_eq!(stack.api.answer("practice-echo", TEXT).await, TEXT, "{what}, whole");
    let mut stream = Streamed::of(stack.api.chat("practice-echo", TEXT, true).send().await.unwrap());
    stream.to_end().await;
    assert_eq!(stream.text, TEXT, "{what}, streamed");
    assert!(stream.says_it_is_whole(), "{what}");
}

#[tokio::test]
async fn chunks_cut_inside_characters_and_inside_json_give_the_same_text() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    for shape in [Shape::OpenAi, Shape::Typed] {
        for (cut_bytes, crlf, comments) in
            [(0, false, false), (1, false, true), (2, true, false), (3, true, true), (17, true, true)]
        {
            stack.site.switch(|switches| {
                switches.shape = shape;
                switches.cut_bytes = cut_bytes;
                switches.crlf = crlf;
                switches.comments = comments;
            });
            echoes(
                &stack,
                &format!("{shape:?}, {cut_bytes} bytes a piece, crlf {crlf}, comments {comments}"),
            )
            .await;
        }
    }
    stack.stop(&["naïve façade"]).await;
}

#[tokio::test]
async fn the_older_era_of_the_site_is_driven_by_its_own_profile() {
    let switches = Switches { era: Era::Older, ..Switches::default() };
    let setup = Setup {
        site: Config { switches, ..Config::default() },
        profile: "outlier-expert",
        ..Setup::default()
    };
    let stack = Stack::start(WORMHOLE, setup).await;
    for shape in [Shape::OpenAi, Shape::Typed] {
        stack.site.switch(|switches| switches.shape = shape);
        echoes(&stack, &format!("{shape:?}")).await;
    }
    assert_eq!(stack.site.snapshot().logins_ok, 1);
    stack.stop(&["naïve façade"]).await;
}

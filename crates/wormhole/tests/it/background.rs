//! The tab stands behind another one, where a browser slows a page down: timers and animation frames come once a second.
//! The answer does not wait for them.

use wormhole_testkit::{Setup, Stack, Streamed};

use crate::WORMHOLE;

/// Words of an answer. At one a second it would take minutes.
const WORDS: u64 = 200;

/// The same where an answer is read from the page: there the last word is certain only when the page has stood still for a
/// moment, which the bridge's own clock tells.
const WORDS_READ: u64 = 60;

/// Chromium keeps its hands off a page that nobody sees.
const UNTHROTTLED: [&str; 3] = [
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
];

/// Counts the frames that the page is given.
const COUNT_FRAMES: &str =
    "frames = 0; const count = () => { frames += 1; requestAnimationFrame(count); }; count()";

async fn streams_word_by_word_behind_another_tab(setup: Setup, words: u64) {
    let stack = Stack::start(WORMHOLE, setup).await;
    let line = std::fs::read(format!("/proc/{}/cmdline", stack.chromium())).unwrap();
    let arguments: Vec<_> = line.split(|byte| *byte == 0).collect();
    for flag in UNTHROTTLED {
        assert!(arguments.contains(&flag.as_bytes()), "{flag} is not among the arguments of Chromium");
    }
    let mut page = stack.person().await;
    page.cover().await;
    let asked = stack.api.chat("practice-gate", &format!("[[words:{words}]]"), true).send().await.unwrap();
    let mut stream = Streamed::of(asked);
    page.act(COUNT_FRAMES).await;
    for word in 1..=words {
        // The site says a word only when the client has the one before.
        stack.site.release(1);
        stream.until_text(&format!("w{word}")).await;
    }
    stream.to_end().await;
    assert!(stream.says_it_is_whole(), "{:?}", stream.lines.last());
    let frames = page.act("frames").await.as_u64().expect("the page was not left");
    assert!(
        frames * 2 < words,
        "{frames} frames came meanwhile: the page was not slowed down, or the words were"
    );
    assert_eq!(page.act("document.visibilityState").await, "hidden", "nothing has shown the tab meanwhile");
    stack.stop(&[]).await;
}

#[tokio::test]
async fn words_come_as_fast_as_they_are_said_though_the_tab_is_in_the_background() {
    Box::pin(streams_word_by_word_behind_another_tab(Setup::default(), WORDS)).await;
}

#[tokio::test]
async fn words_that_are_read_from_a_page_come_though_its_tab_is_in_the_background() {
    let setup = Setup { profile: "playground-dom", capacity: 1, ..Setup::default() };
    Box::pin(streams_word_by_word_behind_another_tab(setup, WORDS_READ)).await;
}

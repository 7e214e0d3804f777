//! The picture of the page costs a good part of a processor: it is taken only while somebody looks, and not too often.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use wormhole_protocol::PageState;

use crate::{
    console_client::{Viewer, manned},
    session_hub::SOON,
    session_stand::Person,
};

/// A page that is never the same for two frames.
const RESTLESS: &str = "window.drawn = 0; const bar = document.body.appendChild(document.createElement('p'));
    const draw = () => { drawn += 1; bar.textContent = drawn; requestAnimationFrame(draw); }; draw()";

const PICTURES: u32 = 20;

/// Ten a second, and a little for a first one that was late to arrive.
const AT_LEAST: Duration = Duration::from_millis(75 * PICTURES as u64);

/// Waits until the page has drawn so many frames more.
async fn draws(person: &Person, more: u64) {
    let drawn = async || person.page().evaluate("drawn").await.unwrap().into_value::<u64>().unwrap();
    let wanted = drawn().await + more;
    let enough = async {
        while drawn().await < wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, enough).await.expect("the page draws");
}

impl Viewer {
    async fn look(&mut self, on: bool) {
        self.send(json!({"type": "look", "on": on})).await;
    }

    /// The next message that is no news of the session: a picture's bytes, or a note.
    async fn picture_or_note(&mut self) -> Result<usize, String> {
        loop {
            match self.message().await.expect("the console is there") {
                Message::Binary(bytes) => return Ok(bytes.len()),
                Message::Text(text) if text.contains(r#""type":"note""#) => return Err(text.to_string()),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn console_pictures_are_taken_while_somebody_looks_and_ten_a_second_at_most() {
    let (stand, bridge, mut viewer) = manned(PageState::Ready, |_, _| {}).await;
    let person = stand.person().await;
    person.act(RESTLESS).await;
    viewer.picture().await;
    let first = Instant::now();
    for _ in 0..PICTURES {
        viewer.send(json!({"type": "seen"})).await;
        viewer.picture().await;
    }
    let took = first.elapsed();
    assert!(took >= AT_LEAST, "{PICTURES} pictures in {took:?}");

    // The window is hidden: an empty picture says that there are no more.
    viewer.send(json!({"type": "seen"})).await;
    viewer.look(false).await;
    while viewer.picture_or_note().await != Ok(0) {
        viewer.send(json!({"type": "seen"})).await;
    }
    draws(&person, 60).await;
    // What is answered to a hand comes next, and no picture before it.
    viewer.click((10.0, 10.0)).await;
    let note = viewer.picture_or_note().await.expect_err("nobody looks, and yet there is a picture");
    assert!(note.contains("Pause first"), "{note}");

    viewer.look(true).await;
    viewer.picture().await;
    bridge.stop().await;
    stand.close().await;
}

//! Images of a turn, by the practice site's own rule.

use serde_json::Value;
use serde_json::json;
use wormhole_playground::ECHO;
use wormhole_playground::EYES;

use crate::site::logged_in;
use crate::site::said;
use crate::site::turn;

/// One pixel.
const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";

fn looking(model: &str, images: &Value) -> Value {
    let mut body = turn("look", model, 0);
    body["prompt"]["images"] = images.clone();
    body
}

#[tokio::test]
async fn eyes_say_what_they_were_given() {
    let (_site, browser) = logged_in().await;
    let id = browser.converse("look", EYES).await;
    let path = format!("/conversations/{id}/turn-streaming");
    let seen = browser.post(&path, &looking(EYES, &json!([PNG]))).await;
    assert_eq!(seen.status(), 200);
    let (text, _, whole) = said(&seen.text().await.unwrap());
    assert!(whole && text.starts_with("I see 1 image.\n1: image/png, 68 bytes, sha256 "), "{text}");
    let blind = said(&browser.ask("look", EYES).await.text().await.unwrap());
    assert_eq!(blind.0, "I see no image.");
}

#[tokio::test]
async fn images_that_are_none_or_for_nobody_are_422_and_no_turn() {
    let (site, browser) = logged_in().await;
    let id = browser.converse("look", EYES).await;
    let path = format!("/conversations/{id}/turn-streaming");
    for (model, images, what) in [
        (ECHO, json!([PNG]), "the model `practice-echo` takes no images"),
        (EYES, json!([PNG, "https://example.test/a.png"]), "image 2 is no data: URL"),
        (EYES, json!([PNG, PNG, PNG, PNG, PNG]), "at most 4 images"),
        (EYES, json!([7]), "images[0]"),
    ] {
        let body = looking(model, &images);
        for path in [path.as_str(), "/conversations"] {
            let refused = browser.post(path, &body).await;
            assert_eq!(refused.status(), 422, "{what}");
            let refused: Value = refused.json().await.unwrap();
            assert!(refused["error"]["message"].as_str().unwrap().contains(what), "{refused}");
        }
    }
    let seen = site.control.snapshot();
    assert_eq!((seen.turns_received, seen.conversations_created), (0, 1));
}

//! Limits of keys, keys that change while they are used, and how long a turn waited.

use std::time::Duration;

use serde_json::{Value, json};
use wormhole_oai::Keys;

use crate::stage::{Stage, chat, header, soon, text};

async fn ask(stage: &Stage, key: &str, fields: Value) -> reqwest::Response {
    let request = stage.request("POST", "/v1/chat/completions").bearer_auth(key).json(&chat(fields));
    soon(request.send()).await.unwrap()
}

#[tokio::test]
async fn a_key_makes_no_more_requests_a_minute_than_it_may() {
    let stage = Stage::with(|config| config.keys = Keys::parse("a:k1 rpm=1\nb:k2").unwrap()).await;
    let (first, ()) =
        tokio::join!(ask(&stage, "k1", json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(first.status(), 200);
    for path in ["/v1/chat/completions", "/api/chat"] {
        let request = stage.request("POST", path).bearer_auth("k1").json(&chat(json!({})));
        let refused = soon(request.send()).await.unwrap();
        assert_eq!(refused.status(), 429, "{path}");
        let wait: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
        assert!((50..=60).contains(&wait), "{wait}");
        assert_eq!(header(&refused, "x-should-retry"), None);
    }
    let (other, ()) =
        tokio::join!(ask(&stage, "k2", json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn a_key_runs_no_more_turns_at_once_than_it_may() {
    let stage = Stage::with(|config| config.keys = Keys::parse("a:k1 concurrency=1").unwrap()).await;
    let (first, ()) = tokio::join!(ask(&stage, "k1", json!({})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(ask(&stage, "k1", json!({})).await.status(), 429);
        turn.answer("ok");
    });
    assert_eq!(first.status(), 200);
    let (next, ()) =
        tokio::join!(ask(&stage, "k1", json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(next.status(), 200);
}

#[tokio::test]
async fn the_head_says_how_long_the_turn_waited() {
    let stage = Stage::new().await;
    let (waited, ()) = tokio::join!(ask(&stage, "", json!({})), async {
        let turn = stage.hub.turn().await;
        turn.queued(2);
        // The sender takes frames in order, but keeps only the newest number while nobody reads.
        tokio::time::sleep(Duration::from_millis(50)).await;
        turn.answer("ok");
    });
    assert_eq!(header(&waited, "x-wormhole-queue-ahead"), Some("2"));
    assert!(header(&waited, "x-wormhole-queue-wait-ms").unwrap().parse::<u64>().unwrap() >= 50);
    let (at_once, ()) =
        tokio::join!(ask(&stage, "", json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(header(&at_once, "x-wormhole-queue-ahead"), None);
}

#[tokio::test]
async fn a_change_of_the_keys_file_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "a:k1\n").unwrap();
    let stage = Stage::with(|config| config.keys = Keys::from_file(&file).unwrap()).await;
    let status = async |key: &str| {
        soon(stage.request("GET", "/v1/models").bearer_auth(key).send()).await.unwrap().status().as_u16()
    };
    assert_eq!((status("k1").await, status("k2").await), (200, 401));
    std::fs::write(&file, "b:k2\n# a:k1\n").unwrap();
    soon(async { while status("k2").await != 200 {} }).await;
    assert_eq!((status("k1").await, status("").await), (401, 401));
}

#[tokio::test]
async fn transcripts_are_written_only_where_they_are_wished() {
    let folder = tempfile::tempdir().unwrap();
    let settings = wormhole_oai::TranscriptSettings {
        folder: folder.path().join("transcripts"),
        file_bytes: 1 << 20,
        age: Duration::from_hours(1),
    };
    for wished in [false, true] {
        let stage = Stage::with(|config| {
            config.store.folder = Some(folder.path().to_owned());
            config.transcripts = wished.then(|| settings.clone());
        })
        .await;
        let fields = json!({"messages": [{"role": "user", "content": "secr3t-question"}]});
        let (response, ()) = tokio::join!(ask(&stage, "", fields), async {
            stage.hub.turn().await.answer_in("c1", 1, "secr3t-answer");
        });
        assert!(text(response).await.contains("secr3t-answer"));
        stage.lifecycle.shutdown("test");
        soon(stage.lifecycle.wait()).await;
        let written: Vec<String> = std::fs::read_dir(&settings.folder).map_or_else(
            |_| Vec::new(),
            |files| files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect(),
        );
        if wished {
            let line: Value = serde_json::from_str(written.concat().trim()).unwrap();
            assert_eq!(
                (&line["prompt"], &line["text"]),
                (&json!("secr3t-question"), &json!("secr3t-answer"))
            );
            assert_eq!(
                (&line["end"], &line["conversation"], &line["account"]),
                (&json!("stop"), &json!("c1"), &json!("default"))
            );
            assert_eq!(line["key"], "anonymous");
        } else {
            assert!(written.is_empty());
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                assert!(
                    !bytes.windows(6).any(|window| window == b"secr3t"),
                    "nothing that was said is stored"
                );
            }
        }
    }
}

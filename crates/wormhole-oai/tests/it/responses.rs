//! `POST /v1/responses`, `GET` and `DELETE /v1/responses/{id}`.

use async_openai::types::responses::{Response as Strict, ResponseStreamEvent};
use serde_json::{Value, json};
use wormhole_api::sse;
use wormhole_oai::Keys;

use crate::stage::{Stage, header, soon, text};

async fn answered(stage: &Stage, fields: Value, answer: &str) -> (Value, String) {
    let mut body = json!({"model": "echo", "input": "hi"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (response, posted) = tokio::join!(stage.post("/v1/responses", &body), async {
        let turn = stage.hub.turn().await;
        let posted = turn.submit.text.clone();
        turn.answer(answer);
        posted
    });
    assert_eq!(response.status(), 200);
    (response.json().await.unwrap(), posted)
}

#[tokio::test]
async fn a_whole_response_can_be_continued_read_and_deleted() {
    let stage = Stage::new().await;
    let (first, posted) = answered(&stage, json!({"instructions": "be brief"}), "hello").await;
    assert!(posted.contains("be brief") && posted.contains("hi"));
    serde_json::from_value::<Strict>(first.clone()).unwrap();
    assert_eq!(first["output"][0]["content"][0]["text"], "hello");
    assert_eq!((&first["status"], &first["model"]), (&json!("completed"), &json!("echo")));
    let id = first["id"].as_str().unwrap();

    let (second, posted) =
        answered(&stage, json!({"input": "and now?", "previous_response_id": id}), "again").await;
    assert!(posted.contains("and now?"), "{posted}");
    assert!(!posted.contains("be brief"), "instructions belong to one response: {posted}");
    assert_eq!(second["previous_response_id"], id);

    let path = format!("/v1/responses/{id}");
    assert_eq!(stage.get(&path).await.json::<Value>().await.unwrap(), first);
    let deleted = soon(stage.request("DELETE", &path).send()).await.unwrap();
    assert_eq!(
        deleted.json::<Value>().await.unwrap(),
        json!({"id": id, "object": "response", "deleted": true})
    );
    for method in ["GET", "DELETE"] {
        let gone = soon(stage.request(method, &path).send()).await.unwrap();
        assert_eq!(gone.status(), 404);
        assert_eq!(gone.json::<Value>().await.unwrap()["error"]["code"], "response_not_found");
    }
    let lost = json!({"model": "echo", "input": "x", "previous_response_id": id});
    let lost = stage.post("/v1/responses", &lost).await;
    assert_eq!(lost.status(), 400);
    let lost: Value = lost.json().await.unwrap();
    assert_eq!(lost["error"]["code"], "previous_response_not_found");
    assert_eq!(lost["error"]["param"], "previous_response_id");
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let stage = Stage::new().await;
    let (response, _) = answered(&stage, json!({"store": false}), "hello").await;
    let id = response["id"].as_str().unwrap();
    assert_eq!(stage.get(&format!("/v1/responses/{id}")).await.status(), 404);
}

#[tokio::test]
async fn another_keys_response_is_none() {
    let stage = Stage::with(|config| config.keys = Keys::parse("alice:k1,bob:k2").unwrap()).await;
    let request = stage.request("POST", "/v1/responses").bearer_auth("k1");
    let request = request.json(&json!({"model": "echo", "input": "hi"}));
    let (response, ()) = tokio::join!(request.send(), async { stage.hub.turn().await.answer("hello") });
    let response: Value = response.unwrap().json().await.unwrap();
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap());
    for (key, status) in [("k2", 404), ("k1", 200)] {
        let read = soon(stage.request("GET", &path).bearer_auth(key).send()).await.unwrap();
        assert_eq!(read.status(), status, "{key}");
    }
}

#[tokio::test]
async fn a_stream_has_its_events_in_order_and_can_be_continued() {
    let stage = Stage::new().await;
    let body = json!({"model": "echo", "input": [{"role": "user", "content": "hi"}], "stream": true,
        "tools": [{"type": "web_search"}], "temperature": 0.1});
    let (response, ()) = tokio::join!(stage.post("/v1/responses", &body), async {
        let mut turn = stage.hub.turn().await;
        turn.accept();
        turn.reasoning("hm");
        turn.text("one ");
        turn.text("two");
        turn.done();
    });
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    assert_eq!(header(&response, "x-wormhole-ignored"), Some("temperature, tools.web_search"));
    let stream = text(response).await;
    let events: Vec<Value> = sse::Reader::new()
        .push(stream.as_bytes())
        .iter()
        .map(|event| {
            serde_json::from_str::<ResponseStreamEvent>(event).unwrap();
            serde_json::from_str(event).unwrap()
        })
        .collect();
    assert!(events.iter().enumerate().all(|(number, event)| event["sequence_number"] == number));
    assert_eq!(events[0]["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][1]["content"][0]["text"], "one two");
    let kept = stage.get(&format!("/v1/responses/{}", last["response"]["id"].as_str().unwrap())).await;
    assert_eq!(kept.json::<Value>().await.unwrap(), last["response"]);
}

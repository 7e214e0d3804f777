//! Which models are listed, found, and stepped in for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wormhole_oai::Names;

use crate::hub::directory;
use crate::stage::{Stage, header, soon};

fn names(default: Option<&str>) -> Names {
    let aliases = [("gpt-4o".to_owned(), "echo".to_owned())].into();
    Names { aliases, default: default.map(str::to_owned) }
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_and_each_model_of_openai() {
    let stage = Stage::of(directory(&[("a", &["m/x:1", "same"]), ("b", &["same"])]), |_| {}).await;
    stage.knows_models().await;
    let list: Value = stage.get("/v1/models").await.json().await.unwrap();
    assert_eq!(ids(&list), ["a/same", "b/same", "m/x:1"]);
    assert_eq!(list["object"], "list");
    for (path, id) in
        [("m/x:1", "m/x:1"), ("m%2Fx%3A1", "m/x:1"), ("a/same", "a/same"), ("b%2Fsame", "b/same")]
    {
        let model: Value = stage.get(&format!("/v1/models/{path}")).await.json().await.unwrap();
        assert_eq!((&model["id"], &model["object"]), (&json!(id), &json!("model")));
        assert!(model["created"].is_i64() && model["owned_by"].is_string());
    }
    let missing = stage.get("/v1/models/same").await;
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.json::<Value>().await.unwrap()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn a_colliding_name_is_posted_to_its_site() {
    let stage = Stage::of(directory(&[("a", &["same"]), ("b", &["same"])]), |_| {}).await;
    stage.knows_models().await;
    let (response, ()) = tokio::join!(stage.openai(json!({"model": "b/same"})), async {
        let turn = stage.hub.turn().await;
        assert_eq!((turn.submit.model.as_str(), turn.submit.site.as_deref()), ("same", Some("b")));
        turn.answer("ok");
    });
    assert_eq!(response.json::<Value>().await.unwrap()["model"], "b/same");
}

#[tokio::test]
async fn tags_and_show_of_ollama() {
    let stage = Stage::with(|config| config.names = names(None)).await;
    let tags: Value = stage.get("/api/tags").await.json().await.unwrap();
    let models = tags["models"].as_array().unwrap();
    let listed: Vec<_> = models.iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(listed, ["echo:latest", "gpt-4o:latest", "story:latest"]);
    let digests: BTreeSet<_> = models.iter().map(|model| model["digest"].as_str().unwrap()).collect();
    assert_eq!(digests.len(), 3);
    assert!(digests.iter().all(|digest| digest.len() == 64));
    for model in models {
        assert_eq!(model["name"], model["model"]);
        for field in ["format", "family", "parameter_size", "quantization_level"] {
            assert!(model["details"][field].is_string());
        }
    }
    for body in [
        json!({"model": "echo"}),
        json!({"name": "echo:latest"}),
        json!({"model": "", "name": "echo", "verbose": true}),
    ] {
        let mut show: Value = stage.post("/api/show", &body).await.json().await.unwrap();
        assert!(show["modified_at"].as_str().unwrap().ends_with('Z'));
        show["modified_at"] = json!("…");
        insta::assert_json_snapshot!("show", show);
    }
    let missing = stage.post("/api/show", &json!({"model": "nope"})).await;
    assert_eq!(missing.status(), 404);
    let error = missing.json::<Value>().await.unwrap();
    assert_eq!(error, json!({"error": "model 'nope' not found; known models: echo, gpt-4o, story"}));
    assert_eq!(stage.post("/api/show", &json!({})).await.status(), 400);
}

#[tokio::test]
async fn an_alias_and_the_default_step_in_and_say_so() {
    let stage = Stage::with(|config| config.names = names(Some("story"))).await;
    for (asked, posted, says) in [
        (json!("gpt-4o"), "echo", Some("echo")),
        (json!("gpt-9"), "story", Some("story")),
        (json!(null), "story", None),
        (json!("echo"), "echo", None),
    ] {
        let (response, ()) = tokio::join!(stage.openai(json!({"model": asked})), async {
            let turn = stage.hub.turn().await;
            assert_eq!(turn.submit.model, posted);
            turn.answer("ok");
        });
        assert_eq!(header(&response, "x-wormhole-model"), says, "{asked}");
        let expected = if asked.is_null() { json!("story") } else { asked };
        assert_eq!(response.json::<Value>().await.unwrap()["model"], expected);
    }
}

#[tokio::test]
async fn while_nothing_is_known_the_hub_decides_and_the_default_still_steps_in() {
    let stage = Stage::of(directory(&[]), |config| config.names = names(Some("story"))).await;
    let list: Value = stage.get("/v1/models").await.json().await.unwrap();
    assert_eq!(list, json!({"object": "list", "data": []}));
    let (response, ()) = tokio::join!(stage.openai(json!({"model": "gpt-9"})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.submit.model, "gpt-9");
        stage.hub.tell(directory(&[("site", &["story"])]));
        let code = wormhole_protocol::FailureCode::ModelUnknown;
        turn.fail(wormhole_protocol::Failure::not_posted(code, "no such model"));
        let again = stage.hub.turn().await;
        assert_eq!((again.submit.model.as_str(), again.submit.text.as_str()), ("story", "hi"));
        again.answer("after all");
    });
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "after all");
}

#[tokio::test]
async fn models_stay_listed_while_their_page_is_away() {
    let stage = Stage::new().await;
    stage.hub.tell(directory(&[]));
    let (response, ()) = tokio::join!(stage.openai(json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(response.status(), 200);
    let list: Value = stage.get("/v1/models").await.json().await.unwrap();
    assert_eq!(ids(&list), ["echo", "story"]);
}

#[tokio::test]
async fn a_bound_key_sees_and_uses_the_models_of_its_accounts() {
    let mut joined = directory(&[("a", &["echo", "story"]), ("b", &["same"])]);
    joined.accounts[1].account = "second".to_owned();
    let stage = Stage::of(joined, |config| {
        config.keys = wormhole_oai::Keys::parse("all:k1\nbound:k2 accounts=second").unwrap();
    })
    .await;
    let get = async |key: &str, path: &str| {
        let response = stage.request("GET", path).bearer_auth(key).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    };
    soon(async { while ids(&get("k1", "/v1/models").await) != ["echo", "same", "story"] {} }).await;
    assert_eq!(ids(&get("k2", "/v1/models").await), ["same"]);
    assert_eq!(get("k2", "/v1/models/echo").await["error"]["code"], "model_not_found");
    assert_eq!(get("k2", "/v1/models/b/same").await["id"], "b/same");
    for path in ["/api/tags", "/api/ps"] {
        let listed = get("k2", path).await;
        let names: Vec<_> = listed["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
        assert_eq!(names, ["same:latest"]);
    }
    for (path, body) in [
        ("/api/show", json!({"model": "echo"})),
        ("/api/pull", json!({"model": "echo"})),
        ("/api/chat", json!({"model": "echo"})),
        ("/v1/chat/completions", crate::stage::chat(json!({}))),
    ] {
        let response = soon(stage.request("POST", path).bearer_auth("k2").json(&body).send()).await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert!(!response.text().await.unwrap().contains("story"), "{path}");
    }
    assert!(stage.hub.is_quiet().await);
}

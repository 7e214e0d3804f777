//! Keys.

use serde_json::{Value, json};
use wormhole_oai::{Config, Keys, Service};

use crate::stage::{Stage, chat, soon};

async fn keyed() -> Stage {
    Stage::with(|config| config.keys = Keys::parse("alice:k1,k2").unwrap()).await
}

#[tokio::test]
async fn without_a_key_nothing_but_the_heartbeat_answers() {
    let stage = keyed().await;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/api/version", 200),
        ("GET", "/v1/models", 401),
        ("GET", "/api/tags", 401),
        ("POST", "/v1/chat/completions", 401),
        ("POST", "/api/chat", 401),
        ("GET", "/nowhere", 401),
    ] {
        for token in [None, Some("Bearer wrong"), Some("Bearer ")] {
            let mut request = stage.request(method, path);
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            assert_eq!(soon(request.send()).await.unwrap().status(), status, "{method} {path} {token:?}");
        }
    }
    let refused: Value = stage.get("/v1/models").await.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "invalid_api_key");
    assert!(stage.get("/api/tags").await.json::<Value>().await.unwrap()["error"].is_string());
}

#[tokio::test]
async fn each_way_to_send_a_key_names_its_caller() {
    let stage = keyed().await;
    for (header, value, caller) in
        [("authorization", "Bearer k1", "alice"), ("x-api-key", "k2", "key-2"), ("api-key", "k1", "alice")]
    {
        let request =
            stage.request("POST", "/v1/chat/completions").header(header, value).json(&chat(json!({})));
        let (response, ()) = tokio::join!(request.send(), async {
            let turn = stage.hub.turn().await;
            assert_eq!(turn.submit.caller, caller);
            turn.answer("ok");
        });
        assert_eq!(response.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn without_keys_any_token_will_do() {
    let stage = Stage::new().await;
    for token in ["Bearer ", "Bearer anything", "Basic eA=="] {
        let request = stage.request("GET", "/v1/models").header("authorization", token);
        assert_eq!(soon(request.send()).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_service_for_everybody_must_be_meant() {
    wormhole_runtime::install_crypto_provider();
    let hub = wormhole_client::HubAddress {
        url: "ws://127.0.0.1:1".parse().unwrap(),
        token: "t".into(),
        name: "oai".to_owned(),
    };
    let mut config = Config::on_loopback(hub);
    config.listen = "0.0.0.0:0".parse().unwrap();
    let refused = Service::bind(config.clone()).await.unwrap_err();
    assert!(refused.to_string().starts_with("WORMHOLE_API_KEYS: needed"), "{refused}");
    config.allow_anonymous = true;
    Service::bind(config).await.unwrap();
}

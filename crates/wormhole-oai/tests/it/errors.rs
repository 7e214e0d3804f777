//! Every error has the shape of the caller's dialect, and no failed answer looks whole.

use reqwest::Response;
use serde_json::{Value, json};
use wormhole_protocol::{Failure, FailureCode, Posted};

use crate::stage::{Stage, chat, header, piece, soon, text};

async fn check_shape(response: Response, dialect: &str) -> String {
    assert_eq!(header(&response, "content-type"), Some("application/json"), "{dialect}");
    let body: Value = response.json().await.unwrap();
    if dialect == "ollama" {
        return body["error"].as_str().expect("a plain string").to_owned();
    }
    let error = body["error"].as_object().unwrap();
    assert_eq!(error.keys().collect::<Vec<_>>(), ["message", "type", "param", "code"]);
    assert!(error["type"].is_string());
    error["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist() {
    let stage = Stage::new().await;
    for (method, path, status, dialect, allow) in [
        ("GET", "/nowhere", 404, "openai", None),
        ("GET", "/v1/nowhere", 404, "openai", None),
        ("POST", "/api/nowhere", 404, "ollama", None),
        ("GET", "/v1/chat/completions", 405, "openai", Some("POST")),
        ("DELETE", "/v1/models", 405, "openai", Some("GET,HEAD")),
        ("PUT", "/api/chat", 405, "ollama", Some("POST")),
        ("POST", "/api/tags", 405, "ollama", Some("GET,HEAD")),
        ("POST", "/", 405, "ollama", Some("GET,HEAD")),
    ] {
        let response = soon(stage.request(method, path).send()).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(header(&response, "allow"), allow, "{method} {path}");
        assert!(header(&response, "x-request-id").is_some());
        let message = check_shape(response, dialect).await;
        assert!(message.contains(path), "{message}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_used() {
    let stage = Stage::with(|config| config.limits.body = 1000).await;
    let long =
        json!({"model": "echo", "messages": [{"role": "user", "content": "x".repeat(2000)}]}).to_string();
    for (content_type, body, status, says) in [
        ("application/json", "{\"model\":", 400, "not valid JSON at line 1, column 9"),
        ("application/json", "", 400, "not valid JSON"),
        ("application/json", "\u{feff}{}", 400, "not valid JSON"),
        ("application/json", r#"{"model":"echo","messages":"hi"}"#, 400, "'messages' cannot be used"),
        (
            "application/json",
            r#"{"messages":[{"role":"robot","content":"x"}],"model":"echo"}"#,
            400,
            "messages[0].role",
        ),
        (
            "application/json",
            r#"{"model":"echo","messages":[{"role":"user","content":"  "}]}"#,
            400,
            "hold no text",
        ),
        ("application/json", long.as_str(), 413, "limit of 1000 bytes"),
        ("image/png", "{}", 415, "image/png"),
        ("multipart/form-data; boundary=x", "{}", 415, "multipart/form-data"),
    ] {
        for (path, dialect) in [("/v1/chat/completions", "openai"), ("/api/chat", "ollama")] {
            let request =
                stage.request("POST", path).header("content-type", content_type).body(body.to_owned());
            let response = soon(request.send()).await.unwrap();
            assert_eq!(response.status(), status, "{path} {body}");
            assert_eq!(header(&response, "x-should-retry"), Some("false"));
            let message = check_shape(response, dialect).await;
            assert!(message.contains(says), "{message}");
        }
    }
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn requests_that_cannot_be_honoured_name_their_field() {
    let stage = Stage::new().await;
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]);
    for (fields, status, param, code) in [
        (json!({"n": 2}), 400, json!("n"), json!(null)),
        (json!({"model": null}), 400, json!("model"), json!("missing_required_parameter")),
        (json!({"model": "nope"}), 404, json!("model"), json!("model_not_found")),
        (json!({"messages": []}), 400, json!("messages"), json!(null)),
        (json!({"messages": image}), 400, json!("messages[0]"), json!(null)),
        (json!({"stop": vec!["x"; 65]}), 400, json!("stop"), json!(null)),
    ] {
        let response = stage.openai(fields).await;
        assert_eq!(response.status(), status);
        let error = &response.json::<Value>().await.unwrap()["error"];
        assert_eq!(
            (&error["param"], &error["code"], &error["type"]),
            (&param, &code, &json!("invalid_request_error"))
        );
    }
    let images = json!([{"role": "user", "content": "what is it?", "images": ["AA=="]}]);
    let message = check_shape(stage.ollama(json!({"messages": images})).await, "ollama").await;
    assert!(message.contains("no images"), "{message}");
    assert_eq!(stage.ollama(json!({"model": null})).await.status(), 400);
}

#[tokio::test]
async fn a_turn_that_is_too_large_for_the_hub_is_the_requests_fault() {
    let stage = Stage::with(|config| config.limits.prompt = usize::MAX).await;
    let messages = json!([{"role": "user", "content": "x".repeat(17 << 20)}]);
    let response = stage.openai(json!({"messages": messages})).await;
    assert_eq!(response.status(), 413);
    check_shape(response, "openai").await;
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_a_status_also_for_streams() {
    let stage = Stage::new().await;
    let failure = |code, posted| Failure::new(code, posted, "it went wrong");
    for (failed, status, code, retry_after, should_retry) in [
        (
            failure(FailureCode::QueueFull, Posted::No).retry_after_ms(1500),
            429,
            "queue_full",
            Some("2"),
            None,
        ),
        (failure(FailureCode::RateLimited, Posted::No), 429, "rate_limit_exceeded", Some("5"), None),
        (failure(FailureCode::NoPage, Posted::No), 502, "no_page", None, None),
        (failure(FailureCode::LoginRequired, Posted::No), 502, "login_required", None, None),
        (failure(FailureCode::PageLost, Posted::Unknown), 502, "page_lost", None, Some("false")),
        (
            failure(FailureCode::SiteError, Posted::Yes).with_status(401),
            502,
            "site_error",
            None,
            Some("false"),
        ),
        (failure(FailureCode::Deadline, Posted::Unknown), 502, "deadline", None, Some("false")),
        (failure(FailureCode::ModelUnknown, Posted::No), 404, "model_not_found", None, Some("false")),
        (failure(FailureCode::Refused, Posted::Yes), 400, "refused", None, Some("false")),
    ] {
        for stream in [false, true] {
            for dialect in ["openai", "ollama"] {
                let fields = json!({"stream": stream});
                let (response, ()) = tokio::join!(
                    async {
                        if dialect == "openai" {
                            stage.openai(fields).await
                        } else {
                            stage.ollama(fields).await
                        }
                    },
                    async { stage.hub.turn().await.fail(failed.clone()) }
                );
                assert_eq!(response.status(), status, "{code}");
                assert_eq!(header(&response, "retry-after"), retry_after, "{code}");
                assert_eq!(header(&response, "x-should-retry"), should_retry, "{code}");
                assert_eq!(check_shape(response, dialect).await, "it went wrong");
            }
        }
    }
    assert_eq!(stage.metric("wormhole_oai_turn_failures_total{code=\"queue_full\"}").await, 4);
}

#[tokio::test]
async fn a_stream_that_fails_in_the_middle_never_looks_whole() {
    let stage = Stage::new().await;
    for code in [FailureCode::Truncated, FailureCode::Stalled, FailureCode::PageLost] {
        for dialect in ["openai", "ollama"] {
            let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
            let (mut response, mut turn) = tokio::join!(
                async {
                    if dialect == "openai" { stage.openai(fields).await } else { stage.ollama(fields).await }
                },
                async { stage.hub.turn().await.begun("half an ans") }
            );
            assert_eq!(response.status(), 200);
            while !piece(&mut response).await.contains("half an ans") {}
            turn.text("wer");
            turn.fail(Failure::new(code, Posted::Yes, "the stream was cut"));
            check_broken_end(&text(response).await, dialect);
        }
    }
}

#[tokio::test]
async fn a_failure_after_the_status_was_sent_is_an_event() {
    let stage = Stage::with(|config| config.limits.status_window = std::time::Duration::ZERO).await;
    for dialect in ["openai", "ollama"] {
        let fields = json!({"stream": true});
        let mut response =
            if dialect == "openai" { stage.openai(fields).await } else { stage.ollama(fields).await };
        assert_eq!(response.status(), 200);
        assert!(piece(&mut response).await.contains("\"role\":\"assistant\""));
        stage.hub.turn().await.fail(Failure::not_posted(FailureCode::QueueFull, "the stream was cut"));
        let rest = text(response).await;
        assert!(
            rest.contains("the stream was cut") && !rest.contains("[DONE]") && !rest.contains("done"),
            "{rest}"
        );
    }
}

fn check_broken_end(rest: &str, dialect: &str) {
    assert!(rest.contains("the stream was cut"), "{rest}");
    for end in ["[DONE]", "\"stop\"", "\"done\":true", "\"length\"", "usage"] {
        assert!(!rest.contains(end), "{end} in {rest}");
    }
    let last = rest.trim_end().lines().last().unwrap();
    if dialect == "openai" {
        let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(error["error"]["type"], "server_error");
        assert!(error.get("choices").is_none(), "VS Code reads the error only then");
    } else {
        let error: Value = serde_json::from_str(last).unwrap();
        assert_eq!(error, json!({"error": "the stream was cut", "status": 502}));
    }
}

#[tokio::test]
async fn a_whole_answer_that_fails_in_the_middle_is_an_error() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(json!({})), async {
        let turn = stage.hub.turn().await.begun("half");
        turn.fail(Failure::new(FailureCode::Truncated, Posted::Yes, "cut"));
    });
    assert_eq!((response.status().as_u16(), header(&response, "x-should-retry")), (502, Some("false")));
    assert!(!text(response).await.contains("half"));
}

#[tokio::test]
async fn a_reply_that_lacks_bytes_is_not_whole() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(json!({"stream": true})), async {
        let mut turn = stage.hub.turn().await.begun("all of it");
        turn.claim_more();
        turn.done();
    });
    let body = text(response).await;
    assert!(!body.contains("[DONE]") && body.contains("error"), "{body}");
}

#[tokio::test]
async fn a_hub_that_is_lost_in_mid_stream_ends_the_stream_with_an_error() {
    let stage = Stage::new().await;
    let (mut response, _turn) =
        tokio::join!(stage.openai(json!({"stream": true})), async { stage.hub.turn().await.begun("half") });
    while !piece(&mut response).await.contains("half") {}
    stage.hub.cut();
    let rest = text(response).await;
    assert!(rest.contains("hub_lost") && !rest.contains("[DONE]"), "{rest}");
    // It joins again by itself, and the next request works.
    let (response, ()) =
        tokio::join!(stage.openai(json!({})), async { stage.hub.turn().await.answer("again") });
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn no_hub_is_an_error_and_a_reason_not_to_be_ready() {
    let stage = Stage::of(crate::hub::directory(&[]), |config| {
        config.link.submit_within = std::time::Duration::from_millis(50);
        config.hub.token = "wrong".into();
    })
    .await;
    let response = stage.post("/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-should-retry")), (502, None));
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "hub_lost");
    let ready = soon(stage.client.get(format!("{}/readyz", stage.admin)).send()).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("hub: not joined to the hub at ws://127.0.0.1:"));
    let live = soon(stage.client.get(format!("{}/livez", stage.admin)).send()).await.unwrap();
    assert_eq!(live.status(), 200);
}

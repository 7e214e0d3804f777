//! Browsers, packed bodies, and the document of the API.

use serde_json::{Value, json};
use wormhole_oai::Browsers;

use crate::stage::{Stage, chat, header, soon};

const POSTS: &[&str] = &[
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/completions",
    "/api/chat",
    "/api/generate",
];

#[tokio::test]
async fn a_page_of_a_foreign_origin_causes_nothing() {
    let stage = Stage::new().await;
    for origin in ["https://example.org", "null"] {
        for path in POSTS {
            // What a page may send without asking first.
            let request =
                stage.request("POST", path).header("origin", origin).header("content-type", "text/plain");
            let response = soon(request.body(chat(json!({})).to_string()).send()).await.unwrap();
            assert_eq!(response.status(), 403, "{path}");
            assert_eq!(header(&response, "access-control-allow-origin"), None);
            assert!(response.json::<Value>().await.unwrap().get("error").is_some());
        }
        let asks = stage.request("OPTIONS", "/v1/models").header("origin", origin);
        assert_eq!(soon(asks.send()).await.unwrap().status(), 403);
    }
    assert!(stage.hub.is_quiet().await);
    let refused = 2 * (POSTS.len() as u64 + 1);
    assert_eq!(stage.metric("wormhole_oai_foreign_requests_total{what=\"origin\"}").await, refused);
}

#[tokio::test]
async fn a_page_of_this_machine_may_ask_and_read() {
    let stage = Stage::with(|config| config.keys = wormhole_oai::Keys::parse("k").unwrap()).await;
    let origin = "http://localhost:3000";
    for path in POSTS {
        let asks = stage
            .request("OPTIONS", path)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,x-stainless-os");
        let answer = soon(asks.send()).await.unwrap();
        assert_eq!(answer.status(), 204, "a browser sends no key when it asks");
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(origin));
        assert_eq!(header(&answer, "vary"), Some("origin"));
        let allowed = header(&answer, "access-control-allow-headers").unwrap();
        for name in [
            "authorization",
            "content-type",
            "user-agent",
            "accept",
            "x-requested-with",
            "openai-beta",
            "x-stainless-os",
            "x-api-key",
            "anthropic-version",
        ] {
            assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}");
        }
    }
    let refused = soon(stage.request("GET", "/v1/models").header("origin", origin).send()).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(header(&refused, "access-control-allow-origin"), Some(origin), "a page may read why");
}

#[tokio::test]
async fn the_setting_lets_other_pages_in() {
    let browsers = Browsers::parse("https://chat.example.org", "").unwrap();
    let stage = Stage::with(|config| config.browsers = browsers).await;
    for (origin, status) in [("https://chat.example.org", 200), ("https://example.org", 403)] {
        let asks = stage.request("GET", "/v1/models").header("origin", origin);
        assert_eq!(soon(asks.send()).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_foreign_name_for_loopback_is_refused_in_the_dialect() {
    let stage = Stage::new().await;
    for (path, check) in
        [("/api/tags", "/error"), ("/v1/models", "/error/message"), ("/v1/messages", "/error/message")]
    {
        let response = soon(stage.request("GET", path).header("host", "rebound.example.org:11434").send())
            .await
            .unwrap();
        assert_eq!(response.status(), 403);
        assert!(response.json::<Value>().await.unwrap().pointer(check).unwrap().is_string());
    }
    let named = soon(stage.request("GET", "/v1/models").header("host", "localhost").send()).await.unwrap();
    assert_eq!(named.status(), 200);
}

async fn packed(bytes: &[u8], kind: &str) -> Vec<u8> {
    use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
    use tokio::io::AsyncReadExt;
    let mut out = Vec::new();
    match kind {
        "gzip" => GzipEncoder::new(bytes).read_to_end(&mut out).await.unwrap(),
        _ => ZstdEncoder::new(bytes).read_to_end(&mut out).await.unwrap(),
    };
    out
}

#[tokio::test]
async fn packed_bodies_are_unpacked_within_the_limit() {
    let stage = Stage::with(|config| config.limits.body = 1 << 20).await;
    let send = async |body: Vec<u8>, encoding: &str| {
        let request = stage.request("POST", "/v1/responses").header("content-encoding", encoding);
        soon(request.header("content-type", "application/json").body(body).send()).await.unwrap()
    };
    let body = json!({"model": "echo", "input": "hi ".repeat(1000)}).to_string();
    for encoding in ["gzip", "zstd"] {
        let body = packed(body.as_bytes(), encoding).await;
        let (response, ()) =
            tokio::join!(send(body.clone(), encoding), async { stage.hub.turn().await.answer("ok") });
        assert_eq!(response.status(), 200, "{encoding}");
        let bomb = packed(&vec![b' '; 64 << 20], encoding).await;
        assert!(bomb.len() < 1 << 20);
        assert_eq!(send(bomb, encoding).await.status(), 413, "{encoding}");
        assert_eq!(send(b"{}".to_vec(), encoding).await.status(), 400, "not packed at all");
        assert_eq!(send(body[..body.len() / 2].to_vec(), encoding).await.status(), 400, "cut off");
    }
    assert_eq!(send(b"{}".to_vec(), "br").await.status(), 415);
    assert_eq!(send(b"{}".to_vec(), "gzip, zstd").await.status(), 415);
}

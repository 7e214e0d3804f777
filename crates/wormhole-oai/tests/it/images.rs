//! Pictures: which travel, which are refused, and where they are fetched from.

use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use reqwest::Response;
use serde_json::{Value, json};
use wormhole_oai::ImageHosts;
use wormhole_protocol::Image;
use wormhole_runtime::{listen, serve_http};

use crate::hub::{FakeTurn, directory};
use crate::stage::{Stage, soon, text};

/// The smallest thing that begins as a picture does.
const GIF: &str = "R0lGODlhAA==";
const GIF_BYTES: &[u8] = b"GIF89a\0";

/// One site whose model `eyes` takes images.
async fn stage(change: impl FnOnce(&mut wormhole_oai::Config)) -> Stage {
    let mut directory = directory(&[("site", &["echo", "eyes"])]);
    directory.accounts[0].models[1].images = true;
    let stage = Stage::of(directory, change).await;
    stage.knows_models().await;
    stage
}

fn picture(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn gif() -> Value {
    picture(&format!("data:image/png;base64,{GIF}"))
}

fn user(parts: Value) -> Value {
    let mut message = json!({"role": "user"});
    message["content"] = parts;
    message
}

fn says(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

async fn ask(stage: &Stage, messages: Value, site: impl FnOnce(FakeTurn)) {
    let (response, ()) = tokio::join!(stage.openai(json!({"model": "eyes", "messages": messages})), async {
        site(stage.hub.turn().await);
    });
    assert_eq!(response.status(), 200, "{}", text(response).await);
}

async fn refused(response: Response, param: &str, what: &str) {
    assert_eq!(response.status(), 400);
    let error: Value = soon(response.json()).await.unwrap();
    let message = error["error"]["message"].as_str().or(error["error"].as_str()).unwrap_or_default();
    assert!(message.contains(what), "{error}");
    assert!(error["error"]["param"] == param || error["error"].is_string(), "{error}");
}

fn travelling() -> Image {
    Image { media_type: "image/gif".to_owned(), data: GIF.to_owned() }
}

#[tokio::test]
async fn pictures_of_every_dialect_travel_with_the_turn() {
    let stage = stage(|_| {}).await;
    for (path, body) in [
        ("/v1/chat/completions", json!({"messages": [user(json!([says("look"), gif()]))]})),
        (
            "/v1/responses",
            json!({"input": [user(json!([
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": format!("data:image/gif;base64,{GIF}")},
            ]))]}),
        ),
        (
            "/v1/messages",
            json!({"max_tokens": 9, "messages": [user(json!([
                says("look"),
                {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": GIF}},
            ]))]}),
        ),
        ("/api/chat", json!({"messages": [{"role": "user", "content": "look", "images": [GIF]}]})),
        ("/api/generate", json!({"prompt": "look", "images": [GIF]})),
    ] {
        let mut body = body;
        body["model"] = json!("eyes");
        body["stream"] = json!(false);
        let (response, ()) = tokio::join!(stage.post(path, &body), async {
            let turn = stage.hub.turn().await;
            assert_eq!(
                (turn.submit.text.as_str(), &turn.submit.images),
                ("look", &vec![travelling()]),
                "{path}"
            );
            turn.answer("seen");
        });
        assert_eq!(response.status(), 200, "{path}: {}", text(response).await);
    }
}

#[tokio::test]
async fn only_new_pictures_travel_and_older_ones_are_marked() {
    let stage = stage(|_| {}).await;
    let mut messages = vec![user(json!([says("first"), gif()]))];
    ask(&stage, json!(messages), |turn| {
        assert_eq!(turn.submit.images.len(), 1);
        turn.answer_in("c1", 1, "one");
    })
    .await;
    // The site has the first picture; the second is new.
    messages.extend([json!({"role": "assistant", "content": "one"}), user(json!([gif()]))]);
    ask(&stage, json!(messages), |turn| {
        assert_eq!((turn.place(), turn.submit.text.as_str()), (Some(("default", "c1", 1)), "[image]"));
        assert_eq!(turn.submit.images, [travelling()]);
        turn.answer_in("c1", 2, "two");
    })
    .await;
    // A history that no conversation holds: the older pictures are marked.
    messages[1]["content"] = json!("another one");
    messages.extend([json!({"role": "assistant", "content": "two"}), user(json!("and?"))]);
    ask(&stage, json!(messages), |turn| {
        assert!(turn.place().is_none() && turn.submit.images.is_empty());
        assert_eq!(turn.submit.text.matches("[image]").count(), 2, "{}", turn.submit.text);
        turn.answer("three");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_travel_is_refused_before_anything_is_posted() {
    let stage = stage(|config| (config.images.most, config.images.bytes) = (2, 100)).await;
    let post = async |model: &str, parts: Value| {
        stage.openai(json!({"model": model, "messages": [user(parts)]})).await
    };
    let blind = "the model 'echo' takes no images: send text only";
    refused(post("echo", json!([says("look"), gif()])).await, "messages[0]", blind).await;
    let ollama = json!({"messages": [{"role": "user", "content": "look", "images": [GIF]}]});
    refused(stage.ollama(ollama).await, "", blind).await;
    let many = post("eyes", json!([gif(), gif(), gif()])).await;
    refused(many, "messages", "3 images, at most 2 are taken").await;
    for (url, what) in [
        ("data:image/png;base64,AAAA", "no PNG, JPEG, GIF or WebP"),
        ("data:image/png;base64,a secret!", "not in base64"),
        ("data:image/png,abc", "must be in base64"),
        ("https://example.org/a.png", "WORMHOLE_IMAGE_HOSTS"),
        ("what?", "no URL"),
    ] {
        refused(post("eyes", json!([picture(url)])).await, "messages[0]", what).await;
    }
    let large = picture(&format!(
        "data:image/gif;base64,{}",
        GIF.trim_end_matches('=').to_owned() + &"A".repeat(200)
    ));
    refused(post("eyes", json!([large])).await, "messages[0]", "more than 100 bytes").await;
    assert!(stage.hub.is_quiet().await);
}

/// A host of pictures.
fn pictures() -> Router {
    let gif = [("content-type", "image/gif")];
    Router::new()
        .route("/a.gif", get(async move || (gif, GIF_BYTES)))
        .route("/page", get(async || ([("content-type", "text/html")], GIF_BYTES)))
        .route("/text.gif", get(async move || (gif, "no picture")))
        .route("/large.gif", get(async move || (gif, [GIF_BYTES, &[0; 200]].concat())))
        .route("/moved", get(async || Redirect::temporary("/a.gif")))
        .route("/away", get(async || Redirect::temporary("http://localhost:1/a.gif")))
        .route("/round", get(async || Redirect::temporary("/round")))
        .route("/never", get(std::future::pending::<()>))
}

#[tokio::test]
async fn pictures_are_fetched_from_named_hosts_and_within_limits() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let stage = stage(|config| {
        config.images.hosts = ImageHosts::parse(&host).unwrap();
        config.images.bytes = 100;
        config.images.within = Duration::from_millis(500);
    })
    .await;
    serve_http(listener, pictures(), &stage.lifecycle.child(), "pictures");
    for path in ["/a.gif", "/moved"] {
        ask(&stage, json!([user(json!([picture(&format!("http://{host}{path}"))]))]), |turn| {
            assert_eq!(turn.submit.images, [travelling()]);
            turn.answer("seen");
        })
        .await;
    }
    for (path, what) in [
        ("/page", "does not call an image"),
        ("/text.gif", "no PNG, JPEG, GIF or WebP"),
        ("/large.gif", "more than 100 bytes"),
        ("/away", "WORMHOLE_IMAGE_HOSTS does not name"),
        ("/round", "or too far"),
        ("/never", "took too long"),
        ("/nothing", "status 404"),
    ] {
        let url = format!("http://{host}{path}");
        let body = json!({"model": "eyes", "messages": [user(json!([picture(&url)]))]});
        refused(stage.openai(body).await, "messages[0]", what).await;
    }
    let elsewhere =
        json!({"model": "eyes", "messages": [user(json!([picture("http://localhost:1/a.gif")]))]});
    refused(stage.openai(elsewhere).await, "messages[0]", "not fetched from localhost").await;
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn models_that_take_images_say_so_to_ollama_clients() {
    let stage = stage(|_| {}).await;
    let tags: Value = stage.get("/api/tags").await.json().await.unwrap();
    for tag in tags["models"].as_array().unwrap() {
        let name = tag["name"].as_str().unwrap();
        let sees = |capabilities: &Value| capabilities.as_array().unwrap().contains(&json!("vision"));
        assert_eq!(sees(&tag["capabilities"]), name == "eyes:latest", "{tag}");
        let show: Value = stage.post("/api/show", &json!({"model": name})).await.json().await.unwrap();
        assert_eq!(sees(&show["capabilities"]), name == "eyes:latest", "{show}");
    }
}

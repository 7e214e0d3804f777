//! A client that leaves stops its turn, whatever stage it is in.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, chat, soon};

/// A client that is nothing but a socket.
async fn ask(stage: &Stage, path: &str, body: &Value) -> TcpStream {
    let host = stage.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn before_the_first_word_of_a_whole_answer() {
    let stage = Stage::new().await;
    for path in ["/v1/chat/completions", "/api/chat"] {
        let socket = ask(&stage, path, &chat(json!({"stream": false}))).await;
        let mut turn = stage.hub.turn().await;
        turn.accept();
        drop(socket);
        turn.cancelled().await;
    }
    stage.metric_becomes("wormhole_oai_hangups_total", 2).await;
    stage.metric_becomes("wormhole_oai_turns_in_flight", 0).await;
    stage.metric_becomes("wormhole_oai_requests_in_flight", 0).await;
    let gone = "wormhole_oai_requests_total{route=\"/v1/chat/completions\",status=\"gone\"}";
    assert_eq!(stage.metric(gone).await, 1);
}

#[tokio::test]
async fn in_the_middle_of_a_whole_answer() {
    let stage = Stage::new().await;
    let socket = ask(&stage, "/v1/chat/completions", &chat(json!({}))).await;
    let turn = stage.hub.turn().await.begun("half");
    drop(socket);
    turn.cancelled().await;
}

#[tokio::test]
async fn before_the_first_word_of_a_stream() {
    for window in [Duration::ZERO, Duration::from_secs(20)] {
        let stage = Stage::with(|config| config.limits.status_window = window).await;
        let socket = ask(&stage, "/v1/chat/completions", &chat(json!({"stream": true}))).await;
        let turn = stage.hub.turn().await;
        drop(socket);
        turn.cancelled().await;
        stage.metric_becomes("wormhole_oai_turns_in_flight", 0).await;
    }
}

#[tokio::test]
async fn in_the_middle_of_a_stream() {
    let stage = Stage::new().await;
    for path in ["/v1/chat/completions", "/api/chat"] {
        let mut socket = ask(&stage, path, &chat(json!({"stream": true}))).await;
        let turn = stage.hub.turn().await.begun("half");
        let mut read = String::new();
        let mut buffer = [0; 4096];
        while !read.contains("half") {
            let count = soon(socket.read(&mut buffer)).await.unwrap();
            read.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        drop(socket);
        turn.cancelled().await;
    }
    stage.metric_becomes("wormhole_oai_hangups_total", 2).await;
}

#[tokio::test]
async fn a_client_that_stays_cancels_nothing() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(json!({})), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(response.status(), 200);
    stage.metric_becomes("wormhole_oai_turns_in_flight", 0).await;
    assert_eq!(stage.metric("wormhole_oai_hangups_total").await, 0);
    let line = "wormhole_oai_requests_total{route=\"/v1/chat/completions\",status=\"2xx\"}";
    assert_eq!(stage.metric(line).await, 1);
}

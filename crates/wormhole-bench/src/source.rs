//! The model server behind the practice site: words at a steady pace, each with the time at which it was made. The site
//! relays them to whoever asked, so that both ways through it carry the same marks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::Clock;

/// Its one model.
pub(crate) const MODEL: &str = "bench-words";
/// Words in an answer.
pub(crate) const WORDS: usize = 100;
/// Time between two words.
pub(crate) const PACE: Duration = Duration::from_millis(10);

/// The running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

impl Source {
    /// Serves on a free loopback port.
    pub(crate) async fn serve(clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/v1/models", get(|| async { Json(json!({ "data": [{ "id": MODEL }] })) }))
            .route("/v1/chat/completions", post(answer))
            .with_state(clock);
        let listener = listener.tap_io(|socket| {
            // Without it the figures would be worse, not wrong.
            let _unset = socket.set_nodelay(true);
        });
        let mut server = JoinSet::new();
        server.spawn(async move {
            let _never = axum::serve(listener, router).await;
        });
        Ok(Self { address, _server: server })
    }
}

async fn answer(State(clock): State<Clock>) -> impl IntoResponse {
    let events = stream::unfold(0, move |index| async move {
        let event = match index {
            0..WORDS => {
                if index > 0 {
                    tokio::time::sleep(PACE).await;
                }
                chunk(&json!({ "content": format!("{} word ", clock.mark()) }), &Value::Null)
            }
            WORDS => chunk(&json!({}), &json!("stop")) + "data: [DONE]\n\n",
            _ => return None,
        };
        Some((Ok::<_, Infallible>(Bytes::from(event)), index + 1))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events))
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    let event = json!({ "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] });
    format!("data: {event}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{Dialect, History, ask_model};
    use crate::connection::Connection;

    #[tokio::test]
    async fn words_come_one_by_one_at_the_pace() {
        let clock = Clock::start();
        let source = Source::serve(clock).await.unwrap();
        let mut connection = Connection::open(source.address, clock).await.unwrap();
        let ask = ask_model(Dialect::OpenAi, MODEL, WORDS, true, History::Short);
        let taken = connection.exchange(&ask).await.unwrap();
        assert!(taken.first < PACE * 50 && taken.whole >= PACE * 99);
    }
}

//! The stand-in: a tiny server that answers the same bytes as Wormhole did once, with fresh marks. What the same client
//! measures against it is the floor: the loopback, hyper, and the load generator itself.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::ask::{Dialect, Script};
use crate::clock::{Clock, MARK_BYTES, Marks};

/// Which recording a request gets.
type Key = (Dialect, bool, &'static str);

/// An answer as it was once given, in pieces that hold one event each.
#[derive(Debug, Clone)]
struct Recording {
    content_type: String,
    pieces: Vec<Bytes>,
    gap: Duration,
}

struct Shared {
    recordings: HashMap<Key, Arc<Recording>>,
    clock: Clock,
}

/// Collects answers, then serves them.
pub(crate) struct Recorder {
    shared: Shared,
}

impl Recorder {
    /// Knows no answer yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { shared: Shared { recordings: HashMap::new(), clock } }
    }

    /// Remembers the answer to such requests.
    pub(crate) fn add(&mut self, dialect: Dialect, streamed: bool, script: Script, answer: (String, Bytes)) {
        let (content_type, body) = answer;
        let pieces = if streamed { cut(&body, dialect) } else { vec![body] };
        let recording = Recording { content_type, pieces, gap: script.gap };
        self.shared.recordings.insert((dialect, streamed, script.model), Arc::new(recording));
    }

    /// Serves them on a free loopback port.
    pub(crate) async fn serve(self) -> Result<StandIn> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/v1/chat/completions", post(openai))
            .route("/api/chat", post(ollama))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::new(self.shared));
        let listener = listener.tap_io(|socket| {
            // Without it the figures would be worse, not wrong.
            let _unset = socket.set_nodelay(true);
        });
        let mut server = JoinSet::new();
        server.spawn(async move {
            let _never = axum::serve(listener, router).await;
        });
        Ok(StandIn { address, _server: server })
    }
}

/// The running stand-in; dropping it ends it.
#[derive(Debug)]
pub(crate) struct StandIn {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

#[derive(Deserialize)]
struct Asked {
    model: String,
    stream: bool,
}

async fn openai(State(shared): State<Arc<Shared>>, Json(asked): Json<Asked>) -> Response {
    answer(&shared, Dialect::OpenAi, &asked)
}

async fn ollama(State(shared): State<Arc<Shared>>, Json(asked): Json<Asked>) -> Response {
    answer(&shared, Dialect::Ollama, &asked)
}

fn answer(shared: &Shared, dialect: Dialect, asked: &Asked) -> Response {
    let key = Script::of(&asked.model).map(|script| (dialect, asked.stream, script.model));
    let Some(recording) = key.and_then(|key| shared.recordings.get(&key)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(header::CONTENT_TYPE, recording.content_type.clone())];
    let clock = shared.clock;
    if let [whole] = &recording.pieces[..] {
        return (headers, fresh(whole, clock)).into_response();
    }
    let pieces = stream::unfold((Arc::clone(recording), 0), move |(recording, index)| async move {
        let piece = recording.pieces.get(index)?;
        if !recording.gap.is_zero() && marks_in(piece) > 0 {
            tokio::time::sleep(recording.gap).await;
        }
        let piece = fresh(piece, clock);
        Some((Ok::<_, Infallible>(piece), (recording, index + 1)))
    });
    (headers, Body::from_stream(pieces)).into_response()
}

/// The piece with every mark saying now.
fn fresh(piece: &Bytes, clock: Clock) -> Bytes {
    let mut copy = BytesMut::from(&piece[..]);
    let mark = clock.mark();
    let mut from = 0;
    while let Some(window) = copy.get(from..from + MARK_BYTES) {
        let is_mark = window[0] == b'@' && marks_in(window) == 1;
        if is_mark {
            copy[from..from + MARK_BYTES].copy_from_slice(mark.as_bytes());
        }
        from += if is_mark { MARK_BYTES } else { 1 };
    }
    copy.freeze()
}

fn marks_in(piece: &[u8]) -> usize {
    Marks::default().scan(piece, |_| {})
}

/// A streamed body, cut after each event.
fn cut(body: &Bytes, dialect: Dialect) -> Vec<Bytes> {
    let separator: &[u8] = match dialect {
        Dialect::OpenAi => b"\n\n",
        Dialect::Ollama => b"\n",
    };
    let mut rest = body.clone();
    let mut pieces = Vec::new();
    while let Some(at) = rest.windows(separator.len()).position(|window| window == separator) {
        pieces.push(rest.split_to(at + separator.len()));
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{History, PACED, PLAIN, TWENTY, ask};
    use crate::connection::{Ask, Connection};
    use crate::load::{Pattern, drive};

    fn events(clock: Clock, count: usize) -> (String, Bytes) {
        let event = |_| format!("data: {{\"content\":\"{} \"}}\n\n", clock.mark());
        let body: String = (0..count).map(event).collect();
        ("text/event-stream".to_owned(), Bytes::from(body + "data: [DONE]\n\n"))
    }

    async fn stand_in(clock: Clock) -> StandIn {
        let mut recorder = Recorder::new(clock);
        let plain = format!("{{\"content\":\"{}\",\"finish_reason\":\"stop\"}}", clock.mark());
        recorder.add(Dialect::OpenAi, false, PLAIN, ("application/json".to_owned(), plain.into()));
        recorder.add(Dialect::OpenAi, true, TWENTY, events(clock, 20));
        recorder.add(Dialect::OpenAi, true, PACED, events(clock, 20));
        recorder.serve().await.unwrap()
    }

    #[tokio::test]
    async fn a_recording_is_sent_again_with_fresh_marks() {
        let clock = Clock::start();
        let stand_in = stand_in(clock).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut connection = Connection::open(stand_in.address, clock).await.unwrap();
        for (script, streamed) in [(PLAIN, false), (TWENTY, true), (PACED, true)] {
            let ask = ask(Dialect::OpenAi, script, streamed, History::Short);
            let taken = connection.exchange(&ask).await.unwrap();
            assert_eq!(taken.deltas.len(), script.deltas);
            assert!(taken.deltas.iter().all(|latency| *latency <= taken.whole), "{script:?}");
            assert!(taken.whole >= script.gap * 19 && taken.first <= taken.whole);
        }
    }

    #[tokio::test]
    async fn both_patterns_send_every_request_once() {
        let clock = Clock::start();
        let stand_in = stand_in(clock).await;
        let ask = ask(Dialect::OpenAi, TWENTY, true, History::Short);
        for pattern in [Pattern::Closed(3), Pattern::Open(1_000)] {
            let outcome = drive(stand_in.address, &ask, pattern, 50, clock).await;
            assert_eq!((outcome.errors, outcome.error.as_deref()), (0, None));
            assert_eq!((outcome.whole.len(), outcome.deltas.len()), (50, 1_000));
            assert!(!outcome.wall.is_zero());
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_not_whole_is_an_error() {
        let clock = Clock::start();
        let stand_in = stand_in(clock).await;
        let too_many = Ask { deltas: 21, ..ask(Dialect::OpenAi, TWENTY, true, History::Short) };
        let unknown = ask(Dialect::Ollama, TWENTY, true, History::Short);
        for ask in [too_many, unknown] {
            let outcome = drive(stand_in.address, &ask, Pattern::Closed(1), 2, clock).await;
            assert_eq!((outcome.errors, outcome.whole.len()), (2, 0));
            assert!(outcome.error.is_some());
        }
    }
}

//! One connection: from the request to join to its end.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderName, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use futures_util::{
    Sink, SinkExt, Stream, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tracing::{Instrument, debug, info, info_span};
use wormhole_protocol::{
    CLOSE_GOING_AWAY, CLOSE_REPLACED, FromHub, FromPeer, MAX_FRAME_BYTES, PeerId, Role, decode, encode,
};
use wormhole_runtime::{CancellationToken, Lifecycle};

use crate::{
    auth::{Refusal, authorise},
    core::{Gone, PeerKey, protocol_error},
    hub::{Hub, Joined},
    join::introduction,
    metrics::word,
    outbox::{Close, Item, Next, Outbox},
};

/// How long a peer may take to answer a close.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// RFC 6455: a message was too big.
const CLOSE_TOO_BIG: u16 = 1009;

/// The most bytes a close frame's reason may have (RFC 6455, 5.5).
const MAX_REASON_BYTES: usize = 123;

/// What a request to join needs.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) hub: Arc<Hub>,
    /// One for each connection that may be open.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) lifecycle: Lifecycle,
}

/// A request to join.
pub(crate) async fn upgrade(
    State(door): State<Door>,
    headers: HeaderMap,
    ws: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Door { hub, places, lifecycle } = door;
    let role = match authorise(&headers, &hub.config) {
        Ok(role) => role,
        Err(refusal) => return refuse(&hub, refusal),
    };
    let ws = match ws {
        Ok(ws) => ws,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(place) = places.try_acquire_owned() else { return refuse(&hub, Refusal::Full) };
    let ws = ws.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES);
    ws.on_upgrade(move |socket| {
        // axum runs this in a task that nobody waits for, so the connection gets one of the lifecycle's.
        let tokens = (lifecycle.soft(), lifecycle.hard());
        lifecycle.spawn_transient("hub peer", async move {
            connection(socket, hub, role, tokens).await;
            drop(place);
        });
        std::future::ready(())
    })
}

fn refuse(hub: &Hub, refusal: Refusal) -> Response {
    hub.metrics.refused(refusal);
    info!(reason = refusal.as_str(), "request to join refused");
    match refusal {
        Refusal::Origin => (StatusCode::FORBIDDEN, "no web page may join\n").into_response(),
        Refusal::Token => {
            (StatusCode::UNAUTHORIZED, "a bearer token of this hub is needed\n").into_response()
        }
        Refusal::Full => {
            let retry: [(HeaderName, &str); 1] = [(RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, retry, "too many connections are open\n").into_response()
        }
    }
}

async fn connection(
    socket: WebSocket,
    hub: Arc<Hub>,
    granted: Role,
    (soft, hard): (CancellationToken, CancellationToken),
) {
    let (mut sink, mut stream) = socket.split();
    let introduced = tokio::select! {
        introduced = introduction(&mut stream, granted, hub.config.hello_within) => introduced,
        () = soft.cancelled() => Err((Gone::Drained, going_away())),
    };
    let introduced = match introduced {
        Ok(introduced) => introduced,
        Err((gone, close)) => {
            hub.metrics.never_joined(gone);
            info!(reason = gone.as_str(), close = close.code, why = close.reason, "connection never joined");
            end(&mut sink, &mut stream, close).await;
            return;
        }
    };
    let id = peer_id(introduced.role);
    let span = info_span!("peer", peer.id = %id, peer.name = introduced.name);
    let Joined { key, outbox } = hub.join(id, introduced);
    serve(sink, stream, &hub, key, &outbox, &hard).instrument(span).await;
}

/// A name for one connection, unlike any other hub's.
fn peer_id(role: Role) -> PeerId {
    let random = uuid::Uuid::new_v4().simple().to_string();
    PeerId::new(format!("{}-{}", word(role), random.get(..12).unwrap_or(&random)))
}

/// Reads and writes until either ends, then takes the peer out.
async fn serve(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    hub: &Hub,
    key: PeerKey,
    outbox: &Outbox,
    hard: &CancellationToken,
) {
    let gone = tokio::select! {
        gone = read(&mut stream, hub, key, outbox) => gone,
        gone = write(&mut sink, hub, outbox) => gone,
        () = outbox.overflow().cancelled() => Gone::Slow,
        () = hard.cancelled() => Gone::Drained,
    };
    hub.leave(key, gone);
    match gone {
        Gone::Drained => end(&mut sink, &mut stream, going_away()).await,
        Gone::Replaced => {
            let reason = "a newer connection speaks for this account".to_owned();
            end(&mut sink, &mut stream, Close { code: CLOSE_REPLACED, reason }).await;
        }
        Gone::Oversized => {
            let reason = format!("a frame may have {MAX_FRAME_BYTES} bytes");
            end(&mut sink, &mut stream, Close { code: CLOSE_TOO_BIG, reason }).await;
        }
        // It has closed, or would not read what we say.
        _ => {}
    }
}

/// Takes the peer's frames until there are no more.
async fn read(stream: &mut SplitStream<WebSocket>, hub: &Hub, key: PeerKey, outbox: &Outbox) -> Gone {
    loop {
        let message = match timeout(hub.config.dead_after, stream.next()).await {
            Err(_) => return Gone::Silent,
            Ok(None) => return Gone::Left,
            Ok(Some(Err(error))) => return broken(&error),
            Ok(Some(Ok(message))) => message,
        };
        let complaint = match message {
            Message::Text(text) => match decode::<FromPeer>(text.as_bytes()) {
                Ok(frame) => {
                    hub.frame(key, frame);
                    continue;
                }
                Err(error) => error.to_string(),
            },
            Message::Binary(_) => "frames are text".to_owned(),
            // The WebSocket answers pings and closes by itself; the end of the stream follows a close.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
        };
        debug!(why = complaint, "frame could not be understood");
        hub.metrics.bad_frame();
        outbox.push(FromHub::Error(protocol_error(complaint)));
    }
}

/// What a read error says of the peer.
pub(crate) fn broken(error: &axum::Error) -> Gone {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        // axum does not export tungstenite's type, whose words these are.
        if error.to_string().starts_with("Space limit exceeded") {
            return Gone::Oversized;
        }
        source = error.source();
    }
    Gone::Left
}

/// Writes what waits, and pings, until the connection is to be closed or cannot be written to.
async fn write(sink: &mut SplitSink<WebSocket, Message>, hub: &Hub, outbox: &Outbox) -> Gone {
    let heartbeat = hub.config.heartbeat;
    let mut ping = interval_at(Instant::now() + heartbeat, heartbeat);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch: Vec<Item> = Vec::new();
    loop {
        let writing = tokio::select! {
            next = outbox.next(&mut batch) => match next {
                Next::Batch => timeout(hub.config.dead_after, write_batch(sink, &mut batch)).await,
                Next::Close(Close { code: CLOSE_GOING_AWAY, .. }) => return Gone::Drained,
                Next::Close(_) => return Gone::Replaced,
            },
            _ = ping.tick() => timeout(hub.config.dead_after, sink.send(Message::Ping("".into()))).await,
        };
        match writing {
            Err(_) => return Gone::Slow,
            Ok(Err(_)) => return Gone::Left,
            Ok(Ok(())) => {}
        }
    }
}

async fn write_batch(
    sink: &mut SplitSink<WebSocket, Message>,
    batch: &mut Vec<Item>,
) -> Result<(), axum::Error> {
    for item in batch.drain(..) {
        sink.feed(Message::Text(encode(item.frame()).into())).await?;
    }
    sink.flush().await
}

/// Closes, and waits a little for the peer's answer, so that the close arrives before the socket is gone.
async fn end(
    sink: &mut (impl Sink<Message> + Unpin),
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    close: Close,
) {
    let mut reason = close.reason;
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    let frame = CloseFrame { code: close.code, reason: reason.into() };
    let closing = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A peer that does not answer is left where it is.
    let _ = timeout(CLOSE_WAIT, closing).await;
}

pub(crate) fn going_away() -> Close {
    Close { code: CLOSE_GOING_AWAY, reason: "the hub is going down".to_owned() }
}

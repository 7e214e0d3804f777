//! One WebSocket of a page: from its first message to its end.

use std::error::Error;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use wormhole_protocol::{CLOSE_MALFORMED, CLOSE_REPLACED, CLOSE_UNAUTHORISED};
use wormhole_runtime::CancellationToken;

use super::PageDoor;
use super::door::{Join, Joined};
use super::line::Unheard;
use super::metrics::Entry;
use crate::tab::TabError;

/// How long a page may take to say who it is.
const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// How often a page is asked whether it is there, and how long it may be silent.
const PING: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(45);

/// How long the page's side of a socket may be full, or take to answer a close.
const WRITE: Duration = Duration::from_secs(10);
const CLOSE: Duration = Duration::from_secs(2);

/// How long a document whose socket broke is waited for: longer than its script tries (`SOCKET_WITHIN`).
const REJOIN: Duration = Duration::from_secs(8);

/// How long to wait for a better reason why a document is gone: it follows at once or never.
const REASON: Duration = Duration::from_millis(300);

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;

/// Why a socket is done with.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The script has closed it, as it does when its document is left, or Chromium for a document that is no more.
    Left,
    /// It broke; the page may come by another.
    Broken,
    /// The page came by another already, or the line is over.
    Replaced,
    /// The page said what it may not.
    Refused(Entry),
    /// The browser or the bridge ends.
    Ended,
}

/// Serves one socket until it is done with.
pub(super) async fn serve(socket: WebSocket, door: &PageDoor, hard: &CancellationToken) {
    let (mut sink, mut stream) = socket.split();
    let introduced = tokio::select! {
        introduced = timeout(JOIN_WITHIN, introduction(&mut stream)) => introduced.unwrap_or(Err(Entry::Malformed)),
        () = hard.cancelled() => return,
    };
    let joined = match introduced.and_then(|join| door.join(join)) {
        Ok(joined) => joined,
        Err(entry) => {
            door.count(entry);
            close(&mut sink, &mut stream, entry).await;
            return;
        }
    };
    let end = tokio::select! {
        end = write(&mut sink, &joined) => end,
        end = read(&mut stream, &joined) => end,
        () = joined.ended.cancelled() => End::Ended,
        () = hard.cancelled() => End::Ended,
    };
    match end {
        End::Replaced | End::Ended => {}
        End::Left => joined.await_reason().await,
        End::Refused(entry) => {
            door.count(entry);
            joined.give_up();
            close(&mut sink, &mut stream, entry).await;
        }
        End::Broken => {
            // Whoever waits for another socket holds on to none.
            drop((sink, stream));
            joined.await_another(hard).await;
        }
    }
}

async fn introduction(stream: &mut Stream) -> Result<Join, Entry> {
    match stream.next().await {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).map_err(|_| Entry::Malformed),
        Some(Err(error)) if is_oversized(&error) => Err(Entry::Oversized),
        _ => Err(Entry::Malformed),
    }
}

async fn read(stream: &mut Stream, joined: &Joined) -> End {
    loop {
        let text = match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Close(Some(frame))))) => return closed(frame.code),
            Ok(Some(Ok(Message::Binary(_)))) => return End::Refused(Entry::Malformed),
            // The WebSocket answers pings by itself.
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Err(error))) if is_oversized(&error) => return End::Refused(Entry::Oversized),
            _ => return End::Broken,
        };
        match joined.line.hear(joined.socket, &text, &joined.shared) {
            Ok(()) => {}
            Err(Unheard::Replaced) => return End::Replaced,
            Err(Unheard::Malformed) => return End::Refused(Entry::Malformed),
        }
    }
}

fn closed(code: u16) -> End {
    match code {
        close_code::NORMAL | close_code::AWAY => End::Left,
        _ => End::Broken,
    }
}

async fn write(sink: &mut Sink, joined: &Joined) -> End {
    let welcome = serde_json::json!({ "heard": joined.heard }).to_string();
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut given = joined.taken;
    let mut message = Message::Text(welcome.into());
    loop {
        if !matches!(timeout(WRITE, sink.send(message)).await, Ok(Ok(()))) {
            return End::Broken;
        }
        message = tokio::select! {
            next = joined.line.next(joined.socket, given) => match next {
                Some(text) => {
                    given += 1;
                    Message::Text(text)
                }
                None => return End::Replaced,
            },
            _ = ping.tick() => Message::Ping("".into()),
        };
    }
}

impl Joined {
    /// The document is gone, and everything that ran in it.
    fn give_up(&self) {
        self.line.end();
        self.shared.lose_named(self.line.doc(), TabError::ContextLost);
    }

    /// The document is gone: a crash, a closed tab or the browser's end are told by others, and are the better reason.
    async fn await_reason(&self) {
        self.line.end();
        let _ = timeout(REASON, self.ended.cancelled()).await;
        self.give_up();
    }

    /// The socket broke: the page has a little time to come by another.
    async fn await_another(&self, hard: &CancellationToken) {
        self.line.drop_socket(self.socket);
        tokio::select! {
            again = timeout(REJOIN, self.line.carried_again()) => if again.is_err() {
                tracing::warn!("the page's WebSocket broke, and it did not come by another");
                self.give_up();
            },
            () = self.ended.cancelled() => {}
            () = hard.cancelled() => {}
        }
    }
}

/// Closes, and waits a little for the page's answer, so that the close arrives before the socket is gone.
async fn close(sink: &mut Sink, stream: &mut Stream, entry: Entry) {
    let (code, reason) = match entry {
        Entry::Token => (CLOSE_UNAUTHORISED, "not the token of this browser"),
        Entry::Busy => (CLOSE_REPLACED, "another document is there"),
        Entry::Oversized => (close_code::SIZE, "the message is too large"),
        _ => (CLOSE_MALFORMED, "nobody understands this"),
    };
    let closing = async {
        if sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    // A page that does not answer is left where it is.
    let _ = timeout(CLOSE, closing).await;
}

fn is_oversized(error: &axum::Error) -> bool {
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(error) = source {
        // axum does not export tungstenite's type, whose words these are.
        if error.to_string().starts_with("Space limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}

//! One viewer: what they are shown, and what they do.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::{Notify, mpsc},
    time::{interval, timeout},
};

use super::{
    Desk,
    seats::Seat,
    sessions::Signed,
    wire::{Tell, Want},
};

/// A viewer that takes nothing for so long is gone.
const SEND: Duration = Duration::from_secs(10);

/// How often a viewer is asked whether it is there, and how long it may be silent.
const PING: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(45);

/// Notes that wait to be shown; one more is not shown, as the first ones say enough.
const NOTES: usize = 8;

/// Why a viewer's time is over.
struct Over(u16, &'static str);

type Sink = SplitSink<WebSocket, Message>;

/// What both directions of one viewer share.
struct Viewer {
    desk: Arc<Desk>,
    seat: Seat,
    /// The last picture was shown.
    seen: Notify,
    notes: mpsc::Sender<String>,
}

/// Serves one viewer until it leaves, is signed out, or the drain begins.
pub(super) async fn serve(desk: Arc<Desk>, mut socket: WebSocket, signed: Signed) {
    let Some(seat) = desk.seats.enter() else {
        let why = "too many look at this already";
        drop(timeout(SEND, socket.send(close(close_code::AGAIN, why))).await);
        return;
    };
    let soft = desk.lifecycle.soft();
    let (notes, waiting) = mpsc::channel(NOTES);
    let viewer = Viewer { desk, seat, seen: Notify::new(), notes };
    let (mut sink, stream) = socket.split();
    let over = tokio::select! {
        () = soft.cancelled() => Over(close_code::AWAY, "the bridge is going down"),
        () = signed.over() => Over(close_code::POLICY, "signed out"),
        over = viewer.tell(&mut sink, waiting) => over,
        over = viewer.hear(stream) => over,
    };
    drop(timeout(SEND, sink.send(close(over.0, over.1))).await);
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

impl Viewer {
    async fn tell(&self, sink: &mut Sink, mut waiting: mpsc::Receiver<String>) -> Over {
        let mut status = self.desk.session.status();
        let mut running = self.desk.running.watch();
        let mut seating = self.desk.seats.seating();
        let mut pages = self.desk.stage.pages();
        let mut picture = self.desk.stage.picture();
        // What there is now counts as news.
        status.mark_changed();
        seating.mark_changed();
        pages.mark_changed();
        picture.mark_changed();
        let mut pings = interval(PING);
        let mut may_show = true;
        loop {
            let message = tokio::select! {
                Ok(()) = status.changed() => self.report(),
                Ok(()) = running.changed() => self.report(),
                Ok(()) = seating.changed() => {
                    let seating = seating.borrow_and_update().clone();
                    text(&Tell::Seats {
                        viewers: seating.count(),
                        yours: self.seat.held_in(&seating),
                        held: seating.is_held(),
                    })
                }
                Ok(()) = pages.changed() => text(&Tell::Pages { pages: pages.borrow_and_update().clone() }),
                Some(note) = waiting.recv() => text(&Tell::Note { text: note }),
                () = self.seen.notified() => {
                    may_show = true;
                    continue;
                }
                Ok(()) = picture.changed(), if may_show => {
                    let picture = picture.borrow_and_update().clone();
                    // An empty picture tells that there is nothing to see, and is not answered.
                    may_show = picture.is_none();
                    Message::Binary(picture.unwrap_or_default())
                }
                _ = pings.tick() => Message::Ping(axum::body::Bytes::new()),
            };
            if !matches!(timeout(SEND, sink.send(message)).await, Ok(Ok(()))) {
                return Over(close_code::AWAY, "nobody takes what is shown");
            }
        }
    }

    fn report(&self) -> Message {
        text(&Tell::Status(Box::new(self.desk.report())))
    }

    /// One thing after the other: a viewer that sends faster than the page takes waits in its own socket.
    async fn hear(&self, mut stream: SplitStream<WebSocket>) -> Over {
        loop {
            match timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    let Ok(want) = serde_json::from_str(&text) else {
                        return Over(close_code::PROTOCOL, "this is not understood");
                    };
                    self.obey(want).await;
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(Message::Binary(_)))) => {
                    return Over(close_code::UNSUPPORTED, "only text is understood");
                }
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Over(close_code::NORMAL, ""),
                Err(_) => return Over(close_code::AWAY, "nothing was heard"),
            }
        }
    }

    async fn obey(&self, want: Want) {
        match want {
            Want::Seen => self.seen.notify_one(),
            Want::Look { on } => self.seat.look(on),
            Want::TakeControl => {
                tracing::info!("somebody at the console takes the control");
                self.seat.take_control();
            }
            // Somebody else has taken it a moment ago; the page has been told.
            _ if !self.seat.holds() => {}
            want => {
                if let Err(why) = self.desk.act(want).await {
                    // A full queue holds the same words already.
                    let _ = self.notes.try_send(why);
                }
            }
        }
    }
}

fn text(tell: &Tell) -> Message {
    let json = serde_json::to_string(tell).expect("strings, numbers and lists become JSON");
    Message::text(json)
}

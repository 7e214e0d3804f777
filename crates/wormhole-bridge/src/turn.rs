//! One turn: posts the text to the site and streams the answer back to the hub.
//!
//! What is known of the posting ([`Posted`]) is the heart of it: a turn whose POST may have reached the site is never
//! given to another page, and one that certainly did not may be.

mod answer;
mod api;
mod dom;
mod fail;
mod images;
mod post;
mod refresh;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wormhole_client::{LinkLost, ReplyWriter};
use wormhole_protocol::{Body, ConversationRef, Failure, FailureCode, Finish, Post, Posted};

pub(crate) use self::refresh::ModelRefresh;
use crate::{
    calls::Caller,
    diagnostics::Diagnostics,
    metrics::Metrics,
    running::Runner,
    session::{Live, Session},
    site::Profile,
    tab::FetchReply,
};

/// How long a stream may stay open after its answer is over.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// What every turn needs.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) caller: Caller,
    pub(crate) session: Session,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) refresh: ModelRefresh,
    pub(crate) diagnostics: Diagnostics,
    /// The process is to end now.
    pub(crate) hard: CancellationToken,
}

impl Desk {
    fn site(&self) -> &Arc<Profile> {
        self.caller.site()
    }
}

/// How a turn ended without a reply that is whole.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The hub is told why.
    Failed(Box<Failure>),
    /// The hub is gone, and whoever waited with it.
    HubLost,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<LinkLost> for Broken {
    fn from(_: LinkLost) -> Self {
        Self::HubLost
    }
}

/// What is known of the posting, seen from outside the future that posts.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

impl Progress {
    /// The POST is about to leave: from here on nobody can tell.
    pub(crate) fn leaves(&self) {
        self.0.store(1, Ordering::SeqCst);
    }

    /// The site took the message.
    pub(crate) fn accepted(&self) {
        self.0.store(2, Ordering::SeqCst);
    }

    pub(crate) fn posted(&self) -> Posted {
        match self.0.load(Ordering::SeqCst) {
            0 => Posted::No,
            1 => Posted::Unknown,
            _ => Posted::Yes,
        }
    }
}

/// A reply that is whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) finish: Finish,
    pub(crate) bytes: u64,
    pub(crate) conversation: Option<ConversationRef>,
    /// Its stream, if it has one: there may be a last breath in it.
    pub(crate) rest: Option<FetchReply>,
}

/// Runs one turn to its end, and tells the hub.
pub(crate) async fn run(desk: Arc<Desk>, post: Box<Post>, mut writer: ReplyWriter, runner: Runner) {
    let progress = Progress::default();
    let ended = until_stopped(&desk, &post, &mut writer, &runner, &progress).await;
    let code = match &ended {
        Ok(_) => None,
        Err(Broken::Failed(failure)) => Some(failure.code),
        Err(Broken::HubLost) => Some(FailureCode::HubLost),
    };
    desk.metrics.turn_ended(code);
    match &ended {
        Ok(_) => desk.diagnostics.turn_answered(),
        // The words of this code are our own: they name the call and the field.
        Err(Broken::Failed(failure)) if failure.code == FailureCode::SiteChanged => {
            desk.diagnostics.turn_broke(&failure.message);
        }
        Err(_) => {}
    }
    // Messages of failures may hold the site's own words, so the log gets the code alone.
    let outcome = code.map_or("done", FailureCode::as_str);
    tracing::info!(turn.id = %post.turn, turn.attempt = post.attempt, trace = post.trace, outcome, "the turn has ended");
    let (end, rest) = match ended {
        Ok(Whole { finish, bytes, conversation, rest }) => (Body::Done { finish, conversation, bytes }, rest),
        Err(Broken::Failed(failure)) => (Body::Failed(*failure), None),
        Err(Broken::HubLost) => return,
    };
    // The place is free before the hub can know that the turn has ended, and send the next.
    drop(runner);
    if writer.send(end).await.is_err() {
        tracing::debug!(turn.id = %post.turn, "the hub went before it could be told of the turn's end");
    }
    if let Some(mut rest) = rest {
        // To drop the stream now would look like a hang-up to a site that is just closing it.
        let _ = timeout(LAST_BREATH, async { while let Some(Ok(_)) = rest.chunk().await {} }).await;
    }
}

/// The turn itself, under everything that may end it from outside.
async fn until_stopped(
    desk: &Arc<Desk>,
    post: &Post,
    writer: &mut ReplyWriter,
    runner: &Runner,
    progress: &Progress,
) -> Result<Whole, Broken> {
    let place = desk.session.place()?;
    let Live { gone, .. } = place.live.clone();
    let deadline = Duration::from_millis(post.deadline_ms).min(desk.site().timeouts.total);
    let fail = |code, message: &str| Err(Failure::new(code, progress.posted(), message).into());
    let turn = Box::pin(post::post_and_read(desk, &place, post, writer, progress));
    tokio::select! {
        biased;
        () = runner.stop.cancelled() => fail(FailureCode::Cancelled, "the turn was cancelled"),
        () = desk.hard.cancelled() => fail(FailureCode::PageLost, "the bridge is going down"),
        () = gone.cancelled() => fail(FailureCode::PageLost, "the browser went down in the middle of the turn"),
        ended = timeout(deadline, turn) => match ended {
            Ok(ended) => ended,
            Err(_) => fail(FailureCode::Deadline, "the turn's time is over"),
        },
    }
}

//! The core driven by hand: peers are outboxes that the test empties, time is what the test says.

use std::{sync::Arc, time::Duration};

use wormhole_protocol::{
    Body, ConversationRef, Directory, Event, Failure, FailureCode, Finish, FromHub, FromPeer, Limits,
    ModelInfo, PageHello, PageState, PeerId, Post, Posted, Status, Submit, TurnId, Welcome,
};

use super::{Core, Gone, Joining, Note, PeerKey, Rules, Stale};
use crate::outbox::{Close, Next, Outbox};

mod ends;
mod holding;
mod property;
mod queueing;
mod replies;
mod routing;

/// A core and its clock.
struct Desk {
    core: Core,
    now: std::time::Instant,
}

/// A joined peer, and what it was sent.
#[derive(Clone)]
struct Peer {
    key: PeerKey,
    outbox: Arc<Outbox>,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules::default();
        change(&mut rules);
        Self { core: Core::new(rules), now: std::time::Instant::now() }
    }

    fn join(&mut self, page: Option<PageHello>) -> Peer {
        let outbox = Arc::new(Outbox::new(usize::MAX));
        let peer = PeerId::new("peer");
        let welcome =
            FromHub::Welcome(Welcome { protocol: 1, peer: peer.clone(), limits: Limits::default() });
        let joining = Joining {
            peer,
            name: String::new(),
            version: String::new(),
            page,
            welcome,
            outbox: Arc::clone(&outbox),
        };
        Peer { key: self.core.join(joining, self.now), outbox }
    }

    /// A sender that has read what it is told on joining.
    fn sender(&mut self) -> Peer {
        let sender = self.join(None);
        assert!(matches!(&*sender.read_all(), [FromHub::Welcome(_), FromHub::Directory(_)]));
        sender
    }

    /// A page that has read its welcome.
    fn page(&mut self, hello: PageHello) -> Peer {
        let page = self.join(Some(hello));
        assert!(matches!(&*page.read(), [FromHub::Welcome(_)]));
        page
    }

    fn say(&mut self, peer: &Peer, frame: FromPeer) {
        self.core.frame(peer.key, frame, self.now);
    }

    fn submit(&mut self, sender: &Peer, submit: Submit) {
        self.say(sender, FromPeer::Submit(Box::new(submit)));
    }

    fn cancel(&mut self, sender: &Peer, turn: &str) {
        self.say(sender, FromPeer::Cancel { turn: TurnId::new(turn) });
    }

    fn leave(&mut self, peer: &Peer) {
        self.core.leave(peer.key, Gone::Left, self.now);
    }

    fn event(&mut self, page: &Peer, turn: &str, attempt: u32, seq: u64, body: Body) {
        self.say(page, FromPeer::Event(Event { turn: TurnId::new(turn), attempt, seq, body }));
    }

    /// A whole reply to the first attempt.
    fn answer(&mut self, page: &Peer, turn: &str) {
        self.event(page, turn, 1, 0, accepted());
        self.event(page, turn, 1, 1, text("hi"));
        self.event(page, turn, 1, 2, done(2));
    }

    fn state(&mut self, page: &Peer, state: PageState, detail: &str) {
        let status = Status { state, detail: detail.to_owned(), models: None, capacity: None };
        self.say(page, FromPeer::Status(status));
    }

    /// Lets time pass, with a tick at each time that is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.core.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.core.tick(self.now);
        }
        self.now = end;
    }

    /// Reasons of events dropped since this was last asked.
    fn stale(&mut self) -> Vec<Stale> {
        let notes = self.core.take_notes();
        notes
            .into_iter()
            .filter_map(|note| if let Note::Stale { reason, .. } = note { Some(reason) } else { None })
            .collect()
    }
}

impl Peer {
    /// Everything that waits for it, directories left out: they come whenever a page changes.
    fn read(&self) -> Vec<FromHub> {
        self.read_all().into_iter().filter(|frame| !matches!(frame, FromHub::Directory(_))).collect()
    }

    fn read_all(&self) -> Vec<FromHub> {
        let (mut frames, mut batch) = (Vec::new(), Vec::new());
        while self.outbox.take(&mut batch) == Some(Next::Batch) {
            frames.extend(batch.drain(..).map(|item| item.frame().clone()));
        }
        frames
    }

    /// The posts among everything that waits for it.
    fn posts(&self) -> Vec<Post> {
        let posts = self.read().into_iter();
        posts.filter_map(|frame| if let FromHub::Post(post) = frame { Some(*post) } else { None }).collect()
    }

    fn posted_turns(&self) -> Vec<String> {
        self.posts().into_iter().map(|post| post.turn.to_string()).collect()
    }

    /// The only frame that waits for it, which must be a turn's failure.
    fn failure(&self, turn: &str) -> Failure {
        let failures = self.failures();
        let [(failed, failure)] = &*failures else { panic!("not one failure: {failures:?}") };
        assert_eq!(failed, turn);
        failure.clone()
    }

    /// The failures among everything that waits for it.
    fn failures(&self) -> Vec<(String, Failure)> {
        let failure = |frame| match frame {
            FromHub::Event(Event { turn, body: Body::Failed(failure), .. }) => {
                Some((turn.to_string(), failure))
            }
            _ => None,
        };
        self.read().into_iter().filter_map(failure).collect()
    }

    fn closed_with(&self) -> Option<u16> {
        self.read();
        match self.outbox.take(&mut Vec::new()) {
            Some(Next::Close(Close { code, .. })) => Some(code),
            _ => None,
        }
    }
}

fn hello(account: &str, capacity: u32) -> PageHello {
    PageHello {
        site: "site".to_owned(),
        account: account.to_owned(),
        capacity,
        gap_ms: 0,
        state: PageState::Ready,
        detail: String::new(),
        models: vec![model("m")],
    }
}

fn model(name: &str) -> ModelInfo {
    ModelInfo { name: name.to_owned(), label: None, provider: None, images: false }
}

fn turn(id: &str) -> Submit {
    turn_of(id, "caller")
}

fn turn_of(id: &str, caller: &str) -> Submit {
    Submit {
        turn: TurnId::new(id),
        caller: caller.to_owned(),
        model: "m".to_owned(),
        site: None,
        account: None,
        conversation: None,
        text: format!("prompt of {id}"),
        images: Vec::new(),
        deadline_ms: 600_000,
        trace: None,
    }
}

fn accepted() -> Body {
    Body::Accepted { conversation: None, account: "a".to_owned() }
}

fn text(delta: &str) -> Body {
    Body::Text { delta: delta.to_owned() }
}

fn done(bytes: u64) -> Body {
    Body::Done { finish: Finish::Stop, conversation: None, bytes }
}

fn failed(code: FailureCode, posted: Posted) -> Body {
    Body::Failed(Failure::new(code, posted, "the page says so"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

//! Whatever happens in whatever order: no reply is crossed, no turn is posted twice without leave, no capacity is
//! exceeded, and every turn ends exactly once.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};

use super::*;

const PAGES: usize = 3;
const SENDERS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Join {
        slot: usize,
        capacity: u32,
    },
    Lose {
        slot: usize,
    },
    /// The page's connection reads what waits for it.
    Read {
        slot: usize,
    },
    /// The page says something of one of the posts that it ever read.
    Say {
        slot: usize,
        post: prop::sample::Index,
        what: Saying,
    },
    State {
        slot: usize,
        state: PageState,
    },
    Submit {
        sender: usize,
        caller: u8,
        account: Option<usize>,
    },
    Cancel {
        sender: usize,
        turn: prop::sample::Index,
    },
    SenderLost {
        sender: usize,
    },
    SenderReads {
        sender: usize,
    },
    Pass {
        millis: u64,
    },
}

#[derive(Debug, Clone)]
enum Saying {
    Accepted,
    Text,
    Reasoning,
    Done,
    Failed {
        code: FailureCode,
        posted: Posted,
    },
    /// The last event once more.
    Again,
    /// An event that skips a number.
    Gap,
}

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..PAGES;
    let sender = 0..SENDERS;
    let index = any::<prop::sample::Index>;
    let state = prop::sample::select(PageState::ALL.to_vec());
    prop_oneof![
        3 => (slot.clone(), 0..4u32).prop_map(|(slot, capacity)| Step::Join { slot, capacity }),
        1 => slot.clone().prop_map(|slot| Step::Lose { slot }),
        6 => slot.clone().prop_map(|slot| Step::Read { slot }),
        16 => (slot.clone(), index(), saying()).prop_map(|(slot, post, what)| Step::Say { slot, post, what }),
        1 => (slot.clone(), state).prop_map(|(slot, state)| Step::State { slot, state }),
        8 => (sender.clone(), 0..3u8, prop::option::weighted(0.3, slot))
            .prop_map(|(sender, caller, account)| Step::Submit { sender, caller, account }),
        2 => (sender.clone(), index()).prop_map(|(sender, turn)| Step::Cancel { sender, turn }),
        1 => sender.clone().prop_map(|sender| Step::SenderLost { sender }),
        3 => sender.prop_map(|sender| Step::SenderReads { sender }),
        3 => (0..15_000u64).prop_map(|millis| Step::Pass { millis }),
    ]
}

fn saying() -> impl Strategy<Value = Saying> {
    let code = prop::sample::select(FailureCode::ALL.to_vec());
    let posted = prop::sample::select(vec![Posted::No, Posted::No, Posted::Unknown, Posted::Yes]);
    prop_oneof![
        4 => Just(Saying::Accepted),
        6 => Just(Saying::Text),
        2 => Just(Saying::Reasoning),
        4 => Just(Saying::Done),
        4 => (code, posted).prop_map(|(code, posted)| Saying::Failed { code, posted }),
        1 => Just(Saying::Again),
        1 => Just(Saying::Gap),
    ]
}

/// A post that a page's connection has read.
struct Held {
    turn: String,
    attempt: u32,
    seq: u64,
    bytes: u64,
    /// It has said that the site has the message, or has said its end.
    committed: bool,
}

/// What a sender has seen of a turn.
#[derive(Default)]
struct Seen {
    attempt: u32,
    seq: u64,
    bytes: u64,
    ends: u32,
}

struct World {
    desk: Desk,
    pages: [Option<(Peer, Vec<Held>)>; PAGES],
    senders: [Peer; SENDERS],
    turns: Vec<(String, PeerKey)>,
    /// Turns that were posted and whose page has not said that it did not post them.
    posted: HashMap<String, bool>,
    seen: HashMap<String, Seen>,
}

impl World {
    fn new() -> Self {
        let mut desk = Desk::with(|rules| rules.queue_limit = 8);
        let senders = [desk.sender(), desk.sender()];
        Self {
            desk,
            pages: [const { None }; PAGES],
            senders,
            turns: Vec::new(),
            posted: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Join { slot, capacity } => {
                let page = self.desk.join(Some(hello(&slot.to_string(), capacity)));
                self.pages[slot] = Some((page, Vec::new()));
            }
            Step::Lose { slot } => {
                if let Some((page, _)) = self.pages[slot].take() {
                    self.desk.leave(&page);
                }
            }
            Step::Read { slot } => self.page_reads(slot),
            Step::Say { slot, post, what } => self.page_says(slot, post, &what),
            Step::State { slot, state } => {
                if let Some((page, _)) = &self.pages[slot] {
                    self.desk.state(page, state, "");
                }
            }
            Step::Submit { sender, caller, account } => self.submit(sender, caller, account),
            Step::Cancel { sender, turn } => {
                if !self.turns.is_empty() {
                    let id = turn.get(&self.turns).0.clone();
                    self.desk.cancel(&self.senders[sender], &id);
                }
            }
            Step::SenderLost { sender } => {
                self.sender_reads(sender);
                self.desk.leave(&self.senders[sender]);
                let gone = self.senders[sender].key;
                self.turns.retain(|(_, owner)| *owner != gone);
                self.senders[sender] = self.desk.sender();
            }
            Step::SenderReads { sender } => self.sender_reads(sender),
            Step::Pass { millis } => self.desk.pass(Duration::from_millis(millis)),
        }
        self.check_capacity();
    }

    fn submit(&mut self, sender: usize, caller: u8, account: Option<usize>) {
        let id = format!("<{}>", self.seen.len());
        self.turns.push((id.clone(), self.senders[sender].key));
        self.seen.insert(id.clone(), Seen::default());
        let account = account.map(|slot| slot.to_string());
        let submit = Submit { account, deadline_ms: 60_000, ..turn_of(&id, &caller.to_string()) };
        self.desk.submit(&self.senders[sender], submit);
    }

    fn page_reads(&mut self, slot: usize) {
        let Some((page, held)) = &mut self.pages[slot] else { return };
        for post in page.posts() {
            let turn = post.turn.to_string();
            assert_eq!(post.text, format!("prompt of {turn}"));
            let before = self.posted.insert(turn.clone(), true);
            assert_ne!(before, Some(true), "{turn} was posted and is given out again");
            held.push(Held { turn, attempt: post.attempt, seq: 0, bytes: 0, committed: false });
        }
    }

    fn page_says(&mut self, slot: usize, post: prop::sample::Index, what: &Saying) {
        let Some((page, held)) = &mut self.pages[slot] else { return };
        if held.is_empty() {
            return;
        }
        let index = post.index(held.len());
        let post = &mut held[index];
        let delta = post.turn.clone();
        let (body, bytes) = match what {
            Saying::Accepted | Saying::Again => (accepted(), 0),
            Saying::Text => (text(&delta), delta.len()),
            Saying::Gap => (text(&delta), 0),
            Saying::Reasoning => (Body::Reasoning { delta: delta.clone() }, delta.len()),
            Saying::Done => (done(post.bytes), 0),
            Saying::Failed { code, posted } => (failed(*code, *posted), 0),
        };
        let seq = match what {
            Saying::Again => post.seq.saturating_sub(1),
            Saying::Gap => post.seq + 1,
            _ => post.seq,
        };
        post.seq = post.seq.max(seq + 1);
        post.bytes += bytes as u64;
        let not_posted = matches!(what, Saying::Failed { posted: Posted::No, .. }) && !post.committed;
        if not_posted {
            self.posted.insert(post.turn.clone(), false);
        }
        post.committed = true;
        let (turn, attempt) = (post.turn.clone(), post.attempt);
        let page = page.clone();
        self.desk.event(&page, &turn, attempt, seq, body);
    }

    fn sender_reads(&mut self, sender: usize) {
        let sender = &self.senders[sender];
        for frame in sender.read() {
            let FromHub::Event(Event { turn, attempt, seq, body }) = frame else { continue };
            let owner = self.turns.iter().find(|(id, _)| *id == turn.as_str()).map(|(_, owner)| *owner);
            assert_eq!(owner, Some(sender.key), "{turn} is another sender's");
            let seen = self.seen.get_mut(turn.as_str()).expect("a turn that was submitted");
            assert_eq!(seen.ends, 0, "{turn} goes on after its end");
            if attempt != seen.attempt {
                assert!(attempt > seen.attempt && seen.seq == 0, "{turn} changes its attempt in the middle");
                seen.attempt = attempt;
            }
            assert_eq!(seq, seen.seq, "{turn} has a gap");
            seen.seq += 1;
            seen.ends += u32::from(body.is_end());
            match body {
                Body::Text { delta } | Body::Reasoning { delta } => {
                    assert_eq!(delta.replace(turn.as_str(), ""), "", "a reply was crossed");
                    seen.bytes += delta.len() as u64;
                }
                Body::Done { bytes, .. } => assert_eq!(bytes, seen.bytes, "{turn} is not whole"),
                Body::Failed(Failure { posted: Posted::No, .. }) => {
                    assert_ne!(self.posted.get(turn.as_str()), Some(&true), "{turn} was posted");
                }
                _ => {}
            }
        }
    }

    fn check_capacity(&self) {
        let mut places = 0;
        for page in self.desk.core.pages.values() {
            assert!(page.running.len() <= page.capacity as usize);
            places += page.running.len();
        }
        assert_eq!(self.desk.core.load(), (self.desk.core.queue.len(), places));
    }

    fn finish(mut self) {
        self.desk.pass(seconds(200));
        for sender in 0..SENDERS {
            self.sender_reads(sender);
        }
        for (id, _) in &self.turns {
            assert_eq!(self.seen[id].ends, 1, "{id} must have ended once");
        }
        let core = &self.desk.core;
        assert_eq!(core.load(), (0, 0), "no turn is left behind");
        assert_eq!((core.open, core.by_id.len(), core.next_due()), (0, 0, None), "nor anything of it");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn turns_are_neither_crossed_nor_doubled_nor_lost(steps in vec(step(), 1..150)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.finish();
    }
}

//! What happens to turns, from `submit` to their end.

use std::time::{Duration, Instant};

use wormhole_protocol::{Body, Event, Failure, FailureCode, FromHub, Submit, TurnId};

use super::{
    Core, Note, PeerKey, Serial,
    timers::Timer,
    turn::{Phase, Turn, millis},
};

/// A refused sender is told to come back after this while the hub drains.
const DRAIN_RETRY: Duration = Duration::from_secs(5);

impl Core {
    pub(super) fn submit(&mut self, sender: PeerKey, submit: Submit, now: Instant) {
        if let Some(failure) = self.refusal(&submit) {
            self.refuse(sender, submit.turn, failure);
            return;
        }
        let serial = Serial(self.fresh());
        let turn = Turn::new(sender, submit, now);
        self.timers.set(Timer::Turn(serial), Some(turn.deadline));
        self.by_id.insert(turn.id.clone(), serial);
        self.queue.push_back(&turn.caller, serial);
        self.turns.insert(serial, turn);
        self.open += 1;
        self.judge(serial, now);
        self.dispatch(now);
        if self.turns.get(&serial).is_some_and(|turn| turn.phase == Phase::Waiting) {
            self.wait(serial, now);
        }
    }

    /// Why a turn is not even looked at.
    fn refusal(&self, submit: &Submit) -> Option<Failure> {
        let refuse = |code, message| Some(Failure::not_posted(code, message));
        if self.by_id.contains_key(&submit.turn) {
            return refuse(FailureCode::Protocol, "a turn of this id is known already");
        }
        if submit.conversation.is_some() && submit.account.is_none() {
            return refuse(FailureCode::Protocol, "a conversation needs its account");
        }
        self.draining.then(going_down)
    }

    /// Ends a turn that never was one.
    fn refuse(&mut self, sender: PeerKey, turn: TurnId, failure: Failure) {
        self.notes.push(Note::Ended {
            turn: turn.clone(),
            trace: None,
            code: Some(failure.code),
            attempt: 0,
            took: Duration::ZERO,
            bytes: 0,
        });
        if let Some(seat) = self.senders.get(&sender) {
            seat.outbox.push(FromHub::Event(Event { turn, attempt: 0, seq: 0, body: Body::Failed(failure) }));
        }
    }

    /// A turn found no place at once: it waits, if there is room.
    fn wait(&mut self, serial: Serial, now: Instant) {
        let Some(turn) = self.turns.get(&serial) else { return };
        if self.queue.has_room_for(&turn.caller, self.rules.queue_limit) {
            let ahead = self.queue.ahead_of(serial);
            self.tell_queued(serial, ahead, now);
            return;
        }
        let capacity = self.pages.values().map(|page| u64::from(page.capacity)).sum();
        let retry_after = millis(self.mean.guess(self.queue.len(), capacity));
        let is_full = self.queue.len() > self.rules.queue_limit;
        let message = if is_full { "the queue is full" } else { "the queue is full of turns of this caller" };
        let failure = Failure::not_posted(FailureCode::QueueFull, message).retry_after_ms(retry_after);
        self.fail(serial, failure, now);
    }

    pub(super) fn tell_queued(&mut self, serial: Serial, ahead: u32, now: Instant) {
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        turn.notice = Some((ahead, now));
        if let Some(seat) = self.senders.get(&turn.sender) {
            seat.outbox.push(FromHub::Queued { turn: turn.id.clone(), ahead });
        }
    }

    pub(super) fn cancel(&mut self, sender: PeerKey, turn: &TurnId, now: Instant) {
        let Some(&serial) = self.by_id.get(turn) else { return };
        let Some(turn) = self.turns.get(&serial) else { return };
        if turn.sender != sender || turn.is_stopping() {
            return;
        }
        if turn.phase == Phase::Waiting || self.revoke(serial) {
            self.fail(serial, Failure::not_posted(FailureCode::Cancelled, "the turn was cancelled"), now);
        } else {
            self.stop(serial, None, now);
        }
    }

    /// Makes the page stop a turn. With an `end`, the sender is told that at once, and the turn only keeps its place
    /// until the page says its own end; without, the page's end is the turn's.
    pub(super) fn stop(&mut self, serial: Serial, end: Option<(FailureCode, &str)>, now: Instant) {
        let Some(turn) = self.turns.get(&serial) else { return };
        let posted = turn.posted();
        if turn.phase == Phase::Waiting || self.revoke(serial) {
            let (code, message) = end.unwrap_or((FailureCode::Cancelled, "the turn was cancelled"));
            self.fail(serial, Failure::not_posted(code, message), now);
            return;
        }
        if let Some((code, message)) = end {
            self.tell_end(serial, Body::Failed(Failure::new(code, posted, message)), now);
        }
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        let Phase::Running { page, stopping, .. } = &mut turn.phase else { return };
        if !std::mem::replace(stopping, true) {
            if let Some(page) = self.pages.get(page) {
                page.outbox.push(FromHub::Cancel { turn: turn.id.clone() });
            }
            self.timers.set(Timer::Turn(serial), Some(now + self.rules.cancel_grace));
        }
    }

    /// A turn's timer has run out: its deadline, or the time its page had to stop it.
    pub(super) fn overdue(&mut self, serial: Serial, now: Instant) {
        let Some(turn) = self.turns.get(&serial) else { return };
        if turn.phase == Phase::Waiting {
            return self.fail(serial, self.never_given_out(turn), now);
        }
        let Phase::Running { page, stopping: true, .. } = turn.phase else {
            self.stop(serial, Some((FailureCode::Deadline, "the turn's deadline has passed")), now);
            return;
        };
        if let Some(page) = self.pages.get(&page) {
            self.notes.push(Note::Overstayed { turn: turn.id.clone(), page: page.peer.clone() });
        }
        self.fail(serial, Failure::new(FailureCode::Cancelled, turn.posted(), "the turn was cancelled"), now);
    }

    /// A drain begins: what waits has nothing to wait for.
    pub(super) fn fail_waiting(&mut self, now: Instant) {
        for serial in self.queue.turns() {
            self.fail(serial, going_down(), now);
        }
    }

    /// Ends a turn without a whole reply, and frees its place.
    pub(super) fn fail(&mut self, serial: Serial, failure: Failure, now: Instant) {
        self.finish(serial, Body::Failed(failure), now);
    }

    /// Ends a turn and frees its place.
    pub(super) fn finish(&mut self, serial: Serial, end: Body, now: Instant) {
        self.tell_end(serial, end, now);
        self.remove(serial);
    }

    /// Tells the sender the end, once.
    fn tell_end(&mut self, serial: Serial, end: Body, now: Instant) {
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        if std::mem::replace(&mut turn.told, true) {
            return;
        }
        self.open -= 1;
        let code = match &end {
            Body::Failed(failure) => Some(failure.code),
            _ => None,
        };
        if let (None, Phase::Running { since, .. }) = (code, turn.phase) {
            self.mean.add(now.saturating_duration_since(since));
        }
        self.notes.push(Note::Ended {
            turn: turn.id.clone(),
            trace: turn.trace.clone(),
            code,
            attempt: turn.attempt,
            took: now.saturating_duration_since(turn.submitted),
            bytes: turn.reply.bytes,
        });
        let id = turn.id.clone();
        self.send_step(serial, id, end);
    }

    /// Sends the sender a step of a turn's reply, numbered for this hop.
    pub(super) fn send_step(&mut self, serial: Serial, id: TurnId, body: Body) {
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        let Some(seat) = self.senders.get(&turn.sender) else { return };
        let event = Event { turn: id, attempt: turn.attempt, seq: turn.reply.next_out, body };
        let put = seat.outbox.step(event, turn.reply.last);
        if turn.reply.sent(put) {
            self.notes.push(Note::Merged);
        }
    }

    /// Forgets a turn, and frees its place.
    pub(super) fn remove(&mut self, serial: Serial) {
        let Some(turn) = self.turns.remove(&serial) else { return };
        self.by_id.remove(&turn.id);
        self.timers.set(Timer::Turn(serial), None);
        self.timers.set(Timer::Patience(serial), None);
        match turn.phase {
            Phase::Waiting => self.queue.remove(&turn.caller, serial),
            Phase::Running { page, .. } => self.free_place(page, serial),
        }
    }

    pub(super) fn free_place(&mut self, page: PeerKey, serial: Serial) {
        if let Some(page) = self.pages.get_mut(&page) {
            page.running.retain(|running| *running != serial);
            self.unsettled = true;
        }
    }

    /// Takes a post back that still waits in its page's outbox. Then it was certainly not posted.
    fn revoke(&self, serial: Serial) -> bool {
        let Some(turn) = self.turns.get(&serial) else { return false };
        let Phase::Running { page, .. } = turn.phase else { return false };
        self.pages.get(&page).is_some_and(|page| page.outbox.revoke(&turn.id))
    }
}

/// What a turn is told that comes while the hub drains.
fn going_down() -> Failure {
    Failure::not_posted(FailureCode::NoPage, "the hub is going down").retry_after_ms(millis(DRAIN_RETRY))
}

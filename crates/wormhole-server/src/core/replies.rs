//! What pages say about their turns: forwarded, answered with a new attempt, or dropped as stale.

use std::time::Instant;

use wormhole_protocol::{Body, Event, Failure, FailureCode, Posted, TurnId};

use super::{Core, Note, PeerKey, Serial, Stale, route::rest_of, turn::Phase};

impl Core {
    pub(super) fn event(&mut self, page: PeerKey, event: Event, now: Instant) {
        let Event { turn: id, attempt, seq, body } = event;
        let Some(serial) = self.serial_of(&id) else { return self.stale(id, Stale::UnknownTurn) };
        if let Err(reason) = self.admit_event(serial, page, attempt, seq, body.is_end()) {
            return self.stale(id, reason);
        }
        match body {
            Body::Accepted { .. } => {
                self.accepted(serial);
                self.send_step(serial, id, body);
            }
            Body::Text { ref delta } | Body::Reasoning { ref delta } => {
                if !delta.is_empty() && self.count(serial, delta.len(), now) {
                    self.send_step(serial, id, body);
                }
            }
            Body::Done { bytes, .. } => self.done(serial, bytes, body, now),
            Body::Failed(failure) => self.failed(page, serial, failure, now),
        }
    }

    fn serial_of(&self, id: &TurnId) -> Option<Serial> {
        self.by_id.get(id).copied()
    }

    fn stale(&mut self, turn: TurnId, reason: Stale) {
        self.notes.push(Note::Stale { turn, reason });
    }

    /// Looks at an event's envelope. An end is let through a gap, since nothing better will follow.
    fn admit_event(
        &mut self,
        serial: Serial,
        from: PeerKey,
        attempt: u32,
        seq: u64,
        end: bool,
    ) -> Result<(), Stale> {
        let turn = self.turns.get_mut(&serial).ok_or(Stale::UnknownTurn)?;
        let Phase::Running { page, .. } = turn.phase else { return Err(Stale::OldAttempt) };
        if page != from {
            return Err(Stale::WrongPeer);
        }
        if attempt != turn.attempt {
            return Err(Stale::OldAttempt);
        }
        let reply = &mut turn.reply;
        if seq < reply.next_in {
            return Err(Stale::Duplicate);
        }
        reply.gapped |= seq > reply.next_in;
        reply.next_in = seq.saturating_add(1);
        if end {
            return Ok(());
        }
        if turn.told {
            return Err(Stale::Ended);
        }
        if reply.gapped {
            // It is dropped, but whatever is no end says that the site has the message.
            turn.set_accepted();
            return Err(Stale::Gap);
        }
        Ok(())
    }

    fn accepted(&mut self, serial: Serial) {
        if let Some(turn) = self.turns.get_mut(&serial) {
            turn.set_accepted();
        }
    }

    /// Counts a delta; false if it takes the reply over its limit, which ends the turn.
    fn count(&mut self, serial: Serial, bytes: usize, now: Instant) -> bool {
        let Some(turn) = self.turns.get_mut(&serial) else { return false };
        turn.set_accepted();
        turn.reply.bytes += bytes as u64;
        let fits = turn.reply.bytes <= self.rules.max_reply_bytes;
        if !fits {
            self.stop(serial, Some((FailureCode::TooLarge, "the reply is over the limit")), now);
        }
        fits
    }

    fn done(&mut self, serial: Serial, bytes: u64, body: Body, now: Instant) {
        let Some(turn) = self.turns.get(&serial) else { return };
        let end = if turn.reply.gapped || bytes != turn.reply.bytes {
            let message = "part of the reply was lost between page and hub";
            Body::Failed(Failure::new(FailureCode::Truncated, Posted::Yes, message))
        } else {
            body
        };
        self.finish(serial, end, now);
    }

    fn failed(&mut self, page: PeerKey, serial: Serial, mut failure: Failure, now: Instant) {
        if let Some(rest) = rest_of(&failure, self.rules.rest_default)
            && let Some(page) = self.pages.get_mut(&page)
        {
            page.pace.rest(now, rest);
            self.notes.push(Note::Rests { peer: page.peer.clone(), rest });
            self.judge_waiting(now);
        }
        let Some(turn) = self.turns.get(&serial) else { return };
        if turn.posted() == Posted::Yes {
            // It said that the site has the message; whatever it says now, giving it out again would post twice.
            failure.posted = Posted::Yes;
        }
        let again =
            failure.posted == Posted::No && failure.retryable && turn.attempt < self.rules.max_attempts;
        if again && !turn.is_stopping() {
            self.requeue(serial, Some(&failure), now);
        } else {
            self.fail(serial, failure, now);
        }
    }
}

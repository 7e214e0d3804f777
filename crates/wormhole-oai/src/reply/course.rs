//! What becomes of an answer: what the site says is decoded, shaped, asked for again, and ended.

use tracing::{info, warn};
use wormhole_protocol::{Body, Failure, FailureCode, Posted};

use super::{Finish, Part, Reply, Source};
use crate::decode::Decoded;
use crate::metrics::Repair;
use crate::shape::{Ending, Kind, Shaped};
use crate::usage::{Usage, tokens};

impl Reply {
    pub(super) fn take(&mut self, body: Body) {
        match body {
            Body::Accepted { conversation, account } => {
                self.wait.accepted(self.guard.started());
                self.memory.accepted(&account, conversation.as_ref());
            }
            Body::Text { delta } => {
                let decoded = self.decoder.text(delta);
                self.text(decoded, true);
            }
            Body::Reasoning { delta } => {
                let (text, finish) = self.decoder.reasoning(delta);
                if !text.is_empty() {
                    self.guard.delta();
                    self.deliver(Part::Reasoning(text));
                }
                if let Some(finish) = finish {
                    self.close(finish, true);
                }
            }
            Body::Done { finish, conversation, .. } => {
                self.memory.site_done(conversation.as_ref());
                let (rest, cut) = self.decoder.rest();
                let finish = cut.unwrap_or(finish.into());
                self.text((rest, Some(finish)), finish != Finish::Stop);
            }
            Body::Failed(failure) => self.fail(failure),
        }
    }

    /// Text of the model, and why the reply ends after it if it does: cut off, or because the site is done.
    fn text(&mut self, (text, finish): Decoded, is_cut: bool) {
        if !text.is_empty() {
            self.guard.delta();
            let shaped = self.shape.text(text);
            if self.shaped(shaped) {
                return;
            }
        }
        if let Some(finish) = finish {
            self.close(finish, is_cut);
        }
    }

    /// Delivers; tells whether that was the end.
    fn shaped(&mut self, shaped: Shaped) -> bool {
        let Shaped { parts, is_over, is_lost, refused } = shaped;
        for part in parts {
            self.deliver(part);
        }
        self.guard.repaired(Repair::CallAsText, refused);
        if is_lost {
            let message = "the model began a tool call that cannot be read to its end";
            self.fail_for_good(Failure::new(FailureCode::SiteError, Posted::Yes, message));
        } else if is_over {
            self.finish(Finish::ToolCalls);
        }
        is_lost || is_over
    }

    /// The reply is at its end: the answer is, too, unless it is not what it should be.
    fn close(&mut self, finish: Finish, is_cut: bool) {
        let (shaped, ending) = self.shape.end(is_cut);
        if self.shaped(shaped) {
            return;
        }
        match ending {
            Ending::Fine { in_calls: true } => self.finish(Finish::ToolCalls),
            Ending::Fine { in_calls: false } => self.finish(finish),
            Ending::Ask(kind, why) => self.ask_again(kind, why),
        }
    }

    fn ask_again(&mut self, kind: Kind, why: String) {
        let place = self.memory.place().map(|(account, next)| (account.to_owned(), next.clone()));
        if let Some(place) = place
            && !why.is_empty()
            && self.shape.ask_again(kind)
        {
            self.guard.repaired(if kind == Kind::Call { Repair::CallAgain } else { Repair::FormatAgain }, 1);
            let question = match kind {
                Kind::Call => why,
                Kind::Format => format!(
                    "That is not what was asked for: {why}\nWrite the JSON again, corrected, and nothing else."
                ),
            };
            self.prompt_tokens += tokens(&question);
            info!(parent: &self.span, ?kind, "asking the model again");
            self.source = Source::Opening((self.asker)(question, place));
            return;
        }
        self.give_up(kind, &why);
    }

    /// The model did not do what it should: the text as it came, or an error that says which rule failed.
    fn give_up(&mut self, kind: Kind, why: &str) {
        match kind {
            Kind::Call => {
                self.guard.repaired(Repair::CallGivenUp, 1);
                if let Some(part) = self.shape.as_it_came() {
                    self.deliver(part);
                }
                self.finish(Finish::Stop);
            }
            Kind::Format => {
                self.guard.repaired(Repair::FormatGivenUp, 1);
                let message = format!("the model did not answer in the format that was asked for: {why}");
                self.fail_for_good(Failure::new(FailureCode::SiteError, Posted::Yes, message));
            }
        }
    }

    fn finish(&mut self, finish: Finish) {
        // The turn is dropped with its source: if the site still writes, it is told to stop.
        self.source = Source::Ended;
        let usage = Usage { prompt: self.prompt_tokens, completion: self.decoder.tokens() };
        self.guard.done(usage);
        self.deliver(Part::End(finish, usage));
        let duration_ms = self.milliseconds();
        info!(parent: &self.span, duration_ms, tokens = usage.completion, ?finish, "turn done");
    }

    fn fail(&mut self, failure: Failure) {
        if failure.posted == Posted::No
            && !self.shape.is_asked_again()
            && let Some(opening) = self.again.take().and_then(|again| again(&failure))
        {
            self.memory.begin_anew(&failure);
            self.source = Source::Opening(opening);
            return;
        }
        // What the model wrote when it was asked first is better than nothing, unless it breaks a promise.
        if self.shape.is_asked_again() && !self.shape.has_format() {
            warn!(parent: &self.span, code = %failure.code, "asking the model again failed");
            self.give_up(Kind::Call, "");
            return;
        }
        self.fail_for_good(failure);
    }

    fn fail_for_good(&mut self, failure: Failure) {
        self.source = Source::Ended;
        self.guard.failed(failure.code);
        let duration_ms = self.milliseconds();
        warn!(parent: &self.span, duration_ms, code = %failure.code, posted = ?failure.posted, "turn failed");
        self.deliver(Part::Failed(failure));
    }

    /// Every part goes this way, so that what is remembered is what was delivered.
    fn deliver(&mut self, part: Part) {
        self.memory.part(&part);
        self.ready.push_back(part);
    }

    pub(super) fn milliseconds(&self) -> u64 {
        u64::try_from(self.guard.started().elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

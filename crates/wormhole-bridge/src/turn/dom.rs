//! A turn through the page's own controls: the message is typed and sent, and the answer read as it grows in the page.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use wormhole_protocol::{
    ConversationId, ConversationRef, Failure, FailureCode, Finish, MAX_REPLY_BYTES, Posted,
};

use super::{
    Whole,
    answer::Asked,
    fail::{after_accepted, after_accepted_fault, of_words},
    images,
};
use crate::{
    calls::{CallError, CallName},
    controls::{Hands, Page},
    site::{Dom, Fault, Piece},
    tab::{Seen, Sign, Watch, WatchRequest},
};

/// What has stood still for so long is certain, even where it could be the beginning of something else.
const CONFIRM: Duration = Duration::from_millis(150);
/// The page shows that it has ended: its last words may come a moment later.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// The page shows that it has ended, and no answer: so long after that none will come.
const NO_ANSWER: Duration = Duration::from_secs(5);

/// An answer that grows in the page. Dropping it before its end presses the page's stop control.
#[derive(Debug)]
pub(super) struct Watched<'t> {
    watch: Watch,
    dom: &'t Dom,
    text: &'t str,
    /// What has been seen and not been read yet.
    first: Option<Seen>,
    sign: Sign,
    still: Still,
    /// Since when the page has shown that it has ended, while nothing of an answer was seen.
    silent: Option<Instant>,
    conversation: Option<ConversationId>,
    turns: u32,
    bytes: u64,
    /// The page is ours for as long as this turn has not ended.
    _hands: Hands,
}

/// How long the page has stood still.
#[derive(Debug, Clone, Copy)]
enum Still {
    /// Not for long.
    Moved,
    /// Long enough to be certain of what it shows.
    Confirmed,
}

/// Sends the message; returns when the page shows that it has it.
pub(super) async fn begin<'t>(asked: &Asked<'t>, dom: &'t Dom) -> Result<Watched<'t>, Failure> {
    let Asked { desk, post, progress, .. } = *asked;
    images::of_post(desk, post)?;
    let failed = |error: CallError| asked.fails().call(error, CallName::Turn, progress.posted());
    let hands = desk.caller.controls().take().await;
    let page = Page { site: desk.site(), dom, tab: asked.tab() };
    let going_on = post.conversation.as_ref().map(|known| (known.id.as_str(), known.parent));
    page.open(going_on, &post.model).await.map_err(failed)?;
    page.choose(asked.model_id).await.map_err(failed)?;
    page.compose(&post.text).await.map_err(failed)?;
    let began = Instant::now();
    let mut watch = asked.tab().watch(request(dom)).map_err(|error| failed(error.into()))?;
    progress.leaves();
    let sent = asked.tab().submit(&dom.composer, dom.send.as_deref()).await;
    sent.map_err(|error| failed(error.into()))?;
    let first_byte = desk.site().timeouts.first_byte;
    let Ok(first) = timeout(first_byte, until_posted(&mut watch, &post.text)).await else {
        let message = "the page shows neither the message nor an answer to it";
        return Err(Failure::new(FailureCode::Stalled, Posted::Unknown, message));
    };
    let first = first?;
    desk.metrics.first_byte(began.elapsed());
    let conversation = conversation_at(dom, &first.address);
    Ok(Watched {
        watch,
        dom,
        text: &post.text,
        sign: first.sign,
        first: Some(first),
        still: Still::Moved,
        silent: None,
        conversation,
        turns: going_on.map_or(0, |(_, turns)| turns) + 1,
        bytes: 0,
        _hands: hands,
    })
}

fn request(dom: &Dom) -> WatchRequest {
    WatchRequest {
        replies: dom.replies.clone(),
        body: dom.reply_body.clone(),
        ignore: dom.ignore.clone(),
        asked: dom.asked.clone(),
        stop: dom.stop.clone(),
        busy: dom.busy.clone(),
        done: dom.done.clone(),
        error: dom.error.clone(),
        composer: dom.composer.clone(),
    }
}

async fn until_posted(watch: &mut Watch, text: &str) -> Result<Seen, Failure> {
    loop {
        match watch.next().await {
            Some(Ok(Seen { error: Some(words), posted: false, .. })) => {
                return Err(of_words(&words, text, Posted::Unknown));
            }
            Some(Ok(seen)) if seen.posted => return Ok(seen),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let message = format!("the page was lost when the message was sent: {error}");
                return Err(Failure::new(FailureCode::PageLost, Posted::Unknown, message));
            }
            None => return Err(after_accepted_fault(Fault::Truncated, text)),
        }
    }
}

fn conversation_at(dom: &Dom, address: &str) -> Option<ConversationId> {
    dom.conversation.as_ref()?.id_in(address).map(ConversationId::new)
}

impl Watched<'_> {
    /// The conversation, once the page has given it an address.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        self.conversation.clone()
    }

    /// Waits for a change; false when the answer is whole.
    pub(super) async fn next(&mut self, pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        if let Some(first) = self.first.take() {
            self.take(first, pieces)?;
            return Ok(true);
        }
        loop {
            match timeout(self.patience(), self.watch.next()).await {
                Ok(Some(Ok(seen))) => {
                    self.still = Still::Moved;
                    self.take(seen, pieces)?;
                    return Ok(true);
                }
                Ok(Some(Err(error))) => return Err(after_accepted(&error)),
                Ok(None) => return Ok(false),
                Err(_) if self.silent.is_some_and(|since| since.elapsed() >= NO_ANSWER) => {
                    let message = "the page has stopped, and shows no answer";
                    return Err(Failure::new(FailureCode::SiteError, Posted::Yes, message));
                }
                Err(_) => self.stands_still(),
            }
        }
    }

    /// Nothing follows.
    pub(super) fn end(self) -> Whole {
        let conversation = self.conversation.map(|id| ConversationRef { id, parent: self.turns });
        Whole { finish: Finish::Stop, bytes: self.bytes, conversation, rest: None }
    }

    fn patience(&self) -> Duration {
        match (self.still, self.sign) {
            (Still::Moved, _) => CONFIRM,
            (Still::Confirmed, Sign::None) => self.dom.settle,
            (Still::Confirmed, Sign::On | Sign::Off) => LAST_WORDS,
        }
    }

    /// Asking for the end is free: a page that is still writing, or has not begun, does not give it.
    fn stands_still(&mut self) {
        match self.still {
            Still::Moved => {
                self.watch.confirm();
                self.still = Still::Confirmed;
            }
            Still::Confirmed if self.sign != Sign::On => self.watch.finish(),
            Still::Confirmed => {}
        }
    }

    fn take(&mut self, seen: Seen, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let Seen { text, sign, address, error, rewritten, .. } = seen;
        self.sign = sign;
        if let Some(id) = conversation_at(self.dom, &address) {
            self.conversation = Some(id);
        }
        self.bytes += text.len() as u64;
        let is_silent = sign == Sign::Off && self.bytes == 0;
        self.silent = is_silent.then(|| self.silent.unwrap_or_else(Instant::now));
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let fault = match error {
            Some(words) => Fault::Site { words },
            None if rewritten => Fault::Rewritten,
            None if self.bytes > MAX_REPLY_BYTES as u64 => Fault::TooLarge,
            None => return Ok(()),
        };
        Err(after_accepted_fault(fault, self.text))
    }
}

//! A turn by the site's own API: a thread is made, the message is posted, and the answer comes as an event stream.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use wormhole_protocol::{ConversationId, ConversationRef, Failure, Posted};

use super::{
    Whole,
    answer::Asked,
    fail::{after_accepted, after_accepted_fault, of_fault},
    images,
};
use crate::{
    calls::CallName,
    site::{Api, Decoder, Fault, Piece, Values, id_text},
    tab::FetchReply,
};

/// Once the answer is whole, its stream may end without its end mark: no longer wait for that than this.
const TAIL: Duration = Duration::from_secs(2);

/// An answer as an event stream.
#[derive(Debug)]
pub(super) struct Streamed<'t> {
    reply: FetchReply,
    decoder: Decoder<'t>,
    text: &'t str,
    conversation: Option<ConversationId>,
    turns: u32,
}

/// Posts the turn and waits for the head of the stream.
pub(super) async fn begin<'t>(asked: &Asked<'t>, api: &'t Api) -> Result<Streamed<'t>, Failure> {
    let post = asked.post;
    let turns = post.conversation.as_ref().map_or(0, |conversation| conversation.parent);
    let images = images::of_post(asked.desk, post)?;
    let mut values = Values {
        text: &post.text,
        model: &post.model,
        model_id: asked.model_id,
        conversation: "",
        parent: turns,
        images: &images,
    };
    let conversation = match &post.conversation {
        Some(conversation) => Some(conversation.id.as_str().to_owned()),
        None => create(asked, api, &values).await?,
    };
    values.conversation = conversation.as_deref().unwrap_or_default();
    let reply = send(asked, api, &values).await?;
    let conversation = conversation.map(ConversationId::new);
    Ok(Streamed {
        reply,
        decoder: Decoder::new(&api.stream),
        text: &post.text,
        conversation,
        turns: turns + 1,
    })
}

impl Streamed<'_> {
    /// The thread.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        self.conversation.clone()
    }

    /// How the stream ends no longer matters.
    pub(super) fn is_whole(&self) -> bool {
        self.decoder.is_whole()
    }

    /// Reads on; false when nothing follows.
    pub(super) async fn next(&mut self, pieces: &mut Vec<Piece>) -> Result<bool, Failure> {
        if self.decoder.is_over() {
            return Ok(false);
        }
        let chunk = if self.decoder.is_whole() {
            let Ok(Some(Ok(chunk))) = timeout(TAIL, self.reply.chunk()).await else { return Ok(false) };
            chunk
        } else {
            match self.reply.chunk().await {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Err(after_accepted(&error)),
                None => return Ok(false),
            }
        };
        let fed = self.decoder.feed(&chunk, pieces);
        fed.map_err(|fault| after_accepted_fault(fault, self.text))?;
        Ok(true)
    }

    /// Nothing follows: whether the answer is whole.
    pub(super) fn end(self, pieces: &mut Vec<Piece>) -> Result<Whole, Failure> {
        let Self { reply, decoder, text, conversation, turns } = self;
        let (finish, bytes) = decoder.end(pieces).map_err(|fault| after_accepted_fault(fault, text))?;
        let conversation = conversation.map(|id| ConversationRef { id, parent: turns });
        Ok(Whole { finish, bytes, conversation, rest: Some(reply) })
    }
}

/// Makes a thread, where the site wants one to be made. Making it answers nothing, so nothing is posted yet.
async fn create(asked: &Asked<'_>, api: &Api, values: &Values<'_>) -> Result<Option<String>, Failure> {
    let Some(create) = &api.calls.create else { return Ok(None) };
    let made = asked.desk.caller.json(asked.tab(), CallName::Create, &create.request, values).await;
    let reply = made.map_err(|error| asked.fails().call(error, CallName::Create, Posted::No))?;
    let id = id_text(create.id.find(&reply));
    let missing = || Fault::changed("create", format!("the answer has no id at {}", create.id));
    id.map(Some).ok_or_else(|| of_fault(&missing(), Posted::No))
}

/// Sends the turn itself and waits for the head of an event stream.
async fn send(asked: &Asked<'_>, api: &Api, values: &Values<'_>) -> Result<FetchReply, Failure> {
    let Asked { desk, progress, .. } = *asked;
    let failed = |error| asked.fails().call(error, CallName::Turn, progress.posted());
    let first_byte = desk.site().timeouts.first_byte;
    let began = Instant::now();
    progress.leaves();
    let sent = desk.caller.send(asked.tab(), CallName::Turn, &api.calls.turn, values, first_byte).await;
    let reply = sent.map_err(failed)?;
    desk.metrics.first_byte(began.elapsed());
    let reply = desk.caller.not_html(CallName::Turn, reply).await.map_err(failed)?;
    let kind = reply.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "text/event-stream" {
        let fault = Fault::changed("turn", "the answer is no event stream");
        return Err(of_fault(&fault, progress.posted()));
    }
    Ok(reply)
}

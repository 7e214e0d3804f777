//! From a `post` to the end of the site's answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;
use wormhole_client::ReplyWriter;
use wormhole_protocol::{Body, ConversationId, ConversationRef, Failure, FailureCode, Post, Posted};

use super::{
    Broken, Desk, Progress, Whole,
    fail::{Fails, after_accepted, of_fault},
    images,
};
use crate::{
    calls::{CallName, quotable},
    session::Place,
    site::{Decoder, Fault, Piece, Values, id_text},
    tab::{FetchReply, TabEvent},
};

/// Once the answer is whole, its stream may end without its end mark: no longer wait for that than this.
const TAIL: Duration = Duration::from_secs(2);

/// Posts the turn and streams its answer into `writer`.
pub(super) async fn post_and_read(
    desk: &Arc<Desk>,
    place: &Place,
    post: &Post,
    writer: &mut ReplyWriter,
    progress: &Progress,
) -> Result<Whole, Broken> {
    check(desk, post)?;
    let fails = Fails { desk, epoch: place.epoch, text: &post.text };
    let model_id = desk.refresh.model_id(desk, place, &post.model).await?;
    let parent = post.conversation.as_ref().map_or(0, |conversation| conversation.parent);
    let images = images::of_post(desk, post)?;
    let mut values = Values {
        text: &post.text,
        model: &post.model,
        model_id: &model_id,
        conversation: "",
        parent,
        images: &images,
    };
    let conversation = match &post.conversation {
        Some(conversation) => Some(conversation.id.as_str().to_owned()),
        None => create(desk, place, &values, &fails).await?,
    };
    values.conversation = conversation.as_deref().unwrap_or_default();
    let mut reply = send(desk, place, &values, progress, &fails).await?;
    progress.accepted();
    let id = conversation.map(ConversationId::new);
    writer.send(Body::Accepted { conversation: id.clone(), account: desk.session.account() }).await?;
    let (finish, bytes) = read(desk, &mut reply, writer, post).await?;
    let conversation = id.map(|id| ConversationRef { id, parent: parent + 1 });
    Ok(Whole { finish, bytes, conversation, rest: reply })
}

/// More text than the site takes is not posted.
fn check(desk: &Desk, post: &Post) -> Result<(), Failure> {
    let (bytes, limit) = (post.text.len(), desk.site().max_text_bytes);
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("the message has {bytes} bytes, the site takes {limit}");
    Err(Failure::not_posted(FailureCode::Refused, message))
}

/// Makes a thread, where the site wants one to be made. Making it answers nothing, so nothing is posted yet.
async fn create(
    desk: &Desk,
    place: &Place,
    values: &Values<'_>,
    fails: &Fails<'_>,
) -> Result<Option<String>, Failure> {
    let Some(create) = &desk.site().calls.create else { return Ok(None) };
    let made = desk.caller.json(&place.live.tab, CallName::Create, &create.request, values).await;
    let reply = made.map_err(|error| fails.call(error, CallName::Create, Posted::No))?;
    let id = id_text(create.id.find(&reply));
    let missing = || Fault::changed("create", format!("the answer has no id at {}", create.id));
    id.map(Some).ok_or_else(|| of_fault(&missing(), Posted::No))
}

/// Sends the turn itself and waits for the head of an event stream.
async fn send(
    desk: &Desk,
    place: &Place,
    values: &Values<'_>,
    progress: &Progress,
    fails: &Fails<'_>,
) -> Result<FetchReply, Failure> {
    let tab = &place.live.tab;
    if let TabEvent::Lost { reason } = tab.events().borrow().clone() {
        return Err(Failure::not_posted(
            FailureCode::PageLost,
            format!("the page cannot post now: {reason}"),
        ));
    }
    let site = desk.site();
    let began = Instant::now();
    progress.leaves();
    let sent =
        desk.caller.send(tab, CallName::Turn, &site.calls.turn, values, site.timeouts.first_byte).await;
    let reply = sent.map_err(|error| fails.call(error, CallName::Turn, progress.posted()))?;
    desk.metrics.first_byte(began.elapsed());
    let reply = desk.caller.not_html(CallName::Turn, reply).await;
    let reply = reply.map_err(|error| fails.call(error, CallName::Turn, progress.posted()))?;
    let kind = reply.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "text/event-stream" {
        let fault = Fault::changed("turn", "the answer is no event stream");
        return Err(of_fault(&fault, progress.posted()));
    }
    Ok(reply)
}

/// Reads the stream to its end.
async fn read(
    desk: &Desk,
    reply: &mut FetchReply,
    writer: &mut ReplyWriter,
    post: &Post,
) -> Result<(wormhole_protocol::Finish, u64), Broken> {
    let idle = desk.site().timeouts.idle;
    let mut decoder = Decoder::new(&desk.site().stream);
    let mut pieces = Vec::new();
    let fault = |fault: Fault| after_accepted_fault(fault, post);
    while !decoder.is_over() {
        let patience = if decoder.is_whole() { TAIL.min(idle) } else { idle };
        match timeout(patience, reply.chunk()).await {
            Ok(Some(Ok(chunk))) => {
                let fed = decoder.feed(&chunk, &mut pieces);
                write(&mut pieces, writer).await?;
                fed.map_err(fault)?;
            }
            Ok(None) => break,
            // The answer is whole: how its stream ends no longer matters.
            Ok(Some(Err(_))) | Err(_) if decoder.is_whole() => break,
            Ok(Some(Err(error))) => return Err(after_accepted(&error).into()),
            Err(_) => {
                let message = format!("the site has sent nothing for {}", humantime::format_duration(idle));
                return Err(Failure::new(FailureCode::Stalled, Posted::Yes, message).into());
            }
        }
    }
    let ended = decoder.end(&mut pieces);
    write(&mut pieces, writer).await?;
    Ok(ended.map_err(fault)?)
}

/// One event for what one chunk brought, as far as it is of one kind.
async fn write(pieces: &mut Vec<Piece>, writer: &mut ReplyWriter) -> Result<(), Broken> {
    let mut merged: Option<Body> = None;
    for piece in pieces.drain(..) {
        merged = match (merged.take(), piece) {
            (Some(Body::Text { delta }), Piece::Text(more)) => Some(Body::Text { delta: delta + &more }),
            (Some(Body::Reasoning { delta }), Piece::Reasoning(more)) => {
                Some(Body::Reasoning { delta: delta + &more })
            }
            (before, piece) => {
                if let Some(body) = before {
                    writer.send(body).await?;
                }
                Some(match piece {
                    Piece::Text(delta) => Body::Text { delta },
                    Piece::Reasoning(delta) => Body::Reasoning { delta },
                })
            }
        };
    }
    if let Some(body) = merged {
        writer.send(body).await?;
    }
    Ok(())
}

fn after_accepted_fault(fault: Fault, post: &Post) -> Failure {
    match fault {
        Fault::Site { words } => {
            let words = quotable(&words, &post.text).unwrap_or_else(|| "no further words".to_owned());
            Failure::new(
                FailureCode::SiteError,
                Posted::Yes,
                format!("the site broke its answer off: {words}"),
            )
        }
        fault => of_fault(&fault, Posted::Yes),
    }
}

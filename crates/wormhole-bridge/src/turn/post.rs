//! From a `post` to the end of the site's answer: what is the same however the site is driven.

use std::sync::Arc;

use tokio::time::timeout;
use wormhole_client::ReplyWriter;
use wormhole_protocol::{Body, Failure, FailureCode, Post, Posted};

use super::{
    Broken, Desk, Progress, Whole,
    answer::{Answer, Asked},
};
use crate::{session::Place, site::Piece, tab::TabEvent};

/// Posts the turn and streams its answer into `writer`.
pub(super) async fn post_and_read(
    desk: &Arc<Desk>,
    place: &Place,
    post: &Post,
    writer: &mut ReplyWriter,
    progress: &Progress,
) -> Result<Whole, Broken> {
    check(desk, post)?;
    let model_id = &desk.refresh.model_id(desk, place, &post.model).await?;
    if let TabEvent::Lost { reason } = place.live.tab.events().borrow().clone() {
        let message = format!("the page cannot post now: {reason}");
        return Err(Failure::not_posted(FailureCode::PageLost, message).into());
    }
    let answer = Answer::begin(&Asked { desk, place, post, model_id, progress }).await?;
    progress.accepted();
    let conversation = answer.conversation();
    writer.send(Body::Accepted { conversation, account: desk.session.account() }).await?;
    read(desk, answer, writer).await
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

/// Reads the answer to its end.
async fn read(desk: &Desk, mut answer: Answer<'_>, writer: &mut ReplyWriter) -> Result<Whole, Broken> {
    let idle = desk.site().timeouts.idle;
    let mut pieces = Vec::new();
    loop {
        let read = timeout(idle, answer.next(&mut pieces)).await;
        // What came before a failure is a part of the answer all the same.
        write(&mut pieces, writer).await?;
        match read {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => break,
            Ok(Err(failure)) => return Err(failure.into()),
            Err(_) if answer.is_whole() => break,
            Err(_) => {
                let message = format!("the site has sent nothing for {}", humantime::format_duration(idle));
                return Err(Failure::new(FailureCode::Stalled, Posted::Yes, message).into());
            }
        }
    }
    let ended = answer.end(&mut pieces);
    write(&mut pieces, writer).await?;
    Ok(ended?)
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

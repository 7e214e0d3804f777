//! Where answers come from: the practice models, or a model server.

mod agent;
mod models;
mod practice;
mod upstream;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use futures_util::stream::BoxStream;

use crate::app::App;
use crate::app::lock;
use crate::images;
use crate::images::Image;

pub(crate) use models::Model;
pub(crate) use models::catalogue;
pub(crate) use models::choose;
pub(crate) use upstream::Upstream;
pub(crate) use upstream::UpstreamError;
pub(crate) use wire::Encoder;

/// Answers with exactly the text of the turn. Markers mean nothing to it.
pub const ECHO: &str = "practice-echo";
/// Tells a long story, word by word.
pub const STORY: &str = "practice-story";
/// Streams some reasoning first, then an answer.
pub const THINKER: &str = "practice-thinker";
/// Says `w1 w2 w3 …`, each word only when a permit is given by control.
pub const GATE: &str = "practice-gate";
/// Says what images it was given. The only one that takes any.
pub const EYES: &str = "practice-eyes";
/// Calls the tools that its prompts describe, and quotes the last result.
pub const AGENT: &str = "practice-agent";

/// One word of an answer, with the white space that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Reasoning(String),
}

/// An answer as it comes.
pub(crate) type Words = BoxStream<'static, Result<Piece, UpstreamError>>;

/// The last turn of a conversation, to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) conversation: &'a str,
    pub(crate) text: &'a Arc<str>,
    pub(crate) images: &'a [Image],
}

/// Begins to answer.
pub(crate) async fn begin(
    app: &Arc<App>,
    model: &str,
    question: Question<'_>,
) -> Result<Words, UpstreamError> {
    let Question { conversation, text, images } = question;
    let pace = Duration::from_millis(app.switches().word_pace_ms.into());
    let turns = || lock(&app.conversations).turns(conversation);
    Ok(match (practice::words(model, text), &app.upstream) {
        _ if model == EYES => paced(practice::spoken(images::described(images)), pace),
        _ if model == AGENT => {
            let prompts: Vec<_> = turns().iter().map(|turn| Arc::clone(&turn.prompt)).collect();
            paced(practice::spoken(agent::answer(&prompts)), pace)
        }
        (Some(words), _) if model == GATE => gated(words, app, conversation),
        (Some(words), _) => paced(words, pace),
        (None, Some(upstream)) => upstream.answer(model, &turns(), text).await?,
        // `choose` lets no other model through.
        (None, None) => stream::empty().boxed(),
    })
}

fn paced(words: practice::Iter, pace: Duration) -> Words {
    let first = true;
    stream::unfold((words, first), move |(mut words, first)| async move {
        let word = words.next()?;
        if !first && !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        Some((Ok(word), (words, false)))
    })
    .boxed()
}

fn gated(words: practice::Iter, app: &Arc<App>, conversation: &str) -> Words {
    let (app, conversation) = (Arc::clone(app), conversation.to_owned());
    stream::unfold((words, app, conversation), |(mut words, app, conversation)| async move {
        let word = words.next()?;
        app.words.pass(&conversation).await;
        Some((Ok(word), (words, app, conversation)))
    })
    .boxed()
}

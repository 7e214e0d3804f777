//! The pictures of a conversation: which travel, and making each ready to.
//!
//! Those from the newest user message on travel, as far as the site does not have them yet. Older ones were looked at
//! when they were new; in the text a mark stands for each. Nothing is posted when one cannot travel.

mod fetch;
mod kind;

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::try_join_all;
use wormhole_protocol::Image as Ready;

use crate::chat::{Chat, Image, Message, Part, Role};
use crate::errors::ApiError;
use fetch::Fetcher;
pub use fetch::ImageHosts;

/// Stands in the text for a picture that does not travel, and for a message's words where it has none.
const MARK: &str = "[image]";

/// What is taken, and from where.
#[derive(Debug, Clone)]
pub struct ImageSettings {
    /// Hosts that pictures are fetched from.
    pub hosts: ImageHosts,
    /// The most pictures of one turn.
    pub most: usize,
    /// The most bytes of one.
    pub bytes: usize,
    /// How long fetching one may take.
    pub within: Duration,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self { hosts: ImageHosts::default(), most: 8, bytes: 5 << 20, within: Duration::from_secs(10) }
    }
}

/// Makes pictures ready.
#[derive(Debug)]
pub(crate) struct Images {
    settings: ImageSettings,
    fetcher: Fetcher,
}

/// The pictures of one conversation.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// Those that travel unless the site has them, with the index of their message.
    pictures: Vec<(usize, &'a Image)>,
}

/// What travels.
#[derive(Debug, Default)]
pub(crate) struct Travelling {
    /// With the messages that the site does not have.
    pub rest: Vec<Ready>,
    /// With the whole conversation: also older ones, as far as they need not be fetched.
    pub whole: Vec<Ready>,
}

impl Images {
    /// A fetcher of pictures with these settings.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn new(settings: ImageSettings) -> Result<Self, reqwest::Error> {
        let fetcher = Fetcher::new(settings.hosts.clone(), settings.bytes, settings.within)?;
        Ok(Self { settings, fetcher })
    }

    /// The pictures that may travel.
    ///
    /// # Errors
    /// The newest messages have too many.
    pub(crate) fn seen<'a>(&self, chat: &'a Chat) -> Result<Seen<'a>, ApiError> {
        let first = newest(&chat.messages);
        let mut pictures = Vec::new();
        for (index, message) in chat.messages.iter().enumerate().skip(first) {
            let images = message.parts.iter().filter_map(|part| match part {
                Part::Image(image) => Some((index, image)),
                Part::Text(_) => None,
            });
            pictures.extend(images);
        }
        let answered = chat.messages.iter().rposition(|message| message.role == Role::Assistant);
        let unanswered = pictures.iter().filter(|(index, _)| answered.is_none_or(|at| *index > at)).count();
        let most = self.settings.most;
        if unanswered > most {
            let message = format!("the newest messages have {unanswered} images, at most {most} are taken");
            return Err(ApiError::field("messages", message));
        }
        // A long way from the user's message through tools that show pictures: the newest count.
        let dropped = pictures.len().saturating_sub(most);
        Ok(Seen { pictures: pictures.split_off(dropped) })
    }

    /// Makes those ready that the site does not have: it has the messages before `from`.
    ///
    /// # Errors
    /// One is no picture, too large, or cannot be fetched.
    pub(crate) async fn ready(&self, seen: &Seen<'_>, from: usize) -> Result<Travelling, ApiError> {
        let wanted = seen
            .pictures
            .iter()
            .filter(|(index, image)| *index >= from || matches!(image, Image::Data { .. }));
        let ready = try_join_all(wanted.map(async |(index, image)| {
            let ready = self.one(image).await.map_err(|wrong| wrong_image(*index, &wrong))?;
            Ok::<_, ApiError>((*index, ready))
        }));
        let ready = ready.await?;
        let rest = ready.iter().filter(|(index, _)| *index >= from).map(|(_, image)| image.clone()).collect();
        Ok(Travelling { rest, whole: ready.into_iter().map(|(_, image)| image).collect() })
    }

    async fn one(&self, image: &Image) -> Result<Ready, String> {
        match image {
            Image::Data { base64, .. } => kind::checked(base64, self.settings.bytes),
            Image::Url(url) => kind::packed(&self.fetcher.fetch(url).await?),
        }
    }
}

impl Seen<'_> {
    /// No picture travels.
    pub(crate) fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// The field in which the first of them stands.
    pub(crate) fn field(&self) -> String {
        self.pictures.first().map_or_else(|| "messages".to_owned(), |(index, _)| field(*index))
    }

    /// The conversation in words, with marks for the pictures that do not travel.
    pub(crate) fn marked<'c>(&self, chat: &'c Chat) -> Cow<'c, Chat> {
        let travels = |image: &Image| self.pictures.iter().any(|(_, seen)| std::ptr::eq(*seen, image));
        in_words(chat, &travels)
    }
}

/// The conversation in words, with a mark for each picture.
pub(crate) fn all_marked(chat: &Chat) -> Cow<'_, Chat> {
    in_words(chat, &|_| false)
}

fn in_words<'c>(chat: &'c Chat, travels: &dyn Fn(&Image) -> bool) -> Cow<'c, Chat> {
    let has_image = |message: &Message| message.parts.iter().any(|part| matches!(part, Part::Image(_)));
    if !chat.messages.iter().any(has_image) {
        return Cow::Borrowed(chat);
    }
    // Field by field: a clone would copy the pictures, too.
    let messages = chat.messages.iter().map(|message| {
        if !has_image(message) {
            return message.clone();
        }
        let mute = message.text().trim().is_empty();
        let parts = message.parts.iter().filter_map(|part| match part {
            Part::Text(_) => Some(part.clone()),
            Part::Image(image) => (mute || !travels(image)).then(|| Part::Text(MARK.to_owned())),
        });
        let Message { role, parts: _, name, calls, answers, failed } = message;
        Message {
            role: *role,
            parts: parts.collect(),
            name: name.clone(),
            calls: calls.clone(),
            answers: answers.clone(),
            failed: *failed,
        }
    });
    Cow::Owned(Chat {
        messages: messages.collect(),
        model: chat.model.clone(),
        limits: chat.limits.clone(),
        ignored: chat.ignored.clone(),
        tools: chat.tools.clone(),
        tool_choice: chat.tool_choice.clone(),
        parallel_calls: chat.parallel_calls,
        output: chat.output.clone(),
        effort: chat.effort.clone(),
    })
}

/// Where the newest words of the user begin: he may have written several messages in a row.
fn newest(messages: &[Message]) -> usize {
    let last = messages.iter().rposition(|message| message.role == Role::User);
    let Some(last) = last else { return 0 };
    let run = messages[..last].iter().rev().take_while(|message| message.role == Role::User).count();
    last - run
}

fn field(index: usize) -> String {
    format!("messages[{index}]")
}

fn wrong_image(index: usize, what: &str) -> ApiError {
    ApiError::field(field(index), format!("an image of message {index}: {what}"))
}

#[cfg(test)]
mod tests;

//! What is known of a chat site: its profile, and reading and writing what the profile describes.
//!
//! Nothing here touches a browser or a socket.

mod check;
mod decode;
mod dom;
mod field;
mod images;
mod models;
mod profile;
mod retry_after;
mod sse;
mod template;
mod written;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use thiserror::Error;
use url::Url;

pub use crate::site::{
    dom::{ConversationPath, Dom, ModelMenu, Models, NewConversation},
    field::FieldPath,
    images::ImageTravel,
    profile::{
        Api, Call, Calls, Challenge, CreateCall, Csrf, Driver, Images, LoggedOut, Login, LoginSuccess,
        MessageRule, Method, ModelsCall, Pace, Profile, Stream, Timeouts, Usable, Visibility,
    },
};

use crate::site::written::{Misfit, Written};

pub(crate) use crate::site::{
    decode::{Decoder, Fault, Piece},
    dom::goto_path,
    models::{SiteModel, id_text, read_models},
    retry_after::retry_after,
    template::Values,
};

/// The profiles that come with the program.
const SHIPPED: [(&str, &str); 6] = [
    ("outlier", include_str!("../sites/outlier.yaml")),
    ("outlier-expert", include_str!("../sites/outlier-expert.yaml")),
    ("playground", include_str!("../sites/playground.yaml")),
    ("playground-dom", include_str!("../sites/playground-dom.yaml")),
    ("gradio", include_str!("../sites/gradio.yaml")),
    ("chainlit", include_str!("../sites/chainlit.yaml")),
];

/// Why there is no usable profile. One line for the operator.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Neither a shipped profile nor a file.
    #[error("no site profile is called {name:?}: shipped are {shipped}; or give the path of a YAML file", shipped = shipped_names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the site profile {path:?}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text does not fit the schema.
    #[error("site profile {source_name}, line {line}, field {field}: {what}")]
    Parse {
        /// The shipped name or the file.
        source_name: String,
        /// Counts from 1.
        line: usize,
        /// The way to the field, `.` at the root.
        field: String,
        /// What is wrong with it.
        what: String,
    },
    /// Fields that do not go together.
    #[error("site profile {source_name}, field {field}: {what}")]
    Inconsistent {
        /// The shipped name or the file.
        source_name: String,
        /// The way to the field.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The origin that was given in place of the profile's own.
    #[error("{url} cannot be the site's origin: {what}")]
    Origin {
        /// What was given.
        url: Url,
        /// What would be right.
        what: &'static str,
    },
}

fn shipped_names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

impl Profile {
    /// The shipped profile of this name, or the one in the file at this path.
    pub fn load(name_or_path: &str) -> Result<Self, ProfileError> {
        if let Some(profile) = Self::shipped(name_or_path) {
            return profile;
        }
        let looks_like_a_path = name_or_path.contains(['/', '.']);
        if looks_like_a_path {
            Self::from_file(Path::new(name_or_path))
        } else {
            Err(ProfileError::Unknown { name: name_or_path.to_owned() })
        }
    }

    /// The shipped profile of this name.
    pub fn shipped(name: &str) -> Option<Result<Self, ProfileError>> {
        let (name, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Self::parse(name, text))
    }

    /// The profile in a file.
    pub fn from_file(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads and checks a profile. `source_name` is for errors.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, ProfileError> {
        let yaml = serde_yaml::Deserializer::from_str(text);
        let written: Written = serde_path_to_error::deserialize(yaml)
            .map_err(|error| parse_error(source_name, text, error.path(), error.inner()))?;
        Self::try_from(written).map_err(|(field, what)| ProfileError::Inconsistent {
            source_name: source_name.to_owned(),
            field,
            what,
        })
    }

    /// The same site at another place: pages, login and calls all live at `origin`.
    pub fn at(mut self, origin: Url) -> Result<Self, ProfileError> {
        if let Some(what) = check::origin_problem(&origin) {
            return Err(ProfileError::Origin { url: origin, what });
        }
        self.origin = origin;
        if let Some(login) = &mut self.login {
            login.origin = None;
        }
        self.extra_origins.clear();
        Ok(self)
    }

    /// Every origin that may receive the script.
    pub fn origins(&self) -> Vec<Url> {
        let mut origins = vec![self.origin.clone()];
        origins.extend(self.login.as_ref().and_then(|login| login.origin.clone()));
        origins.extend(self.extra_origins.iter().cloned());
        origins.dedup();
        origins
    }

    /// The chat page.
    pub fn start_url(&self) -> Url {
        resolve(&self.origin, &self.start)
    }

    /// The login page; the chat page where the profile names none.
    pub fn login_url(&self) -> Url {
        let Some(login) = &self.login else { return self.start_url() };
        resolve(login.origin.as_ref().unwrap_or(&self.origin), &login.path)
    }

    /// The YAML of the shipped profile of this name.
    pub fn shipped_text(name: &str) -> Option<&'static str> {
        SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
    }

    /// The names of the shipped profiles.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The site's own API, where that is how turns are made.
    pub fn api(&self) -> Option<&Api> {
        match &self.driver {
            Driver::Api(api) => Some(api),
            Driver::Dom(_) => None,
        }
    }

    /// A page of this site.
    pub(crate) fn at_path(&self, path: &str) -> Url {
        resolve(&self.origin, path)
    }

    /// A page at this place has no session.
    pub(crate) fn is_logged_out(&self, url: &Url) -> bool {
        holds_one(url.path(), &self.logged_out.path_with)
    }

    /// This HTML is the login page.
    pub(crate) fn is_login_html(&self, html: &str) -> bool {
        holds_one(html, &self.logged_out.html_with)
    }

    fn check(&self) -> Result<(), Misfit> {
        match &self.driver {
            Driver::Api(api) => api.check()?,
            // Two messages typed into one page are one message.
            Driver::Dom(_) if self.account.capacity != 1 => {
                return Err(("account.capacity", "with dom a tab takes one turn at a time: 1"));
            }
            Driver::Dom(dom) if dom.settle > self.timeouts.idle => {
                return Err(("dom.settle", "longer than timeouts.idle"));
            }
            Driver::Dom(dom) => dom.check()?,
        }
        if self.timeouts.idle > self.timeouts.total {
            return Err(("timeouts.idle", "longer than timeouts.total"));
        }
        Ok(())
    }
}

impl Api {
    fn check(&self) -> Result<(), Misfit> {
        let names_conversation = |call: &Call| call.path.contains("${conversation}");
        let turn = &self.calls.turn;
        if self.stream.messages.is_empty() {
            return Err(("stream.messages", "without a rule no answer can be read"));
        }
        let can_end = |rule: &MessageRule| rule.done || rule.finish.is_some();
        if self.stream.end_mark.is_none() && !self.stream.messages.iter().any(can_end) {
            return Err(("stream", "nothing says when an answer is whole: end_mark, finish or done"));
        }
        if !self.stream.messages.iter().any(|rule| rule.text.is_some()) {
            return Err(("stream.messages", "no rule says where the answer's text stands"));
        }
        if self.calls.create.is_none() && names_conversation(turn) {
            return Err(("calls.turn.path", "${conversation} needs calls.create, which makes it"));
        }
        if !turn.method.changes_something() {
            return Err(("calls.turn.method", "a turn is posted, not read"));
        }
        for (field, call) in
            [("calls.conversation", &self.calls.conversation), ("calls.delete", &self.calls.delete)]
        {
            if call.as_ref().is_some_and(|call| !names_conversation(call)) {
                return Err((field, "the path must hold ${conversation}"));
            }
        }
        let takes_images = |body: &Value| template::uses(body, "images");
        if self.images.is_some() && !turn.body.as_ref().is_some_and(takes_images) {
            return Err(("images", "calls.turn.body does not say where they go: '${images}'"));
        }
        Ok(())
    }
}

/// serde_yaml puts the way to where it noticed the error in front of its message, and the line behind. For our own
/// checks that is only the map around the field: then the field is looked for from there on.
fn parse_error(
    source_name: &str,
    text: &str,
    path: &serde_path_to_error::Path,
    error: &serde_yaml::Error,
) -> ProfileError {
    let field = path.to_string();
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let (noticed, what) =
        message.split_once(": ").filter(|(noticed, _)| field.starts_with(noticed)).unwrap_or(("", message));
    let mut line = error.location().map_or(1, |at| at.line());
    let mut key = path.iter().filter_map(|step| match step {
        serde_path_to_error::Segment::Map { key } => Some(format!("{key}:")),
        _ => None,
    });
    if noticed != field
        && let Some(key) = key.next_back()
    {
        let from = line.saturating_sub(1);
        let holds = |line: &str| line.match_indices(&key).any(|(at, _)| is_key_at(line, at));
        line = text.lines().skip(from).position(holds).map_or(line, |at| from + at + 1);
    }
    ProfileError::Parse { source_name: source_name.to_owned(), line, field, what: what.to_owned() }
}

/// A key begins here, not the end of a longer one.
fn is_key_at(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
}

/// Paths are checked to start with one `/`, so they never leave the origin.
fn resolve(origin: &Url, path: &str) -> Url {
    origin.join(path).unwrap_or_else(|_| origin.clone())
}

fn holds_one(text: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| text.contains(pattern.as_str()))
}

#[cfg(test)]
mod tests;

//! The schema of a site profile: everything that is known of a chat site, as its YAML file says it.
//!
//! Whatever changes when a site changes stands here, so that a mounted file can follow it without a rebuild.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::site::{check, dom::Dom, field::FieldPath, images::ImageTravel};

/// A chat site, and how to talk to it. Read one with [`Profile::shipped`], [`Profile::from_file`] or [`Profile::parse`].
#[derive(Debug, Clone)]
pub struct Profile {
    /// What the hub and the clients call the site.
    pub name: String,
    /// Where its chat page and its calls live.
    pub origin: Url,
    /// Further origins that may receive the script, such as one that logs in.
    pub extra_origins: Vec<Url>,
    /// Path of the chat page.
    pub start: String,
    /// What one account bears.
    pub account: Pace,
    /// How to log in; absent where the site has no login form.
    pub login: Option<Login>,
    /// How a page or an answer without a session looks; never, where the file does not say.
    pub logged_out: LoggedOut,
    /// How a page that asks for a person looks.
    pub challenge: Challenge,
    /// How turns are made.
    pub driver: Driver,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The longest message the site takes, in bytes.
    pub max_text_bytes: usize,
}

/// How turns are made.
#[derive(Debug, Clone)]
pub enum Driver {
    /// By the requests that the page makes to the site's own API.
    Api(Box<Api>),
    /// Through the page's own controls.
    Dom(Box<Dom>),
}

/// The site's own API. In a file its fields stand at the root.
#[derive(Debug, Clone)]
pub struct Api {
    /// The token that calls which change something must carry.
    pub csrf: Option<Csrf>,
    /// The site's calls.
    pub calls: Calls,
    /// How images travel; absent where nobody knows, and then none does.
    pub images: Option<ImageTravel>,
    /// How a streamed answer is written.
    pub stream: Stream,
}

/// What one account bears.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Turns at once.
    #[serde(deserialize_with = "check::capacity")]
    pub capacity: u32,
    /// The smallest gap between two posts.
    #[serde(default, deserialize_with = "check::duration")]
    pub gap: Duration,
}

/// How to log in with an e-mail address and a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Where the login page lives; the site's origin if absent.
    #[serde(default, deserialize_with = "check::optional_origin")]
    pub origin: Option<Url>,
    /// Path of the login page, with its query.
    #[serde(deserialize_with = "check::path")]
    pub path: String,
    /// Where the e-mail address goes: selectors, the first that matches counts.
    #[serde(deserialize_with = "check::some_texts")]
    pub email: Vec<String>,
    /// Where the password goes.
    #[serde(deserialize_with = "check::some_texts")]
    pub password: Vec<String>,
    /// What to click; where nothing matches, Enter is pressed in the password field.
    #[serde(default, deserialize_with = "check::texts")]
    pub submit: Vec<String>,
    /// What shows that the site refused the credentials.
    #[serde(default, deserialize_with = "check::texts")]
    pub refused: Vec<String>,
    /// When the login has succeeded.
    pub success: LoginSuccess,
    /// How long a login may take.
    #[serde(default = "seconds::<30>", deserialize_with = "check::wait")]
    pub deadline: Duration,
}

/// A login has succeeded when all of this holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSuccess {
    /// The page's path holds none of these.
    #[serde(deserialize_with = "check::some_texts")]
    pub path_without: Vec<String>,
    /// The browser has all of these cookies for the site.
    #[serde(deserialize_with = "check::texts")]
    pub cookies: Vec<String>,
}

/// How a page or an answer without a session looks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedOut {
    /// The path of a page, or of the place a call was redirected to, holds one of these.
    #[serde(deserialize_with = "check::some_texts")]
    pub path_with: Vec<String>,
    /// A call is answered with one of these statuses.
    #[serde(default, deserialize_with = "check::statuses")]
    pub statuses: Vec<u16>,
    /// An HTML page in place of an answer is the login page when it holds one of these.
    #[serde(default, deserialize_with = "check::texts")]
    pub html_with: Vec<String>,
}

/// How a page that asks for a person looks: any of these.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Challenge {
    /// A field for a one-time code.
    #[serde(deserialize_with = "check::texts")]
    pub one_time_code: Vec<String>,
    /// A captcha.
    #[serde(deserialize_with = "check::texts")]
    pub captcha: Vec<String>,
    /// The page's path holds one of these.
    #[serde(deserialize_with = "check::texts")]
    pub path_with: Vec<String>,
}

/// A token that the page reads from a cookie and sends in a header.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csrf {
    /// The cookie, readable by page script.
    pub cookie: String,
    /// The header.
    pub header: String,
    /// The cookie's value is percent-encoded and the header wants it decoded.
    #[serde(default)]
    pub decode: bool,
    /// The status that says the token is stale.
    #[serde(deserialize_with = "check::error_status")]
    pub stale_status: u16,
}

/// The site's calls, all made by the page itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Which models there are; also the cheapest proof that the session lives.
    pub models: ModelsCall,
    /// Makes a thread; absent where the turn does.
    #[serde(default)]
    pub create: Option<CreateCall>,
    /// Posts a message and streams its answer.
    pub turn: Call,
    /// What the site recorded of a thread.
    #[serde(default)]
    pub conversation: Option<Call>,
    /// Removes a thread.
    #[serde(default)]
    pub delete: Option<Call>,
}

/// One call: a request with placeholders in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The path, with `${…}` placeholders.
    #[serde(deserialize_with = "check::path")]
    pub path: String,
    /// Headers beside `content-type` and the CSRF token.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON body, with `${…}` placeholders.
    #[serde(default, deserialize_with = "check::body")]
    pub body: Option<Value>,
}

/// The methods a call may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something.
    Post,
    /// Replaces something.
    Put,
    /// Changes something.
    Patch,
    /// Removes something.
    Delete,
}

impl Method {
    /// The method as HTTP spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// It changes something, so the site wants its CSRF token.
    pub fn changes_something(self) -> bool {
        self != Self::Get
    }
}

/// The call that makes a thread.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCall {
    /// The request.
    pub request: Call,
    /// Where the thread's id stands in the reply.
    pub id: FieldPath,
}

/// The call that lists the models, and how to read a record of its reply.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsCall {
    /// The request.
    pub request: Call,
    /// Where the array stands in the reply; the reply itself if absent.
    #[serde(default = "whole_reply")]
    pub list: FieldPath,
    /// The site's id of the model.
    pub id: FieldPath,
    /// The model's public name.
    pub name: FieldPath,
    /// A name for people.
    #[serde(default)]
    pub label: Option<FieldPath>,
    /// Who makes it.
    #[serde(default)]
    pub provider: Option<FieldPath>,
    /// Only records that pass this can be used.
    #[serde(default)]
    pub usable: Option<Usable>,
    /// Which models take images; counts only where the profile says how images travel.
    #[serde(default)]
    pub images: Option<Images>,
    /// Of several records with one name, one whose field here is `null` or absent comes first.
    #[serde(default)]
    pub parent: Option<FieldPath>,
    /// And then the one whose visibility stands earlier.
    #[serde(default)]
    pub visibility: Option<Visibility>,
}

/// A record whose `field` holds one of `values` can be used; one without the field, too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usable {
    /// The field.
    pub field: FieldPath,
    /// What it may hold.
    pub values: Vec<String>,
}

/// A model takes images when the array `field` holds `value`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// The array.
    pub field: FieldPath,
    /// What it holds then.
    pub value: String,
}

/// Of several records with one name, the one whose `field` stands earlier in `order` is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visibility {
    /// The field.
    pub field: FieldPath,
    /// Best first; what is not listed comes last.
    pub order: Vec<String>,
}

/// How a streamed answer is written: server-sent events whose data is JSON, each read by the first rule that fits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// An event whose data is exactly this ends a whole answer.
    #[serde(default)]
    pub end_mark: Option<String>,
    /// The rules. A message that none fits is a change of the site.
    pub messages: Vec<MessageRule>,
}

/// How to read one kind of message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageRule {
    /// The rule fits a message that has this field, not `null` …
    pub when: FieldPath,
    /// … and, if this is given, one of these texts in it.
    #[serde(default)]
    pub equals: Vec<String>,
    /// Where a piece of the answer stands. Text, `null` or nothing.
    #[serde(default)]
    pub text: Option<FieldPath>,
    /// Where a piece of the reasoning stands: all that are there count, the first that is text is taken.
    #[serde(default)]
    pub reasoning: Vec<FieldPath>,
    /// A text here says that the answer is whole, and why it ended.
    #[serde(default)]
    pub finish: Option<FieldPath>,
    /// The message itself ends a whole answer.
    #[serde(default)]
    pub done: bool,
    /// The message reports an error of the site; what stands here says which.
    #[serde(default)]
    pub error: Option<FieldPath>,
    /// Without this field the message is a change of the site.
    #[serde(default)]
    pub requires: Option<FieldPath>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// For the head of an answer.
    #[serde(deserialize_with = "check::wait")]
    pub first_byte: Duration,
    /// For the next piece of a streamed answer.
    #[serde(deserialize_with = "check::wait")]
    pub idle: Duration,
    /// For a whole streamed answer.
    #[serde(deserialize_with = "check::wait")]
    pub total: Duration,
    /// For a whole call that streams nothing.
    #[serde(deserialize_with = "check::wait")]
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: seconds::<60>(),
            idle: seconds::<90>(),
            total: seconds::<1800>(),
            call: seconds::<20>(),
        }
    }
}

const fn seconds<const N: u64>() -> Duration {
    Duration::from_secs(N)
}

fn whole_reply() -> FieldPath {
    FieldPath::from(String::new())
}

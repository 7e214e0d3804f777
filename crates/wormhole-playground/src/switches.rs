//! What can be switched while the site runs, and stays so until it is switched back.

use serde::Deserialize;
use serde::Serialize;

/// Which generation of the real site's paths and shapes is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// `/chat`, `GET /playground-models` with full records.
    #[default]
    Newer,
    /// `/expert`, `GET /models` with `id` and `name`.
    Older,
}

impl Era {
    /// The path of the chat page.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Newer => "/chat",
            Self::Older => "/expert",
        }
    }
}

/// How a streamed answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// OpenAI `chat.completion.chunk` events, a `finish_reason`, then `data: [DONE]`.
    #[default]
    OpenAi,
    /// `{"type":"chunk","content":…}` events, then `{"type":"done"}`.
    Typed,
}

/// The site's standing behaviour. Over the control endpoint any subset of the fields may be sent.
// Independent switches of a test bench, not a state machine in disguise.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent switch")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Which generation of the site is served.
    pub era: Era,
    /// How streams are written.
    pub shape: Shape,
    /// Ask for a one-time code after the right password.
    pub one_time_code: bool,
    /// Ask for a person before the login form.
    pub captcha: bool,
    /// `Max-Age` of the session cookies in seconds; `null`: they end with the browser.
    pub session_max_age_s: Option<u32>,
    /// Milliseconds between two words of a practice model (0: at once).
    pub word_pace_ms: u32,
    /// Answer the model list in a shape nobody knows.
    pub unknown_models: bool,
    /// Write streams in pieces of this many bytes (0: whole events), cutting characters and JSON.
    pub cut_bytes: usize,
    /// Milliseconds between two such pieces, so that a reader really meets them one by one.
    pub cut_pause_ms: u32,
    /// End lines with CRLF.
    pub crlf: bool,
    /// Write a `: keep-alive` comment before each event.
    pub comments: bool,
    /// The chat page's composer has another id.
    pub redesign: bool,
    /// The chat page's composer is an editable element, not a textarea.
    pub editable_composer: bool,
    /// Milliseconds between two times that the chat page shows a growing answer (0: with every word).
    pub render_pace_ms: u32,
    /// The pages' policy lets them connect to other origins.
    pub connect_anywhere: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            era: Era::Newer,
            shape: Shape::OpenAi,
            one_time_code: false,
            captcha: false,
            session_max_age_s: None,
            word_pace_ms: 25,
            unknown_models: false,
            cut_bytes: 0,
            cut_pause_ms: 0,
            crlf: false,
            comments: false,
            redesign: false,
            editable_composer: false,
            render_pace_ms: 0,
            connect_anywhere: false,
        }
    }
}

//! A conversation as every dialect reads it, and as the prompt is made from it.

/// A request, without anything of its dialect.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    /// The model's name as the client wrote it.
    pub model: Option<String>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Where the answer ends at the latest.
    pub limits: Limits,
    /// Names of fields that the client sent and nobody honours.
    pub ignored: Vec<String>,
}

/// Where an answer ends at the latest.
#[derive(Debug, Default, Clone)]
pub(crate) struct Limits {
    /// Texts before which it ends.
    pub stop: Vec<String>,
    /// The most tokens, by estimate.
    pub max_tokens: Option<u64>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whoever made the application; OpenAI's `developer` is the same.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool that the model called.
    Tool,
}

impl Role {
    /// The word that the templates use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message.
#[derive(Debug)]
pub(crate) struct Message {
    /// Who speaks.
    pub role: Role,
    /// What, in order.
    pub parts: Vec<Part>,
    /// A user's name, or the tool's.
    pub name: Option<String>,
    /// Tools that the assistant called.
    pub calls: Vec<Call>,
    /// The id of the call that a tool's message answers.
    pub answers: Option<String>,
}

impl Message {
    /// The text of all parts, each on lines of its own.
    pub(crate) fn text(&self) -> String {
        let texts: Vec<_> = self.parts.iter().filter_map(Part::text).collect();
        texts.join("\n")
    }
}

/// A piece of a message.
#[derive(Debug)]
pub(crate) enum Part {
    /// Text.
    Text(String),
    /// A picture, as the client gave it: a URL, or base64. No site takes any yet (issue 3).
    Image(#[expect(dead_code, reason = "read once a site takes images (issue 3)")] String),
}

impl Part {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Image(_) => None,
        }
    }
}

/// A tool that the assistant called.
#[derive(Debug)]
pub(crate) struct Call {
    /// What the result names.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// JSON, as text.
    pub arguments: String,
}

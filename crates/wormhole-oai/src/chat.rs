//! A conversation as every dialect reads it, and as the prompt is made from it.

use serde_json::{Value, json};

/// A request, without anything of its dialect.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    /// The model's name as the client wrote it.
    pub model: Option<String>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Where the answer ends at the latest.
    pub limits: Limits,
    /// Names of fields that the client sent and nobody honours.
    pub ignored: Vec<String>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// More than one call an answer.
    pub parallel_calls: bool,
    /// What the answer is.
    pub output: Output,
    /// How hard to think, in the client's word.
    pub effort: Option<String>,
}

impl Default for Chat {
    fn default() -> Self {
        Self {
            model: None,
            messages: Vec::new(),
            limits: Limits::default(),
            ignored: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::default(),
            parallel_calls: true,
            output: Output::default(),
            effort: None,
        }
    }
}

/// A function that the client can run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments, always an object.
    pub parameters: Value,
}

impl Tool {
    /// A tool; without a schema it takes an object without properties.
    pub(crate) fn new(name: String, description: Option<String>, parameters: Option<Value>) -> Self {
        let given = parameters.filter(|schema| schema.as_object().is_some_and(|schema| !schema.is_empty()));
        let parameters = given.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Self { name, description: description.filter(|text| !text.is_empty()), parameters }
    }
}

/// Whether the model calls a tool. Where only some tools are allowed, the dialect leaves the others out of
/// [`Chat::tools`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// It must not.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// What the answer is.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum Output {
    /// Text.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// JSON that obeys a schema.
    Schema {
        /// What the client calls it.
        name: String,
        /// The schema.
        schema: Value,
    },
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
#[derive(Debug, Clone)]
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
    /// The tool says that it failed.
    pub failed: bool,
}

impl Message {
    /// A message of these parts and nothing else.
    pub(crate) fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None, calls: Vec::new(), answers: None, failed: false }
    }

    /// The text of all parts, each on lines of its own.
    pub(crate) fn text(&self) -> String {
        let texts: Vec<_> = self.parts.iter().filter_map(Part::text).collect();
        texts.join("\n")
    }
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text.
    Text(String),
    /// A picture.
    Image(Image),
}

/// A picture, as the client gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Image {
    /// Its bytes.
    Data {
        /// Such as `image/png`.
        media_type: String,
        /// The bytes.
        base64: String,
    },
    /// Where it is.
    Url(String),
}

impl Image {
    /// From a URL, which may hold the picture itself: `data:image/png;base64,…`.
    pub(crate) fn from_url(url: String) -> Self {
        let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
        match data {
            Some((head, base64)) => {
                let media_type = head.split(';').next().filter(|kind| !kind.is_empty());
                Self::Data {
                    media_type: media_type.unwrap_or("image/png").to_owned(),
                    base64: base64.to_owned(),
                }
            }
            None => Self::Url(url),
        }
    }

    /// From bytes of unknown kind; the first of them tell it.
    pub(crate) fn from_base64(base64: String) -> Self {
        const BEGINNINGS: &[(&str, &str)] = &[
            ("/9j/", "image/jpeg"),
            ("R0lGOD", "image/gif"),
            ("UklGR", "image/webp"),
            ("iVBORw0KGgo", "image/png"),
        ];
        let known = BEGINNINGS.iter().find(|(beginning, _)| base64.starts_with(beginning));
        Self::Data { media_type: known.map_or("image/png", |(_, kind)| kind).to_owned(), base64 }
    }
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// What the result names.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// JSON, as text.
    pub arguments: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_told_by_its_url_or_its_first_bytes() {
        let data = |media_type: &str, base64: &str| Image::Data {
            media_type: media_type.to_owned(),
            base64: base64.to_owned(),
        };
        for (url, expected) in [
            ("data:image/gif;base64,R0lG", data("image/gif", "R0lG")),
            ("data:image/svg+xml;charset=utf-8;base64,AA==", data("image/svg+xml", "AA==")),
            ("data:;base64,AA==", data("image/png", "AA==")),
            ("https://example.org/a.png", Image::Url("https://example.org/a.png".to_owned())),
        ] {
            assert_eq!(Image::from_url(url.to_owned()), expected);
        }
        assert_eq!(Image::from_base64("/9j/4AA".to_owned()), data("image/jpeg", "/9j/4AA"));
        assert_eq!(Image::from_base64("????".to_owned()), data("image/png", "????"));
    }

    #[test]
    fn a_tool_always_has_a_schema() {
        let empty = json!({"type": "object", "properties": {}});
        for none in [None, Some(Value::Null), Some(json!({})), Some(json!("odd"))] {
            assert_eq!(Tool::new("f".to_owned(), Some(String::new()), none).parameters, empty);
        }
    }
}

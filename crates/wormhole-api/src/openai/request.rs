//! `POST /v1/chat/completions`, as clients send it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

use crate::text::{one_or_many, url_or_object};
use crate::{Function, FunctionCall, Rest};

/// The request. Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ChatRequest {
    /// The model; some clients leave it out.
    pub model: Option<String>,
    /// The conversation so far.
    pub messages: Vec<RequestMessage>,
    /// Stream the answer; off by default.
    pub stream: Option<bool>,
    /// What else the stream shall hold.
    pub stream_options: Option<StreamOptions>,
    /// How many answers.
    pub n: Option<i64>,
    /// Where to stop.
    #[serde(default, deserialize_with = "one_or_many")]
    pub stop: Vec<String>,
    /// The most tokens of the answer, older name. Some clients write -1 for no limit.
    pub max_tokens: Option<i64>,
    /// The most tokens of the answer, newer name.
    pub max_completion_tokens: Option<i64>,
    /// What the model may call.
    pub tools: Option<Vec<Tool>>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// More than one call an answer; on by default.
    pub parallel_tool_calls: Option<bool>,
    /// Tools as they were written before there were tools.
    pub functions: Option<Vec<Function>>,
    /// The choice among them.
    pub function_call: Option<ToolChoice>,
    /// What the answer is to be.
    pub response_format: Option<ResponseFormat>,
    /// How hard to think.
    pub reasoning_effort: Option<String>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `stream_options`.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
pub struct StreamOptions {
    /// One more chunk, with the usage.
    pub include_usage: Option<bool>,
}

impl StreamOptions {
    /// Whether the stream is to end with its usage.
    pub fn want_usage(options: Option<&Self>) -> bool {
        options.and_then(|options| options.include_usage).unwrap_or(false)
    }
}

/// A tool. Other kinds than `function` have no field that is known here.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Tool {
    /// `function`, `custom` …; Ollama's clients may leave it out.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// With `function`.
    pub function: Option<Function>,
}

/// `tool_choice` and `function_call`: a word, or an object.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected auto, none, required or an object")]
pub enum ToolChoice {
    /// `auto`, `none`, `required`.
    Word(String),
    /// One function, or those that are allowed.
    Object(ToolChoiceObject),
}

/// `tool_choice` as an object.
#[derive(Debug, Deserialize)]
pub struct ToolChoiceObject {
    /// `function` or `allowed_tools`; absent in `function_call`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// With `function`.
    pub function: Option<Named>,
    /// With `allowed_tools`.
    pub allowed_tools: Option<AllowedTools>,
    /// In `function_call`.
    pub name: Option<String>,
}

/// A function by its name.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
}

/// The tools that are allowed.
#[derive(Debug, Deserialize)]
pub struct AllowedTools {
    /// `auto` or `required`.
    pub mode: Option<String>,
    /// Which.
    #[serde(default)]
    pub tools: Vec<AllowedTool>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub struct AllowedTool {
    /// A function.
    pub function: Option<Named>,
}

/// `response_format`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ResponseFormat {
    /// `text`, `json_object`, `json_schema`.
    #[serde(rename = "type")]
    pub kind: String,
    /// With `json_schema`.
    pub json_schema: Option<NamedSchema>,
}

/// A schema with its name.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct NamedSchema {
    /// What the client calls it.
    pub name: Option<String>,
    /// The schema.
    pub schema: Option<Value>,
}

/// One message of the conversation.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct RequestMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool`, and `function` of old.
    pub role: String,
    /// A string, parts or null; absent beside tool calls.
    pub content: Option<Content>,
    /// Who speaks, or which function answered.
    pub name: Option<String>,
    /// The calls an assistant made.
    #[serde(default)]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The call of old.
    pub function_call: Option<FunctionCall<Option<String>>>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
    /// A refusal in place of content, in an assistant's history.
    pub refusal: Option<String>,
}

/// A call in an assistant's history.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ToolCall {
    /// What the tool's message will name.
    pub id: Option<String>,
    /// What was called; absent for kinds of tools this API does not know.
    pub function: Option<FunctionCall<Option<String>>>,
}

/// The content of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// A list of parts.
    Parts(Vec<ContentPart>),
}

/// A part of a message's content.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(expecting = "an object")]
pub struct ContentPart {
    /// `text`, `image_url`, `refusal`, `input_audio`, `file` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The text, with `text`.
    pub text: Option<String>,
    /// The text, with `refusal`.
    pub refusal: Option<String>,
    /// With `image_url`; clients write an object with `url`, or the URL itself.
    #[serde(default, deserialize_with = "url_or_object")]
    pub image_url: Option<String>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

// Not `untagged`: its error would say neither what was expected nor where.
struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of content parts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked;

    fn read(json: &str) -> ChatRequest {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn content_is_a_string_or_parts_or_null_or_absent() {
        let request = read(
            r#"{"messages":[
                {"role":"user","content":"plain"},
                {"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},
                    {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},
                    {"type":"image_url","image_url":"data:image/png;base64,BB=="}]},
                {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
                    "function":{"name":"f","arguments":"{}"}}]},
                {"role":"assistant"}]}"#,
        );
        assert_eq!(request.messages[0].content, Some(Content::Text("plain".to_owned())));
        let Some(Content::Parts(parts)) = &request.messages[1].content else { panic!("parts") };
        assert_eq!(parts[0].text.as_deref(), Some("a"));
        assert_eq!(parts[1].image_url.as_deref(), Some("data:image/png;base64,AA=="));
        assert_eq!(parts[2].image_url.as_deref(), Some("data:image/png;base64,BB=="));
        assert_eq!(request.messages[2].content, None);
        assert_eq!(request.messages[3].content, None);
    }

    #[test]
    fn stop_is_a_string_or_a_list_or_null() {
        assert_eq!(read(r#"{"messages":[],"stop":"x"}"#).stop, ["x"]);
        assert_eq!(read(r#"{"messages":[],"stop":["x","y"]}"#).stop, ["x", "y"]);
        assert!(read(r#"{"messages":[],"stop":null}"#).stop.is_empty());
    }

    #[test]
    fn unknown_fields_are_kept_by_name_unless_null() {
        let request = read(r#"{"messages":[],"temperature":0.5,"user":"u","seed":null}"#);
        assert_eq!(asked(&request.rest).collect::<Vec<_>>(), ["temperature", "user"]);
    }
}

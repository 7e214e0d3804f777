//! The events of a streamed response. Borrowed, because there is one for each delta.

use serde::Serialize;

use super::{OutputItem, OutputText, Response, SummaryText};

/// An event: its name, its number in the stream, counted from 0 without gaps, and what belongs to its kind.
#[derive(Debug, Serialize)]
pub struct Event<'a, T> {
    /// The same as on the `event:` line.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Counts from 0.
    pub sequence_number: u64,
    /// The rest.
    #[serde(flatten)]
    pub body: T,
}

/// `response.created`, `.in_progress`, `.completed`, `.incomplete`, `.failed`.
#[derive(Debug, Serialize)]
pub struct ResponseEvent<'a> {
    /// As it is now.
    pub response: &'a Response,
}

/// `response.output_item.added` and `.done`.
#[derive(Debug, Serialize)]
pub struct ItemEvent<'a> {
    /// Its place in `output`.
    pub output_index: usize,
    /// As it is now.
    pub item: &'a OutputItem,
}

/// `response.content_part.added` and `.done`.
#[derive(Debug, Serialize)]
pub struct PartEvent<'a> {
    /// The message.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub content_index: usize,
    /// As it is now.
    pub part: &'a OutputText,
}

/// `response.output_text.delta`.
#[derive(Debug, Serialize)]
pub struct TextDelta<'a> {
    /// The message.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub content_index: usize,
    /// What to append.
    pub delta: &'a str,
    /// Empty, not omitted.
    pub logprobs: [(); 0],
}

/// `response.output_text.done`.
#[derive(Debug, Serialize)]
pub struct TextDone<'a> {
    /// The message.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub content_index: usize,
    /// All of it.
    pub text: &'a str,
    /// Empty, not omitted.
    pub logprobs: [(); 0],
}

/// `response.reasoning_summary_part.added` and `.done`.
#[derive(Debug, Serialize)]
pub struct SummaryPartEvent<'a> {
    /// The reasoning.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub summary_index: usize,
    /// As it is now.
    pub part: &'a SummaryText,
}

/// `response.reasoning_summary_text.delta`.
#[derive(Debug, Serialize)]
pub struct SummaryDelta<'a> {
    /// The reasoning.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub summary_index: usize,
    /// What to append.
    pub delta: &'a str,
}

/// `response.reasoning_summary_text.done`.
#[derive(Debug, Serialize)]
pub struct SummaryTextDone<'a> {
    /// The reasoning.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// 0.
    pub summary_index: usize,
    /// All of it.
    pub text: &'a str,
}

/// `response.function_call_arguments.delta`.
#[derive(Debug, Serialize)]
pub struct ArgumentsDelta<'a> {
    /// The call.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// What to append.
    pub delta: &'a str,
}

/// `response.function_call_arguments.done`.
#[derive(Debug, Serialize)]
pub struct ArgumentsDone<'a> {
    /// The call.
    pub item_id: &'a str,
    /// Its place in `output`.
    pub output_index: usize,
    /// The function.
    pub name: &'a str,
    /// All of them.
    pub arguments: &'a str,
}

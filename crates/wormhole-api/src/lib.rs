#![doc = include_str!("../README.md")]

pub mod completions;
pub mod embeddings;
pub mod messages;
pub mod ndjson;
pub mod ollama;
pub mod openai;
pub mod responses;
pub mod sse;

mod function;
#[cfg(test)]
mod shapes;
mod text;

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

pub use function::{Function, FunctionCall};
pub use text::TextOr;

/// Fields of a request that no type names. `None` where the field was `null`, which asks for nothing.
pub type Rest = BTreeMap<String, Option<IgnoredAny>>;

/// Names of the fields in `rest` that ask for something, in alphabetical order.
pub fn asked(rest: &Rest) -> impl Iterator<Item = &str> {
    rest.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.as_str())
}

/// Appends `value` as JSON.
fn write_json<T: serde::Serialize>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value)
        .expect("wire types have string keys, and writing to memory cannot fail");
}

//! Text to frame and back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::limits::MAX_FRAME_BYTES;

/// A frame that could not be read. Holds places and names, never the frame's own text: it may be a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Over the limit; not even looked at.
    #[error("frame of {bytes} bytes is over the limit of {MAX_FRAME_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not JSON, or cut off.
    #[error("frame is not valid JSON at line {line}, column {column}")]
    NotJson {
        /// Counts from 1.
        line: usize,
        /// Counts from 1.
        column: usize,
    },
    /// JSON, but no frame that this version knows.
    #[error("frame does not fit the protocol: {what}")]
    Unknown {
        /// The kind of mismatch, values left out.
        what: &'static str,
    },
}

/// Reads one frame.
///
/// # Errors
/// Whatever the bytes, the answer is a frame or a [`DecodeError`]; it never panics.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => DecodeError::Unknown { what: what_is_wrong(&error) },
        _ => DecodeError::NotJson { line: error.line(), column: error.column() },
    })
}

/// serde's messages can quote values; these words cannot.
fn what_is_wrong(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    if text.starts_with("unknown variant") {
        "unknown type"
    } else if text.starts_with("missing field") {
        "a required field is missing"
    } else {
        "a field has the wrong type"
    }
}

/// Writes one frame.
///
/// # Panics
/// Never: every frame has string keys and no value that JSON cannot hold.
pub fn encode<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("frames have string keys and no maps of other kinds")
}

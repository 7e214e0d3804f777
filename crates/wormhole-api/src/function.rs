//! Functions that a client can run, as more than one dialect writes them.

use serde::Deserialize;
use serde_json::Value;

/// A function that the client can run.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub parameters: Option<Value>,
}

/// The function of a call in an assistant's history.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct FunctionCall<A> {
    /// Its name.
    pub name: String,
    /// Its arguments: text that should be JSON, or an object, as the dialect has it.
    #[serde(default)]
    pub arguments: A,
}

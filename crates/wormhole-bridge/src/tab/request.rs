//! What the page is asked to request.

use std::fmt;

use serde::Serialize;

/// A request that the page makes with its own session.
#[derive(Clone, Serialize)]
pub struct FetchRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query on the page's own origin.
    pub path: String,
    /// Headers, beside those the browser adds.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
    /// A header whose value the script copies from a cookie when it makes the request.
    pub csrf: Option<CsrfRule>,
}

impl FetchRequest {
    /// A GET of a path on the page's own origin.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), path: path.into(), headers: Vec::new(), body: None, csrf: None }
    }
}

// Paths may carry ids and bodies carry prompts: neither belongs in a log.
impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchRequest")
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.as_ref().map(String::len))
            .field("csrf", &self.csrf)
            .finish_non_exhaustive()
    }
}

/// Copy a cookie into a header: how sites tell their own page from a forged request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CsrfRule {
    /// The cookie's name. Without that cookie the header is left out.
    pub cookie: String,
    /// The header's name.
    pub header: String,
    /// Whether the cookie's value is percent-decoded first.
    pub decode: bool,
}

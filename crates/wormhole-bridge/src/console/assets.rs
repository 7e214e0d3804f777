//! The page's own files, and the headers that keep everybody else's out.

use axum::{
    extract::{Path, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

/// Nothing but our own files, nothing inline, and nobody may put the page into theirs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    // With `no-referrer` a browser names no origin when it posts a form, and the origin is what tells our page.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    // What is shown is a logged-in session.
    ("cache-control", "no-store"),
];

const CONSOLE: &str = include_str!("../../console/console.html");
const SIGN_IN: &str = include_str!("../../console/sign-in.html");

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        ($name, $kind, include_str!(concat!("../../console/", $name)))
    };
}

/// Every file by its name, with its type.
const FILES: [(&str, &str, &str); 9] = [
    asset!("console.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("main.js", "text/javascript; charset=utf-8"),
    asset!("link.js", "text/javascript; charset=utf-8"),
    asset!("panel.js", "text/javascript; charset=utf-8"),
    asset!("screen.js", "text/javascript; charset=utf-8"),
    asset!("keys.js", "text/javascript; charset=utf-8"),
    asset!("words.js", "text/javascript; charset=utf-8"),
    asset!("wire.js", "text/javascript; charset=utf-8"),
];

/// The page for somebody who has signed in.
pub(super) fn console() -> Response {
    Html(CONSOLE).into_response()
}

/// The page for everybody else; `problem` is why they are still there.
pub(super) fn sign_in(problem: Option<&str>) -> Response {
    let alert =
        problem.map_or_else(String::new, |text| format!(r#"<p class="alert" role="alert">{text}</p>"#));
    Html(SIGN_IN.replace("<!--problem-->", &alert)).into_response()
}

/// One of the files.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Puts the headers on every answer.
pub(super) async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

//! The static files, compiled in.

use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let (kind, text) = match file.as_str() {
        "chat.js" => (SCRIPT, include_str!("../../assets/chat.js")),
        "api.js" => (SCRIPT, include_str!("../../assets/api.js")),
        "markdown.js" => (SCRIPT, include_str!("../../assets/markdown.js")),
        "login.js" => (SCRIPT, include_str!("../../assets/login.js")),
        "site.css" => (STYLE, include_str!("../../assets/site.css")),
        "chat.css" => (STYLE, include_str!("../../assets/chat.css")),
        "icon.svg" => (PICTURE, include_str!("../../assets/icon.svg")),
        "captcha.svg" => (PICTURE, include_str!("../../assets/captcha.svg")),
        _ => return (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    };
    let mut response = ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text).into_response();
    if file == "captcha.svg" {
        // The one thing that a page of ours shows in a frame, as captchas are.
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'self'");
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

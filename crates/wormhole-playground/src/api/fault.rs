//! Answers that were ordered to be wrong.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

use super::ApiError;
use crate::app::App;
use crate::fault::Call;
use crate::fault::Fault;
use crate::web::Browser;
use crate::web::page;

/// A call that met a fault.
pub(crate) struct Met<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) browser: &'a Browser,
}

impl Met<'_> {
    /// The wrong answer to `call`, if one was ordered. A call held back goes on when it is let go.
    pub(crate) async fn answer(&self, call: Call) -> Option<Response> {
        let fault = self.app.meet(call)?;
        self.instead(fault).await
    }

    /// What is answered in place of the real thing.
    pub(crate) async fn instead(&self, fault: Fault) -> Option<Response> {
        Some(match fault {
            Fault::HoldResponse => {
                self.app.hold().await;
                return None;
            }
            Fault::Status { code, retry_after } => ApiError::ordered(code, retry_after).into_response(),
            Fault::Html => page::message("Please wait", "We are checking something. It will not take long."),
            Fault::SilentLogout => {
                if let Some(id) = self.browser.session_id() {
                    self.app.with_sessions(|sessions| sessions.end(id));
                }
                page::login(self.app.switches().era.home(), None)
            }
            Fault::UnknownShape => {
                axum::Json(json!({ "schema": 9, "payload": [{ "glyphs": "?" }] })).into_response()
            }
            Fault::Stall { .. } => half(stream::pending().boxed()),
            Fault::Cut { abrupt: false, .. } => half(stream::empty().boxed()),
            Fault::Cut { abrupt: true, .. } => {
                half(stream::iter([Err(io::ErrorKind::ConnectionAborted.into())]).boxed())
            }
        })
    }
}

/// The beginning of a JSON document, and then `rest`.
fn half(rest: stream::BoxStream<'static, io::Result<Bytes>>) -> Response {
    let begun = stream::iter([Ok(Bytes::from_static(b"{"))]);
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(begun.chain(rest))).into_response()
}

//! Who calls: extractors for reading and for state-changing calls.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use super::ApiError;
use crate::app::App;
use crate::web::Browser;

/// A logged-in caller that only reads.
pub(super) struct Reader {
    pub(super) browser: Browser,
}

/// A logged-in caller with a fresh CSRF token.
pub(super) struct Writer {
    pub(super) browser: Browser,
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let browser = Browser::from_parts(parts);
        if browser.session(app).is_none() {
            app.observed.note(|seen| seen.unauthorized += 1);
            return Err(ApiError::unauthorized());
        }
        Ok(Self { browser })
    }
}

impl FromRequestParts<Arc<App>> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Reader { browser } = Reader::from_request_parts(parts, app).await?;
        let wanted = browser.session(app).unwrap_or_default();
        let sent = parts.headers.get("x-csrf-token").map_or(&[][..], |value| value.as_bytes());
        if wanted.is_empty() || !bool::from(sent.ct_eq(wanted.as_bytes())) {
            app.observed.note(|seen| seen.csrf_refused += 1);
            return Err(ApiError::stale_csrf());
        }
        Ok(Self { browser })
    }
}

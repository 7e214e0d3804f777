//! What a request tells about its browser: cookies, and whether the connection is secure.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::COOKIE;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;

use crate::app::App;
use crate::serve::Connection;

/// The session cookie; no script may read it.
const SESSION: &str = "_session";
/// The CSRF cookie; the page's script reads it and sends it back as a header.
const CSRF: &str = "_csrf";
/// One-use tickets of a login that is half done.
const TICKET: &str = "_ticket";
const TICKET_SECONDS: u32 = 600;

/// The browser that sent a request.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    session: Option<String>,
    csrf: Option<String>,
    ticket: Option<String>,
    secure: bool,
}

impl Browser {
    pub(crate) fn from_parts(parts: &Parts) -> Self {
        let secure = parts.extensions.get::<Connection>().is_some_and(|connection| connection.secure);
        let cookie = |name| cookie(&parts.headers, name);
        Self { session: cookie(SESSION), csrf: cookie(CSRF), ticket: cookie(TICKET), secure }
    }

    pub(crate) fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The CSRF token of this browser's session, if the session is alive.
    pub(crate) fn session(&self, app: &App) -> Option<String> {
        let id = self.session.as_deref()?;
        app.with_sessions(|sessions| sessions.csrf(id))
    }

    pub(crate) fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// Whether this browser's CSRF cookie is not (or no longer) `token`.
    pub(crate) fn csrf_is_stale(&self, token: &str) -> bool {
        self.csrf.as_deref() != Some(encode(token).as_str())
    }

    /// Cookies of a session that begins.
    pub(crate) fn begin(&self, app: &App, headers: &mut HeaderMap) {
        let (id, csrf) = app.with_sessions(|sessions| {
            let id = sessions.begin();
            let csrf = sessions.csrf(&id).unwrap_or_default();
            (id, csrf)
        });
        let age = app.switches().session_max_age_s;
        self.set(headers, SESSION, &id, age);
        self.give_csrf(app, &csrf, headers);
        self.set(headers, TICKET, "", Some(0));
    }

    /// The readable CSRF cookie.
    pub(crate) fn give_csrf(&self, app: &App, token: &str, headers: &mut HeaderMap) {
        self.set(headers, CSRF, &encode(token), app.switches().session_max_age_s);
    }

    pub(crate) fn give_ticket(&self, id: &str, headers: &mut HeaderMap) {
        self.set(headers, TICKET, id, Some(TICKET_SECONDS));
    }

    /// Takes the session's cookies away.
    pub(crate) fn end(&self, headers: &mut HeaderMap) {
        self.set(headers, SESSION, "", Some(0));
        self.set(headers, CSRF, "", Some(0));
    }

    /// `value` holds only characters that cookies and headers may hold.
    fn set(&self, headers: &mut HeaderMap, name: &str, value: &str, max_age: Option<u32>) {
        let mut cookie = format!("{name}={value}; Path=/; SameSite=Lax");
        if name != CSRF {
            cookie.push_str("; HttpOnly");
        }
        if self.secure {
            cookie.push_str("; Secure");
        }
        if let Some(seconds) = max_age {
            let _ = write!(cookie, "; Max-Age={seconds}");
        }
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_parts(parts))
    }
}

/// A cookie's raw value. HTTP/2 clients may send one header per cookie.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Percent-encodes what `encodeURIComponent` would.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

//! Browsers: which web pages may call this API, and under which names it answers.
//!
//! A page of any site can make its visitor's browser send requests to loopback, where no key may be asked for. Browsers
//! name the page's origin, so that foreign ones can be refused before they cause anything; and a page whose own name
//! was pointed at loopback (DNS rebinding) is told by the `Host` that its requests name.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HOST, ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::debug;
use url::{Host, Url};
use wormhole_runtime::ConfigError;

use super::{REQUEST_ID, request_id};
use crate::api::Api;
use crate::dialect::Dialect;
use crate::errors::{ApiError, Kind};
use crate::metrics::Foreign;

const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";

/// What browsers may send: what the SDKs send when they run in one.
const HEADERS: &str = "authorization, content-type, content-encoding, user-agent, accept, x-requested-with, \
     x-api-key, api-key, idempotency-key, x-request-id, openai-beta, openai-organization, openai-project, \
     anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access, \
     x-stainless-lang, x-stainless-package-version, x-stainless-os, x-stainless-arch, x-stainless-retry-count, \
     x-stainless-runtime, x-stainless-runtime-version, x-stainless-async, x-stainless-helper-method, \
     x-stainless-poll-helper, x-stainless-custom-poll-interval, x-stainless-timeout";

/// Chrome asks before it lets a public page reach a private address.
const REQUEST_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Which pages and names are welcome.
#[derive(Debug, Clone, Default)]
pub struct Browsers {
    origins: Vec<String>,
    hosts: Vec<String>,
}

impl Browsers {
    /// Reads the two settings: entries between commas or on lines.
    ///
    /// Origins are `https://chat.example.org`, `app://*` for every page of a scheme, or `*`.
    /// Hosts are `api.example.org`, `.example.org` for every name below, or `*`.
    ///
    /// # Errors
    /// An entry is neither.
    pub fn parse(origins: &str, hosts: &str) -> Result<Self, ConfigError> {
        let entries = |text: &str| {
            let entries = text.split([',', '\n']).map(|entry| entry.trim().to_ascii_lowercase());
            entries.filter(|entry| !entry.is_empty()).collect::<Vec<_>>()
        };
        let (origins, hosts) = (entries(origins), entries(hosts));
        for origin in &origins {
            let has_form = origin
                .split_once("://")
                .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && !host.contains('/'));
            if origin != "*" && !has_form {
                let message =
                    format!("expected an origin such as https://chat.example.org, found '{origin}'");
                return Err(ConfigError::new("WORMHOLE_CORS_ORIGINS", message));
            }
        }
        if let Some(host) = hosts.iter().find(|host| host.contains(['/', ':']) || host.as_str() == ".") {
            let message = format!("expected a host name without port, found '{host}'");
            return Err(ConfigError::new("WORMHOLE_ALLOWED_HOSTS", message));
        }
        Ok(Self { origins, hosts })
    }

    /// Refuses a request under a foreign name. On loopback only names that nobody else can own are answered to, and
    /// those of the setting; elsewhere names are not looked at unless the setting holds some.
    ///
    /// # Errors
    /// The name is foreign.
    fn check_host<B>(&self, request: &http::Request<B>, listen: SocketAddr) -> Result<(), ApiError> {
        if !listen.ip().is_loopback() && self.hosts.is_empty() {
            return Ok(());
        }
        let named = request.uri().authority().map(Authority::as_str);
        let header = request.headers().get(HOST);
        let Some(named) = named.or_else(|| header.map(|value| value.to_str().unwrap_or("?"))) else {
            // No browser leaves it out.
            return Ok(());
        };
        let host = named
            .parse::<Authority>()
            .map_or_else(|_| String::new(), |name| name.host().to_ascii_lowercase());
        if is_own(&host) || self.hosts.iter().any(|allowed| matches_host(allowed, &host)) {
            return Ok(());
        }
        Err(ApiError::new(
            Kind::Forbidden,
            "this server does not answer under that host name; WORMHOLE_ALLOWED_HOSTS lists others",
        ))
    }

    /// The page's origin, where a browser named one.
    ///
    /// # Errors
    /// The page is not welcome.
    fn check_origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, ApiError> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
        let text = origin.to_str().unwrap_or("?").to_ascii_lowercase();
        if is_loopback(&text) || self.origins.iter().any(|allowed| matches_origin(allowed, &text)) {
            return Ok(Some(origin.clone()));
        }
        Err(ApiError::new(
            Kind::Forbidden,
            "web pages of this origin may not call this API; WORMHOLE_CORS_ORIGINS lists those that may",
        ))
    }
}

/// Names for this machine that no stranger can own: addresses cannot be rebound, and these endings are nobody's.
fn is_own(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || [".localhost", ".internal"].iter().any(|ending| host.ends_with(ending))
}

fn matches_host(allowed: &str, host: &str) -> bool {
    allowed == "*" || allowed == host || (allowed.starts_with('.') && host.ends_with(allowed))
}

fn matches_origin(allowed: &str, origin: &str) -> bool {
    let of_scheme = allowed.strip_suffix('*').filter(|scheme| scheme.ends_with("://"));
    allowed == "*" || allowed == origin || of_scheme.is_some_and(|scheme| origin.starts_with(scheme))
}

/// A page of this machine.
fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The middleware, around everything else: what it refuses reaches nothing.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let named = api.browsers.check_host(&request, api.listen).map_err(|error| (Foreign::Host, error));
    let checked = named.and_then(|()| {
        api.browsers.check_origin(request.headers()).map_err(|error| (Foreign::Origin, error))
    });
    let origin = match checked {
        Ok(origin) => origin,
        Err((what, error)) => {
            api.metrics.foreign(what);
            debug!(path = request.uri().path(), why = error.message(), "refused");
            let id = request_id(request.headers());
            let mut response = Dialect::of(request.uri().path()).error(&error, &id);
            response.headers_mut().extend(HeaderValue::from_str(&id).map(|id| (REQUEST_ID, id)));
            return response;
        }
    };
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin {
        expose(response.headers_mut(), origin);
    }
    response
}

/// The answer to `OPTIONS`, which a browser asks before it sends anything.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    if asked.contains_key(ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        if asked.contains_key(REQUEST_PRIVATE) {
            headers.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
        }
    }
    response
}

/// Lets the page of this origin read the answer.
fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests;

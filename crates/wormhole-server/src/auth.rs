//! Who may open a connection, before the upgrade.

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, ORIGIN},
};
use wormhole_protocol::Role;
use wormhole_runtime::same_token;

use crate::config::Config;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It comes from a browser: no web page may join.
    Origin,
    /// No bearer token, or a wrong one.
    Token,
    /// Too many connections are open.
    Full,
}

impl Refusal {
    pub(crate) const ALL: [Self; 3] = [Self::Origin, Self::Token, Self::Full];

    /// The word for it in logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Token => "token",
            Self::Full => "full",
        }
    }
}

/// The role that a request's token is for.
pub(crate) fn authorise(headers: &HeaderMap, config: &Config) -> Result<Role, Refusal> {
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::Origin);
    }
    let given = bearer(headers).ok_or(Refusal::Token)?;
    // Both are compared whatever the first says, so that the time tells nothing.
    match (same_token(given, &config.page_token), same_token(given, &config.sender_token)) {
        (true, _) => Ok(Role::Page),
        (_, true) => Ok(Role::Sender),
        _ => Err(Refusal::Token),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn check(headers: &[(&str, &str)], expected: Result<Role, Refusal>) {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config::new(any, any, "for-pages".into(), "for-senders".into());
        let map = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<HeaderMap>();
        assert_eq!(authorise(&map, &config), expected, "{headers:?}");
    }

    #[test]
    fn each_token_is_for_one_role() {
        check(&[("authorization", "Bearer for-pages")], Ok(Role::Page));
        check(&[("authorization", "bearer for-senders")], Ok(Role::Sender));
    }

    #[test]
    fn anything_else_is_refused() {
        check(&[], Err(Refusal::Token));
        check(&[("authorization", "Bearer")], Err(Refusal::Token));
        check(&[("authorization", "Bearer ")], Err(Refusal::Token));
        check(&[("authorization", "Basic for-pages")], Err(Refusal::Token));
        check(&[("authorization", "Bearer for-page")], Err(Refusal::Token));
    }

    #[test]
    fn a_browser_is_refused_even_with_a_token() {
        let headers = [("authorization", "Bearer for-pages"), ("origin", "null")];
        check(&headers, Err(Refusal::Origin));
    }
}

//! Who may in: the operator's token once, a cookie from then on. A program gives the token with each request.

use std::{net::IpAddr, time::Instant};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
};
use url::Url;
use wormhole_runtime::{SecretString, same_token};

use super::{
    attempts::Attempts,
    sessions::{LASTS, Sessions, Signed, random},
};

/// Guards every way into the console.
#[derive(Debug)]
pub(crate) struct Gate {
    token: SecretString,
    /// Where the operator reaches the console: behind a proxy, not by the name that requests carry.
    home: Url,
    attempts: Attempts,
    sessions: Sessions,
    /// The cookie's name. Cookies know no ports: without an end of its own, two bridges on one host would sign each
    /// other's operators out.
    cookie: String,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Not the token.
    Wrong,
    /// Too many wrong ones; seconds until the next may be tried.
    Wait(u64),
}

impl Gate {
    pub(crate) fn new(token: SecretString, home: Url) -> Self {
        let cookie = format!("wormhole_console_{}", &random()[..8]);
        Self { token, home, attempts: Attempts::default(), sessions: Sessions::default(), cookie }
    }

    /// Signs in whoever has the token; the cookie that says so.
    pub(crate) fn sign_in(
        &self,
        token: &str,
        from: IpAddr,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, Denied> {
        self.check(token, from)?;
        let value = self.sessions.begin(Instant::now());
        tracing::info!(%from, "somebody has signed in at the console");
        Ok(self.set_cookie(&value, LASTS.as_secs(), headers))
    }

    /// Signs out whoever asks; the cookie that takes theirs away.
    pub(crate) fn sign_out(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(value) = self.cookie(headers) {
            self.sessions.end(value);
        }
        self.set_cookie("", 0, headers)
    }

    /// The operator, by their cookie.
    pub(crate) fn signed(&self, headers: &HeaderMap) -> Option<Signed> {
        self.sessions.find(self.cookie(headers)?, Instant::now())
    }

    /// The operator, by cookie or token.
    pub(crate) fn knows(&self, from: IpAddr, headers: &HeaderMap) -> Result<(), Denied> {
        if self.signed(headers).is_some() {
            return Ok(());
        }
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given.map_or(Err(Denied::Wrong), |token| self.check(token, from))
    }

    /// Whether a request that changes something comes from a page of ours, and not from another one in the same browser.
    pub(crate) fn is_ours(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = header(headers, &ORIGIN).and_then(|origin| Url::parse(origin).ok()) else {
            return false;
        };
        let host =
            header(headers, &HOST).and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
        let ours = [Some(&self.home), host.as_ref()];
        origin.origin().is_tuple() && ours.into_iter().flatten().any(|ours| ours.origin() == origin.origin())
    }

    fn check(&self, token: &str, from: IpAddr) -> Result<(), Denied> {
        let now = Instant::now();
        if let Some(wait) = self.attempts.wait(from, now) {
            return Err(Denied::Wait(wait.as_secs().max(1)));
        }
        if same_token(token, &self.token) {
            return Ok(());
        }
        self.attempts.fail(from, now);
        tracing::warn!(%from, "a wrong token at the console");
        Err(Denied::Wrong)
    }

    fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies =
            lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        cookies.find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// `Secure` where the browser itself says that it came by HTTPS: on plain HTTP it would not keep the cookie.
    fn set_cookie(&self, value: &str, seconds: u64, headers: &HeaderMap) -> HeaderValue {
        let secure = header(headers, &ORIGIN).is_some_and(|origin| origin.starts_with("https://"));
        let secure = if secure { "; Secure" } else { "" };
        let cookie =
            format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie);
        HeaderValue::try_from(cookie).expect("letters, digits and signs of a cookie")
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new("the right token".into(), "https://console.example/".parse().unwrap())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_token_buys_a_cookie_that_scripts_cannot_read_and_that_sign_out_takes_back() {
        let gate = gate();
        let plain = headers(&[("origin", "http://127.0.0.1:8767")]);
        let cookie = gate.sign_in("the right token", HERE, &plain).unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
        let with = headers(&[("cookie", &format!("a=b; {}", cookie.split(';').next().unwrap()))]);
        assert!(gate.signed(&with).is_some() && gate.knows(HERE, &with).is_ok());
        gate.sign_out(&with);
        assert!(gate.signed(&with).is_none());
        let secure = headers(&[("origin", "https://console.example")]);
        let cookie = gate.sign_in("the right token", HERE, &secure).unwrap();
        assert!(cookie.to_str().unwrap().ends_with("; Secure"));
    }

    #[test]
    fn guessing_has_to_wait_even_with_the_right_token() {
        let gate = gate();
        for _ in 0..5 {
            assert_eq!(gate.sign_in("guess", HERE, &HeaderMap::new()).unwrap_err(), Denied::Wrong);
        }
        let bearer = headers(&[("authorization", "Bearer the right token")]);
        assert!(matches!(gate.knows(HERE, &bearer), Err(Denied::Wait(1..=60))));
        assert!(gate.knows("10.0.0.1".parse().unwrap(), &bearer).is_ok());
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let gate = gate();
        let ask = |origin: &str| gate.is_ours(&headers(&[("origin", origin), ("host", "127.0.0.1:8767")]));
        assert!(ask("http://127.0.0.1:8767") && ask("https://console.example"));
        for other in ["http://127.0.0.1:9999", "https://evil.example", "null", "http://console.example"] {
            assert!(!ask(other), "{other}");
        }
        assert!(!gate.is_ours(&headers(&[("host", "127.0.0.1:8767")])));
    }
}

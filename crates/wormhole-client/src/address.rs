//! Where the hub is, and how patient a link is.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;
use wormhole_protocol::{HEARTBEAT, HUB_PATH, PEER_DEAD_AFTER};
use wormhole_runtime::ConfigError;

/// Where the hub is, and who comes.
#[derive(Debug, Clone)]
pub struct HubAddress {
    /// `ws://` or `wss://`, host and port. A path in it is a prefix, as behind an ingress.
    pub url: Url,
    /// The token of the role that joins.
    pub token: SecretString,
    /// A name for logs (host name, pod name).
    pub name: String,
}

impl HubAddress {
    /// The URL that is dialled: the address with the hub's path.
    pub(crate) fn endpoint(&self) -> Url {
        let mut url = self.url.clone();
        let path = format!("{}{HUB_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_query(None);
        url
    }
}

/// The hub's base URL from settings: a URL, which wins, or a host and a port.
///
/// # Errors
/// Neither can be used; the error names the variable.
pub fn hub_url(url: Option<Url>, host: &str, port: u16) -> Result<Url, ConfigError> {
    if let Some(url) = url {
        let fits = matches!(url.scheme(), "ws" | "wss") && url.has_host();
        let wrong = "must be a URL such as ws://wormhole-server:8765 or wss://hub.example";
        return if fits { Ok(url) } else { Err(ConfigError::new("WORMHOLE_SERVER_URL", wrong)) };
    }
    // An IPv6 address stands in brackets in a URL.
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    Url::parse(&format!("ws://{host}:{port}"))
        .ok()
        .filter(|url| url.path() == "/" && url.username().is_empty())
        .ok_or_else(|| ConfigError::new("WORMHOLE_SERVER_HOST", "must be a host name or an address"))
}

/// How patient a link is. The defaults are the protocol's; tests are less patient.
#[derive(Debug, Clone)]
pub struct LinkTimings {
    /// Time between pings.
    pub heartbeat: Duration,
    /// Silence after which the hub counts as gone; also how long it may leave us unable to write.
    pub dead_after: Duration,
    /// The shortest wait before dialling again.
    pub backoff_min: Duration,
    /// The longest wait before dialling again, and the wait after a refusal that only a person can mend.
    pub backoff_max: Duration,
    /// How long dialling and joining may take together.
    pub join_within: Duration,
    /// How long `submit` and `forget` wait for a link that is not joined or does not drain.
    pub submit_within: Duration,
    /// How much longer than a turn's own deadline we wait for the hub to say that it has passed.
    pub deadline_slack: Duration,
    /// How long the answer to `forget` may take.
    pub forget_within: Duration,
}

impl Default for LinkTimings {
    fn default() -> Self {
        Self {
            heartbeat: HEARTBEAT,
            dead_after: PEER_DEAD_AFTER,
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            join_within: Duration::from_secs(10),
            submit_within: Duration::from_secs(5),
            deadline_slack: Duration::from_secs(5),
            forget_within: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &str, endpoint: &str) {
        let address =
            HubAddress { url: base.parse().unwrap(), token: "t0ken".into(), name: "test".to_owned() };
        assert_eq!(address.endpoint().as_str(), endpoint);
        assert!(!format!("{address:?}").contains("t0ken"));
    }

    #[test]
    fn the_endpoint_is_the_address_with_the_hubs_path() {
        check("ws://127.0.0.1:8765", "ws://127.0.0.1:8765/v1/ws");
        check("wss://chat.example/wormhole/", "wss://chat.example/wormhole/v1/ws");
        check("wss://chat.example/?x=1", "wss://chat.example/v1/ws");
    }
}

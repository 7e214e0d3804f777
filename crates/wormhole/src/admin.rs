//! Where an admin port is, for the commands that ask one.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use url::Url;
use wormhole_runtime::reachable;

/// An admin port: an address, or a name and a port, as containers know each other.
#[derive(Debug, Clone)]
pub(crate) struct AdminPort(String);

impl FromStr for AdminPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(addr) = text.parse::<SocketAddr>() {
            return Ok(addr.into());
        }
        let named = Url::parse(&format!("http://{text}/"))
            .is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
        let has_port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if named && has_port {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an address or a name with a port, such as 127.0.0.1:9467 or wormhole-oai:9467")
        }
    }
}

impl From<SocketAddr> for AdminPort {
    /// A service that listens everywhere is asked on this machine.
    fn from(addr: SocketAddr) -> Self {
        Self(reachable(addr).to_string())
    }
}

impl fmt::Display for AdminPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_name_each_with_a_port() {
        for (given, asked) in [
            ("0.0.0.0:9465", "127.0.0.1:9465"),
            ("[::]:9465", "[::1]:9465"),
            ("[::1]:9465", "[::1]:9465"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("wormhole-oai:9467", "wormhole-oai:9467"),
        ] {
            assert_eq!(given.parse::<AdminPort>().unwrap().to_string(), asked);
        }
        for given in [
            "",
            "wormhole-oai",
            "wormhole-oai:",
            ":9467",
            "oai:port",
            "a:99999",
            "a/b:1",
            "a@b:1",
            "http://a:1",
            "a?b:1",
        ] {
            assert!(given.parse::<AdminPort>().is_err(), "{given:?}");
        }
    }
}

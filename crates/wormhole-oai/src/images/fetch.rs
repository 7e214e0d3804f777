//! Fetching pictures from hosts that the operator has named, and from no others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response};
use url::Url;
use wormhole_runtime::ConfigError;

/// The setting, as errors name it.
const SETTING: &str = "WORMHOLE_IMAGE_HOSTS";

/// The most redirects.
const MAX_HOPS: usize = 3;

/// Hosts that pictures are fetched from; none by default. Whoever may ask makes this service send requests to them.
#[derive(Debug, Clone, Default)]
pub struct ImageHosts(Arc<[Host]>);

/// `images.example.org`, `.example.org` for everything below it, each with a port if it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl ImageHosts {
    /// Reads the setting: names between commas or blanks.
    ///
    /// # Errors
    /// Something is no name of a host.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let hosts: Result<Vec<_>, _> = entries.map(Host::parse).collect();
        Ok(Self(hosts?.into()))
    }

    fn allow(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && self.0.iter().any(|host| host.is(url))
    }
}

impl Host {
    fn parse(entry: &str) -> Result<Self, ConfigError> {
        let wrong = || {
            let message = format!(
                "expected names of hosts such as images.example.org or .example.org, found '{entry}'"
            );
            ConfigError::new(SETTING, message)
        };
        let below = entry.starts_with('.');
        let url = Url::parse(&format!("http://{}/", entry.trim_start_matches('.'))).map_err(|_| wrong())?;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        let name = url.host_str().filter(|name| plain && !name.contains('*')).ok_or_else(wrong)?;
        // The port that a URL leaves out is the scheme's own.
        let port = entry.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Ok(Self { name: if below { format!(".{name}") } else { name.to_owned() }, port })
    }

    fn is(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let named = if self.name.starts_with('.') { host.ends_with(&self.name) } else { host == self.name };
        named
            && if self.port.is_some() {
                url.port_or_known_default() == self.port
            } else {
                url.port().is_none()
            }
    }
}

/// Fetches.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Client,
    hosts: ImageHosts,
    most: usize,
}

impl Fetcher {
    /// At most so many bytes within this time.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(super) fn new(hosts: ImageHosts, most: usize, within: Duration) -> Result<Self, reqwest::Error> {
        let allowed = hosts.clone();
        let policy = Policy::custom(move |attempt: Attempt<'_>| {
            let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            let downgrade = from_tls && attempt.url().scheme() != "https";
            if !downgrade && attempt.previous().len() <= MAX_HOPS && allowed.allow(attempt.url()) {
                attempt.follow()
            } else {
                attempt.error("not allowed")
            }
        });
        let client = Client::builder().timeout(within).redirect(policy).referer(false).build()?;
        Ok(Self { client, hosts, most })
    }

    /// The bytes of the picture at this address. The error is for the caller, and quotes no more than the host.
    pub(super) async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        if url.trim_start().starts_with("data:") {
            return Err("a data: URL must be in base64: data:image/png;base64,…".to_owned());
        }
        let url = Url::parse(url).map_err(|_| "its address is no URL".to_owned())?;
        if self.hosts.0.is_empty() {
            return Err(format!(
                "images are not fetched here; send its bytes as a data: URL (the operator may name hosts with {SETTING})"
            ));
        }
        let host = url.host_str().unwrap_or("no host").to_owned();
        if !self.hosts.allow(&url) {
            return Err(format!("images are not fetched from {host}; {SETTING} does not name it"));
        }
        let response = self.client.get(url).header("accept", "image/*").send().await;
        let response = response.map_err(|error| wrong(&host, &error))?;
        self.read(response, &host).await
    }

    async fn read(&self, response: Response, host: &str) -> Result<Vec<u8>, String> {
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{host} answered with status {}", status.as_u16()));
        }
        let kind =
            response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.trim_start().to_ascii_lowercase().starts_with("image/") {
            return Err(format!("{host} answered with something that it does not call an image"));
        }
        let mut bytes = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| wrong(host, &error))?;
            if bytes.len() + piece.len() > self.most {
                return Err(format!("it has more than {} bytes (WORMHOLE_IMAGE_BYTES)", self.most));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

fn wrong(host: &str, error: &reqwest::Error) -> String {
    if error.is_redirect() {
        format!("{host} leads to an address that {SETTING} does not name, or too far")
    } else if error.is_timeout() {
        format!("{host} took too long")
    } else {
        format!("{host} cannot be reached, or broke off")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &str, url: &str) -> bool {
        ImageHosts::parse(hosts).unwrap().allow(&url.parse().unwrap())
    }

    #[test]
    fn only_named_hosts_are_asked() {
        let hosts = "img.example.org, .cdn.example.net 127.0.0.1:8080 Upper.Example";
        for url in [
            "https://img.example.org/a.png",
            "http://img.example.org:80/a.png?x",
            "https://a.b.cdn.example.net/",
            "http://127.0.0.1:8080/",
            "https://upper.example/",
        ] {
            assert!(allows(hosts, url), "{url}");
        }
        for url in [
            "https://example.org/",
            "https://x.img.example.org/",
            "https://img.example.org:8443/",
            "https://cdn.example.net/",
            "https://evilcdn.example.net/",
            "http://127.0.0.1/",
            "https://user@img.example.org/",
            "ftp://img.example.org/",
            "file:///etc/passwd",
        ] {
            assert!(!allows(hosts, url), "{url}");
        }
        assert!(!allows("", "https://img.example.org/"));
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_settings_name() {
        for wrong in ["*", "https://example.org", "a/b", "*.example.org", "a:b"] {
            let error = ImageHosts::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(SETTING) && error.contains(wrong), "{error}");
        }
    }
}

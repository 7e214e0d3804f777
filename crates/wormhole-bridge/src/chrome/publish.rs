//! DevTools for others: a port that passes connections on to Chromium's own, which is on loopback alone.
//!
//! Whoever reaches it owns the session, so it is off unless asked for, and only listed addresses are passed on.
//! Chromium answers a request only when its `Host` is an address or `localhost`: connect by address, not by name.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::metrics::{ChromeMetrics, Visit};

/// A debugger opens one connection for each page it looks at. More are closed at once.
const MOST: usize = 16;
/// Chromium is on the same machine.
const CONNECT: Duration = Duration::from_secs(2);
/// After a failed accept (no file descriptors left, for one) the next would fail at once, too.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Where DevTools is published, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Who may connect.
    pub allow: Vec<IpNet>,
}

impl Publish {
    /// IPv4 callers of an IPv6 socket are meant by their IPv4 address.
    fn allows(&self, caller: IpAddr) -> bool {
        let caller = caller.to_canonical();
        self.allow.iter().any(|net| net.contains(&caller))
    }

    /// Opens the port. It is closed while no browser runs.
    pub(crate) async fn bind(&self) -> io::Result<TcpListener> {
        TcpListener::bind(self.listen).await
    }
}

/// Passes connections on to DevTools on this port of loopback, for the life of the browser.
pub(crate) async fn publish(listener: TcpListener, to: Publish, port: u16, metrics: ChromeMetrics) {
    tracing::warn!(
        listen = %to.listen, allow = ?to.allow,
        "DevTools is published: whoever connects from there owns the session"
    );
    metrics.published.set(1);
    let _unpublished = Unpublish(metrics.clone());
    let mut connections = JoinSet::new();
    loop {
        let (socket, caller) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "a connection to the published DevTools port failed");
                    sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let visit = match (to.allows(caller.ip()), connections.len()) {
            (false, _) => Visit::Refused,
            (true, MOST..) => Visit::Full,
            (true, _) => Visit::Allowed,
        };
        metrics.visited(visit);
        tracing::info!(caller = %caller.ip(), ?visit, "somebody connects to the published DevTools port");
        if visit == Visit::Allowed {
            connections.spawn(pass_on(socket, port));
        }
    }
}

/// Ends when either side does: with the browser at the latest.
async fn pass_on(mut caller: TcpStream, port: u16) {
    let devtools = timeout(CONNECT, TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await;
    if let Ok(Ok(mut devtools)) = devtools {
        // How it ended is between the two.
        let _ = copy_bidirectional(&mut caller, &mut devtools).await;
    }
}

struct Unpublish(ChromeMetrics);

impl Drop for Unpublish {
    fn drop(&mut self) {
        self.0.published.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_addresses_are_allowed() {
        let allow = ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32"].map(|net| net.parse().unwrap()).into();
        let publish = Publish { listen: "0.0.0.0:9222".parse().unwrap(), allow };
        for good in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "192.0.2.7"] {
            assert!(publish.allows(good.parse().unwrap()), "{good}");
        }
        for bad in ["192.0.2.8", "127.0.0.1", "::1", "2001:db8::1"] {
            assert!(!publish.allows(bad.parse().unwrap()), "{bad}");
        }
    }
}

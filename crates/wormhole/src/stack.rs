//! The three services in one process. Each binds its sockets, and the next is told the address.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use url::Url;
use wormhole_runtime::{Lifecycle, reachable};
pub(crate) use wormhole_server::fresh_token;

/// The services' settings; the hub's address in two of them is filled in here.
pub(crate) struct Settings {
    pub(crate) server: wormhole_server::Config,
    pub(crate) bridge: wormhole_bridge::Config,
    pub(crate) oai: wormhole_oai::Config,
}

/// Where the running services are.
pub(crate) struct Addresses {
    /// The hub.
    pub(crate) hub: SocketAddr,
    /// The public API.
    pub(crate) api: SocketAddr,
    /// The bridge's probes.
    pub(crate) bridge_admin: SocketAddr,
    /// The API's probes.
    pub(crate) oai_admin: SocketAddr,
}

/// Binds every socket, then starts everything as tasks of `lifecycle`.
///
/// # Errors
/// A service cannot be started; nothing was then.
pub(crate) async fn start(settings: Settings, lifecycle: &Lifecycle) -> Result<Addresses> {
    let Settings { server, mut bridge, mut oai } = settings;
    let server = wormhole_server::Service::bind(server).await?;
    let hub: Url =
        format!("ws://{}", reachable(server.addr())).parse().context("an address is a URL's host")?;
    bridge.hub.url = hub.clone();
    oai.hub.url = hub;
    let bridge = wormhole_bridge::Service::bind(bridge).await?;
    let oai = wormhole_oai::Service::bind(oai).await?;
    let addresses = Addresses {
        hub: server.addr(),
        api: oai.addr(),
        bridge_admin: reachable(bridge.admin_addr()),
        oai_admin: reachable(oai.admin_addr()),
    };
    server.spawn(lifecycle);
    bridge.spawn(lifecycle);
    oai.spawn(lifecycle);
    Ok(addresses)
}

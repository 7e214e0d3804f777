//! The services under measure: one server, one oai, and fake pages.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use url::Url;
use wormhole_client::HubAddress;
use wormhole_runtime::Lifecycle;

use crate::ask::PLAIN;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::page::FakePage;
use crate::process::{Binaries, Process, free_address};

/// Tokens of a hub that listens on loopback for the minutes of a bench.
pub(crate) const PAGE_TOKEN: &str = "bench-page-token-of-no-value-0123456789";
const SENDER_TOKEN: &str = "bench-sender-token-of-no-value-0123456789";

/// How long a model may take to appear in the API's list.
const MODEL_PATIENCE: Duration = Duration::from_secs(30);

/// Both services, without pages.
#[derive(Debug)]
pub(crate) struct Services {
    /// The hub.
    pub(crate) server: Process,
    /// The API.
    pub(crate) oai: Process,
    /// Where the hub listens.
    pub(crate) hub: SocketAddr,
    /// Where the API listens.
    pub(crate) api: SocketAddr,
    /// From exec to the first 200 of `/readyz`, server and oai.
    pub(crate) started_in: (Duration, Duration),
}

impl Services {
    /// Starts both and waits until they are ready.
    pub(crate) async fn start(binaries: &Binaries, clock: Clock) -> Result<Self> {
        let (hub, hub_admin) = (free_address()?, free_address()?);
        let (api, api_admin) = (free_address()?, free_address()?);
        let began = clock.now();
        let mut server = binaries.start(
            "wormhole-server",
            &[
                ("WORMHOLE_LISTEN", hub.to_string()),
                ("WORMHOLE_SERVER_ADMIN", hub_admin.to_string()),
                ("WORMHOLE_PAGE_TOKEN", PAGE_TOKEN.to_owned()),
                ("WORMHOLE_SENDER_TOKEN", SENDER_TOKEN.to_owned()),
            ],
        )?;
        server.wait_for(hub_admin, "/readyz", clock).await?;
        let server_ready = clock.now();
        let mut oai = binaries.start(
            "wormhole-oai",
            &[
                ("WORMHOLE_OAI_LISTEN", api.to_string()),
                ("WORMHOLE_OAI_ADMIN", api_admin.to_string()),
                ("WORMHOLE_SERVER_URL", format!("ws://{hub}")),
                ("WORMHOLE_SENDER_TOKEN", SENDER_TOKEN.to_owned()),
                ("WORMHOLE_ALLOW_ANONYMOUS", "true".to_owned()),
            ],
        )?;
        oai.wait_for(api_admin, "/readyz", clock).await?;
        let oai_ready = clock.now();
        let started_in = (server_ready.saturating_sub(began), oai_ready.saturating_sub(server_ready));
        Ok(Self { server, oai, hub, api, started_in })
    }

    /// Waits until the API lists this model.
    pub(crate) async fn wait_for_model(&self, model: &str, clock: Clock) -> Result<()> {
        let quoted = format!("\"{model}\"");
        let listed = async {
            loop {
                let (_, list) = Connection::open(self.api, clock).await?.get("/v1/models").await?;
                if String::from_utf8_lossy(&list).contains(&quoted) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let timed = tokio::time::timeout(MODEL_PATIENCE, listed).await;
        timed.with_context(|| format!("the API does not list {model}"))?
    }

    /// User and system time so far, server and oai.
    pub(crate) fn cpu(&self) -> Result<(Duration, Duration)> {
        Ok((self.server.cpu()?, self.oai.cpu()?))
    }

    /// Ends both, the API first.
    pub(crate) async fn stop(self) -> Result<()> {
        self.oai.stop().await?;
        self.server.stop().await
    }
}

/// Both services and their pages.
pub(crate) struct Stack {
    /// The services.
    pub(crate) services: Services,
    /// The pages, each on an account of its own.
    pub(crate) pages: Vec<FakePage>,
    /// The bench's clock.
    pub(crate) clock: Clock,
    lifecycle: Lifecycle,
}

impl Stack {
    /// Starts the services and joins so many pages.
    pub(crate) async fn start(binaries: &Binaries, pages: usize, clock: Clock) -> Result<Self> {
        let services = Services::start(binaries, clock).await?;
        let lifecycle = Lifecycle::new(Duration::from_secs(5));
        let url = Url::parse(&format!("ws://{}", services.hub))?;
        let join = |index: usize| {
            let name = format!("bench-{index}");
            let address = HubAddress { url: url.clone(), token: PAGE_TOKEN.into(), name: name.clone() };
            FakePage::join(address, &name, clock, &lifecycle)
        };
        let pages = (0..pages).map(join).collect();
        services.wait_for_model(PLAIN.model, clock).await?;
        Ok(Self { services, pages, clock, lifecycle })
    }

    /// A turn whose caller left has ended at the page too.
    pub(crate) async fn check_at_rest(&self) -> Result<()> {
        for page in &self.pages {
            let rests = page.rests(Duration::from_secs(10)).await;
            ensure!(rests, "{} turns still run at a page although their callers left", page.running());
        }
        Ok(())
    }

    /// Ends everything.
    pub(crate) async fn stop(self) -> Result<()> {
        self.services.stop().await?;
        self.lifecycle.shutdown("the bench is done");
        self.lifecycle.wait().await;
        Ok(())
    }
}

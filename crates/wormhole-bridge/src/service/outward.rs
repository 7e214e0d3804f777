//! Whoever the bridge speaks to beside its hub and its browser: an operator at the console, whoever is called when a person
//! is needed, the page script that dials in, and the platform.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;
use wormhole_runtime::Lifecycle;

use super::StartError;
use crate::{
    alert::{self, Webhook},
    config::Config,
    console::{Console, Parts},
    metrics::Metrics,
    outside::Outside,
    page_port::PagePort,
    running::Running,
    turn::Desk,
};

/// All of them, with their sockets bound and nothing said yet.
#[derive(Debug)]
pub(super) struct Outward {
    console: Option<Console>,
    webhook: Option<Webhook>,
    page_port: Option<PagePort>,
    /// What the platform adds.
    pub(super) outside: Outside,
    /// What a person is told to do, at the end of a sentence.
    pub(super) way_in: String,
}

impl Outward {
    /// Binds the ports of the console and of the page script, if there are any; the browser is told of the latter.
    pub(super) async fn bind(config: &mut Config, metrics: &Arc<Metrics>) -> Result<Self, StartError> {
        let console_url = config.console.as_ref().map(|console| console.url.clone());
        let way_in = way_in(console_url.as_ref());
        let console = match config.console.take() {
            Some(console) => Some(Console::bind(console).await.map_err(StartError::Console)?),
            None => None,
        };
        let webhook = config.alerts.take().map(|url| Webhook::new(url, console_url, Arc::clone(metrics)));
        let webhook = webhook.transpose().map_err(StartError::Alerts)?;
        let page_port = match &config.page_port {
            Some(port) => {
                let port = PagePort::bind(port, metrics.page_port.clone()).await;
                Some(port.map_err(StartError::PagePort)?)
            }
            None => None,
        };
        config.browser.page_port = page_port.as_ref().map(PagePort::door);
        Ok(Self { console, webhook, page_port, outside: Outside::default(), way_in })
    }

    /// Where the console is, if there is one.
    pub(super) fn console_addr(&self) -> Option<SocketAddr> {
        self.console.as_ref().map(Console::addr)
    }

    /// Starts them. What the session goes through from now on is told; pages are answered until `kept`.
    pub(super) fn spawn(
        self,
        desk: &Desk,
        running: &Arc<Running>,
        kept: &CancellationToken,
        lifecycle: &Lifecycle,
    ) {
        let Self { console, webhook, page_port, outside, way_in } = self;
        let session = desk.session.clone();
        session.stand_in(outside);
        if let Some(webhook) = webhook {
            let (alerts, waiting) = mpsc::channel(alert::QUEUE);
            session.alert_to(alerts);
            lifecycle.spawn("alerts", webhook.run(waiting, lifecycle.soft()));
        }
        if let Some(console) = console {
            let (running, site) = (Arc::clone(running), Arc::clone(desk.caller.site()));
            let metrics = Arc::clone(&desk.metrics);
            console.spawn(Parts { session, running, site, metrics, way_in }, lifecycle);
        }
        if let Some(page_port) = page_port {
            page_port.spawn(lifecycle, kept.clone());
        }
    }
}

fn way_in(console: Option<&Url>) -> String {
    match console {
        Some(console) => format!("go on at {console}"),
        None => "log in with `wormhole login`".to_owned(),
    }
}

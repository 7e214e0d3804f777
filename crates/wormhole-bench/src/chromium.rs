//! The same stream read two ways: through the whole of Wormhole with a real Chromium, and plainly from the site.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::args::Scale;
use crate::ask::{Dialect, History, ask_model};
use crate::clock::Clock;
use crate::connection::{Connection, Taken};
use crate::process::{Binaries, Process, free_address};
use crate::reader::{EMAIL, PASSWORD, Reader};
use crate::source::{MODEL, Source, WORDS};
use crate::stack::{PAGE_TOKEN, Services};
use crate::stats::{Figures, p50_and_p99};

/// The binaries this part needs beside those of the first.
pub(crate) const NEEDED: [&str; 2] = ["wormhole-bridge", "wormhole-playground"];

/// Everything that stands between the words and the reader.
pub(crate) struct Path {
    /// Hub and API.
    pub(crate) services: Services,
    /// The bridge, whose children are Chromium's.
    pub(crate) bridge: Process,
    /// The bridge's admin port.
    pub(crate) admin: SocketAddr,
    /// The bench's clock.
    pub(crate) clock: Clock,
    site: Process,
    reader: Reader,
    _source: Source,
}

impl Path {
    /// Starts all of it; `more` settings are the bridge's, in place of the usual ones of that name.
    pub(crate) async fn open(
        binaries: &Binaries,
        clock: Clock,
        more: &[(&'static str, String)],
    ) -> Result<Self> {
        let source = Source::serve(clock).await?;
        let address = free_address()?;
        let mut site = binaries.start(
            "wormhole-playground",
            &[
                ("PLAYGROUND_LISTEN", address.to_string()),
                ("PLAYGROUND_EMAIL", EMAIL.to_owned()),
                ("PLAYGROUND_PASSWORD", PASSWORD.to_owned()),
                ("PLAYGROUND_ANSWER_WITH", format!("http://{}/v1", source.address)),
            ],
        )?;
        site.wait_for(address, "/healthz", clock).await?;
        let reader = Reader::log_in(address, clock).await?;
        let services = Services::start(binaries, clock).await?;
        let admin = free_address()?;
        let mut settings = vec![
            ("WORMHOLE_SERVER_URL", format!("ws://{}", services.hub)),
            ("WORMHOLE_PAGE_TOKEN", PAGE_TOKEN.to_owned()),
            ("WORMHOLE_BRIDGE_ADMIN", admin.to_string()),
            ("WORMHOLE_SITE", "outlier".to_owned()),
            ("WORMHOLE_SITE_ORIGIN", format!("http://{address}")),
            ("OUTLIER_EMAIL", EMAIL.to_owned()),
            ("OUTLIER_PASSWORD", PASSWORD.to_owned()),
            ("CHROME_USER_DATA_DIR", binaries.logs.join("chrome").display().to_string()),
            ("CHROME_DEBUG_PORT", "0".to_owned()),
        ];
        settings.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        settings.extend(more.iter().cloned());
        let mut bridge = binaries.start("wormhole-bridge", &settings)?;
        bridge.wait_for(admin, "/readyz", clock).await?;
        services.wait_for_model(MODEL, clock).await?;
        Ok(Self { services, bridge, admin, clock, site, reader, _source: source })
    }

    /// Ends everything.
    pub(crate) async fn close(self) -> Result<()> {
        self.bridge.stop().await?;
        self.services.stop().await?;
        self.site.stop().await
    }
}

/// What the streams of one way took together.
#[derive(Default)]
struct Way {
    first: Vec<Duration>,
    deltas: Vec<Duration>,
}

impl Way {
    fn add(&mut self, taken: Taken) {
        self.first.push(taken.first);
        self.deltas.extend(taken.deltas);
    }
}

/// Reads the stream both ways in turn and adds the figures. The first round only warms up.
pub(crate) async fn measure(
    binaries: &Binaries,
    scale: &Scale,
    clock: Clock,
    figures: &mut Figures,
) -> Result<()> {
    let mut path = Path::open(binaries, clock, &[]).await?;
    let ask = ask_model(Dialect::OpenAi, MODEL, WORDS, true, History::Short);
    let mut connection = Connection::open(path.services.api, clock).await?;
    let (mut plain, mut through) = (Way::default(), Way::default());
    for round in 0..=scale.chromium_streams {
        let directly = path.reader.read().await.context("the plain reader")?;
        let whole_path = connection.exchange(&ask).await.context("the whole path")?;
        if round > 0 {
            plain.add(directly);
            through.add(whole_path);
        }
    }
    drop(connection);
    path.close().await?;
    add(&mut plain, &mut through, figures);
    Ok(())
}

fn add(plain: &mut Way, through: &mut Way, figures: &mut Figures) {
    let mut put = |what: &str, plain: f64, through: f64| {
        figures.add(format!("chromium/plain {what}"), plain);
        figures.add(format!("chromium/through {what}"), through);
        figures.add(format!("chromium/ratio {what}"), through / plain);
    };
    let (a, b) = (p50_and_p99(&mut plain.deltas), p50_and_p99(&mut through.deltas));
    put("delta p50", a.0, b.0);
    put("delta p99", a.1, b.1);
    let (a, b) = (p50_and_p99(&mut plain.first), p50_and_p99(&mut through.first));
    put("first p50", a.0, b.0);
}

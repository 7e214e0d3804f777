//! What is counted of Chromium and of what it leaves behind.

use prometheus::{IntCounter, IntCounterVec, IntGauge};
use wormhole_runtime::{Registry, counter, counter_vec, gauge};

use super::wear::{Part, Reason, Wear};

/// How a connection to the published DevTools port went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Passed on.
    Allowed,
    /// Its address is not on the list.
    Refused,
    /// There are too many already.
    Full,
}

impl Visit {
    const ALL: [Self; 3] = [Self::Allowed, Self::Refused, Self::Full];

    fn label(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Full => "full",
        }
    }
}

/// The metrics of the browser. Cloning shares them; those of [`Default`] are read by nobody.
#[derive(Debug, Clone)]
pub struct ChromeMetrics {
    pub(crate) memory: IntGauge,
    pub(crate) tab_memory: IntGauge,
    pub(crate) processes: IntGauge,
    pub(crate) zombies: IntGauge,
    pub(crate) no_sandbox: IntGauge,
    pub(crate) popups_closed: IntCounter,
    pub(crate) popups_spared: IntCounter,
    pub(crate) published: IntGauge,
    recycles: IntCounterVec,
    visits: IntCounterVec,
}

impl ChromeMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name is taken.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| gauge(registry, name, help);
        let metrics = Self {
            memory: gauge(
                "wormhole_bridge_browser_memory_bytes",
                "Memory of all of Chromium's processes (PSS)",
            )?,
            tab_memory: gauge("wormhole_bridge_tab_memory_bytes", "Heaps of the page in the tab")?,
            processes: gauge("wormhole_bridge_processes", "Processes of Chromium that run")?,
            zombies: gauge(
                "wormhole_bridge_zombies",
                "Processes of Chromium that ended and are not waited for",
            )?,
            no_sandbox: gauge("wormhole_bridge_no_sandbox", "1 where Chromium runs without its sandbox")?,
            popups_closed: counter(
                registry,
                "wormhole_bridge_popups_closed_total",
                "Pop-ups that were closed",
            )?,
            popups_spared: counter(
                registry,
                "wormhole_bridge_popups_spared_total",
                "Looks at a pop-up that was due to be closed and stays for a person at work",
            )?,
            published: gauge("wormhole_bridge_debug_published", "1 while DevTools is published")?,
            recycles: counter_vec(
                registry,
                "wormhole_bridge_recycles_total",
                "Times a tab or a browser was replaced for its memory or its age",
                &["what", "reason"],
            )?,
            visits: counter_vec(
                registry,
                "wormhole_bridge_debug_connections_total",
                "Connections to the published DevTools port",
                &["outcome"],
            )?,
        };
        for what in [Part::Tab, Part::Browser] {
            for reason in [Reason::Memory, Reason::Age] {
                metrics.recycles.with_label_values(&[what.label(), reason.label()]);
            }
        }
        for visit in Visit::ALL {
            metrics.visits.with_label_values(&[visit.label()]);
        }
        Ok(metrics)
    }

    /// Something is replaced.
    pub(crate) fn recycled(&self, wear: Wear) {
        self.recycles.with_label_values(&[wear.part.label(), wear.reason.label()]).inc();
    }

    /// Somebody came to the published port.
    pub(crate) fn visited(&self, visit: Visit) {
        self.visits.with_label_values(&[visit.label()]).inc();
    }
}

impl Default for ChromeMetrics {
    fn default() -> Self {
        Self::register(&Registry::new()).expect("a new registry has no names taken")
    }
}

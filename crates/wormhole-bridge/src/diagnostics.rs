//! A site that no longer fits its profile: a named event, counted, logged and told by the readiness probe, with a picture
//! and an outline of the page in a folder for whoever mends the profile.
//!
//! Saving happens in a task of its own and never holds up a turn. The files hold no value of a field and no cookie; the
//! picture may show the conversation that was open, so the folder is for its owner's eyes alone.

mod args;
mod folder;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use wormhole_runtime::Readiness;

pub use self::args::DiagnosticsArgs;
use self::folder::Folder;
use crate::{
    metrics::Metrics,
    session::Session,
    tab::{Snapshot, Tab, TabError},
};

/// Stands before the words of every such event, in states, probes, failures and logs.
pub(crate) const SITE_CHANGED: &str = "site_changed: ";

/// The readiness condition of turns that broke on the site's shape.
const CONDITION: &str = "site";

/// The same thing is saved, and said aloud in the log, once within this time.
const ONCE_IN: Duration = Duration::from_mins(10);
/// Without another one for this long, a broken turn keeps nobody from being ready: perhaps nobody asks any more.
const FORGIVEN_AFTER: Duration = ONCE_IN;
/// Events that wait to be saved. When it is full the next is counted and not saved: the folder has its like already.
const WAITING: usize = 16;
/// Different things that are remembered as saved; a profile has fewer fields.
const MOST_KINDS: usize = 128;
/// How long looking at the page may take, all of it.
const LOOK_WITHIN: Duration = Duration::from_secs(20);
/// The longest name of a field in a file's name.
const MOST_NAME: usize = 80;

/// Where reports are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosticsConfig {
    /// The folder; made when something is written.
    pub folder: std::path::PathBuf,
    /// The most bytes of reports in it.
    pub most_bytes: u64,
}

/// Takes events. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Diagnostics {
    notes: mpsc::Sender<Note>,
    metrics: Arc<Metrics>,
}

/// What the task is told.
#[derive(Debug)]
enum Note {
    /// This no longer fits; with `turn`, a turn broke on it.
    Misfit { what: String, turn: bool },
    /// A turn was answered.
    Fits,
}

/// The task's part.
#[derive(Debug)]
pub(crate) struct Recorder {
    notes: mpsc::Receiver<Note>,
    folder: Option<Folder>,
    session: Session,
    readiness: Readiness,
    /// What was saved, and when.
    saved: HashMap<String, Instant>,
    forgive_at: Option<Instant>,
    forgive_after: Duration,
}

impl Diagnostics {
    /// Both ends.
    pub(crate) fn new(
        config: Option<DiagnosticsConfig>,
        session: Session,
        readiness: Readiness,
        metrics: Arc<Metrics>,
    ) -> (Self, Recorder) {
        let (sender, notes) = mpsc::channel(WAITING);
        let folder = config.map(|config| Folder::new(config.folder, config.most_bytes));
        let recorder = Recorder {
            notes,
            folder,
            session,
            readiness,
            saved: HashMap::new(),
            forgive_at: None,
            forgive_after: FORGIVEN_AFTER,
        };
        (Self { notes: sender, metrics }, recorder)
    }

    /// This selector, field or call of the profile no longer fits the site: `composer not found`, with or without
    /// `site_changed: ` before it. Our own words, never the site's. Returns at once.
    pub(crate) fn note(&self, what: &str) {
        self.misfit(what, false);
    }

    /// The same, and a turn broke on it: the bridge is not ready until one is answered again.
    pub(crate) fn turn_broke(&self, what: &str) {
        self.misfit(what, true);
    }

    /// A turn was answered whole.
    pub(crate) fn turn_answered(&self) {
        // When it is full, the next answered turn says the same.
        let _ = self.notes.try_send(Note::Fits);
    }

    fn misfit(&self, what: &str, turn: bool) {
        self.metrics.site_changed();
        let what = what.strip_prefix(SITE_CHANGED).unwrap_or(what).to_owned();
        if self.notes.try_send(Note::Misfit { what, turn }).is_err() {
            tracing::debug!("too much has changed at once: it is counted and not saved");
        }
    }
}

impl Recorder {
    /// Runs until the drain begins.
    pub(crate) async fn run(mut self, soft: CancellationToken) {
        loop {
            let forgive_at = self.forgive_at;
            tokio::select! {
                () = soft.cancelled() => return,
                () = until(forgive_at) => self.fits(),
                note = self.notes.recv() => match note {
                    Some(Note::Misfit { what, turn }) => {
                        if turn {
                            self.readiness.set(CONDITION, Err(format!("{SITE_CHANGED}{what}")));
                            self.forgive_at = Some(Instant::now() + self.forgive_after);
                        }
                        // A page that hangs must not hold up the drain.
                        let _ = soft.run_until_cancelled(self.record(&what)).await;
                    }
                    Some(Note::Fits) => self.fits(),
                    // Whoever could say something is gone; the process is on its way out.
                    None => return soft.cancelled().await,
                },
            }
        }
    }

    fn fits(&mut self) {
        if self.forgive_at.take().is_some() {
            self.readiness.set(CONDITION, Ok(()));
            tracing::info!("turns fit the site profile again");
        }
    }

    async fn record(&mut self, what: &str) {
        if !self.is_news(what, Instant::now()) {
            tracing::debug!(what, "the site still does not fit its profile");
            return;
        }
        tracing::warn!(what, "the site has changed: it no longer fits its profile");
        let Some(folder) = &self.folder else { return };
        let looked = match self.session.live() {
            Some(live) => timeout(LOOK_WITHIN, look(&live.tab)).await.map_err(|_| "in time".to_owned()),
            None => Err("without a browser".to_owned()),
        };
        let looked = looked.and_then(|looked| looked.map_err(|error| error.to_string()));
        let name = name(what, SystemTime::now());
        let saved = match looked {
            Ok(snapshot) => {
                let text = format!("{SITE_CHANGED}{what}\n{}", snapshot.outline);
                let text = folder.save(&format!("{name}.txt"), text.as_bytes()).await;
                text.and(folder.save(&format!("{name}.jpg"), &snapshot.picture).await)
            }
            Err(why) => {
                let text = format!("{SITE_CHANGED}{what}\nthe page could not be looked at: {why}\n");
                folder.save(&format!("{name}.txt"), text.as_bytes()).await
            }
        };
        match saved {
            Ok(()) => tracing::info!(name, "a report is in the diagnostics folder"),
            Err(error) => tracing::warn!(%error, "no report could be written to the diagnostics folder"),
        }
    }

    /// Nothing of the kind was saved lately; from now on it was.
    fn is_news(&mut self, what: &str, now: Instant) -> bool {
        self.saved.retain(|_, at| now < *at + ONCE_IN);
        if self.saved.contains_key(what) || self.saved.len() >= MOST_KINDS {
            return false;
        }
        self.saved.insert(what.to_owned(), now);
        true
    }
}

/// A page that is just being left is looked at once the next one is there: whoever found the change may have gone on.
async fn look(tab: &Tab) -> Result<Snapshot, TabError> {
    let mut events = tab.events();
    loop {
        events.mark_unchanged();
        match tab.snapshot().await {
            Err(error @ (TabError::ContextLost | TabError::Crashed)) => {
                events.changed().await.map_err(|_| error)?;
            }
            looked => return looked,
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// A file's name without its ending: when, and what, in letters that every file system takes.
fn name(what: &str, at: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(at).to_string().replace(':', "-");
    let mut field: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' }).collect();
    while field.contains("--") {
        field = field.replace("--", "-");
    }
    field.truncate(MOST_NAME);
    format!("{time}-{}", field.trim_matches(['-', '.']))
}

#[cfg(test)]
mod tests;

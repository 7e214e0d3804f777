//! The picture that all viewers see: taken only while somebody looks, of one page at a time.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    sync::{Notify, watch},
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{seats::Seating, wire::PageLine};
use crate::{
    session::{Live, Session},
    tab::{Film, Picture, Shown, Tab, TabError, View},
};

/// How often to see which pages there are.
const ROUND: Duration = Duration::from_secs(1);

/// What is on: shared by all who look. The last picture is kept for those who come later.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    /// A picture as it goes over the wire: width and height, two bytes each, then the JPEG.
    picture: watch::Sender<Option<Bytes>>,
    pages: watch::Sender<Vec<PageLine>>,
    /// The page that somebody has chosen; our own tab if nobody has.
    choice: watch::Sender<Option<String>>,
    /// Somebody wants to know at once where the pages are.
    asked: Notify,
}

impl Stage {
    /// The picture now, and each one that follows. Whoever is slow misses some, never the last.
    pub(crate) fn picture(&self) -> watch::Receiver<Option<Bytes>> {
        self.picture.subscribe()
    }

    /// The browser's pages.
    pub(crate) fn pages(&self) -> watch::Receiver<Vec<PageLine>> {
        self.pages.subscribe()
    }

    /// Shows another page.
    pub(crate) fn choose(&self, page: String) {
        self.choice.send_replace(Some(page));
    }

    /// The page that is shown, for the hands.
    pub(crate) async fn shown(&self, tab: &Tab) -> Result<View, TabError> {
        let shown = self.pages.borrow().iter().find(|page| page.shown).map(|page| page.id.clone());
        tab.page(&shown.ok_or(TabError::ContextLost)?).await
    }

    /// A hand has led the page elsewhere, or tried to: tells all who look where it is, though it be where it was.
    pub(crate) fn tell_where(&self) {
        self.asked.notify_one();
    }

    fn clear(&self) {
        self.picture.send_replace(None);
        self.pages.send_replace(Vec::new());
    }
}

/// The task that shows.
pub(crate) struct Projector {
    pub(crate) stage: Arc<Stage>,
    pub(crate) session: Session,
    pub(crate) seating: watch::Receiver<Seating>,
    pub(crate) soft: CancellationToken,
}

impl Projector {
    /// Runs until the drain.
    pub(crate) async fn run(mut self) {
        let soft = self.soft.clone();
        soft.run_until_cancelled(async {
            loop {
                let live = self.wanted().await;
                self.show(&live).await;
                self.stage.clear();
            }
        })
        .await;
    }

    /// Waits until there is something to see, and somebody to see it.
    async fn wanted(&mut self) -> Live {
        let mut lives = self.session.lives();
        loop {
            watched(&mut self.seating, true).await;
            let live = lives.borrow_and_update().clone();
            if let Some(live) = live.filter(|live| !live.gone.is_cancelled()) {
                return live;
            }
            tokio::select! {
                _ = lives.changed() => {}
                () = watched(&mut self.seating, false) => {}
            }
        }
    }

    /// Shows one browser until nobody looks any more, or it is gone.
    async fn show(&mut self, live: &Live) {
        let mut choice = self.stage.choice.subscribe();
        let mut rounds = rounds();
        let mut show = Show { tab: &live.tab, stage: &self.stage, film: None };
        loop {
            tokio::select! {
                () = live.gone.cancelled() => return,
                () = watched(&mut self.seating, false) => break,
                _ = rounds.tick() => show.follow().await,
                _ = choice.changed() => show.follow().await,
                () = self.stage.asked.notified() => {
                    show.follow().await;
                    self.stage.pages.send_modify(|_| {});
                }
                picture = show.next() => match picture {
                    Some(picture) => show.project(&picture),
                    None => show.film = None,
                },
            }
        }
        if let Some((_, film)) = show.film.take() {
            film.stop().await;
        }
    }
}

/// Waits until somebody looks, or nobody does. The channel does not close: its sender is in the seats.
async fn watched(seating: &mut watch::Receiver<Seating>, watched: bool) {
    let _ = seating.wait_for(|seating| seating.is_watched() == watched).await;
}

fn rounds() -> Interval {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}

/// One browser on the stage.
struct Show<'a> {
    tab: &'a Tab,
    stage: &'a Stage,
    film: Option<(String, Film)>,
}

impl Show<'_> {
    async fn next(&mut self) -> Option<Picture> {
        match &mut self.film {
            Some((_, film)) => film.next().await,
            None => std::future::pending().await,
        }
    }

    fn project(&self, picture: &Picture) {
        let (width, height) = picture.size;
        let mut frame = Vec::with_capacity(4 + picture.jpeg.len() / 4 * 3);
        frame.extend(width.to_be_bytes());
        frame.extend(height.to_be_bytes());
        if STANDARD.decode_vec(&picture.jpeg, &mut frame).is_ok() {
            self.stage.picture.send_replace(Some(frame.into()));
        }
    }

    /// Sees which pages there are, and films the one that is to be shown.
    async fn follow(&mut self) {
        // A browser that does not answer is somebody else's trouble; this is tried again in a moment.
        let Ok(pages) = self.tab.pages().await else { return };
        let wanted = self.wanted(&pages);
        if self.film.as_ref().map(|(id, _)| id) != wanted.as_ref() {
            if let Some((_, film)) = self.film.take() {
                film.stop().await;
            }
            if let Some(id) = &wanted
                && let Ok(film) = film(self.tab, id).await
            {
                self.film = Some((id.clone(), film));
            }
        }
        let lines: Vec<_> = pages
            .into_iter()
            .map(|page| PageLine {
                shown: wanted.as_ref() == Some(&page.id),
                id: page.id,
                address: page.address,
                ours: page.ours,
            })
            .collect();
        self.stage.pages.send_if_modified(|pages| {
            let differs = *pages != lines;
            *pages = lines;
            differs
        });
    }

    /// A window that has just been opened is what the person waits for; else what they chose; else our own tab.
    fn wanted(&self, pages: &[Shown]) -> Option<String> {
        let known = self.stage.pages.borrow();
        let fresh =
            |page: &&Shown| !page.ours && !known.is_empty() && known.iter().all(|known| known.id != page.id);
        if let Some(page) = pages.iter().find(fresh) {
            self.stage.choice.send_replace(Some(page.id.clone()));
            return Some(page.id.clone());
        }
        let choice = self.stage.choice.borrow().clone();
        let chosen = choice.filter(|choice| pages.iter().any(|page| page.id == *choice));
        chosen.or_else(|| pages.iter().find(|page| page.ours).map(|page| page.id.clone()))
    }
}

async fn film(tab: &Tab, id: &str) -> Result<Film, TabError> {
    tab.page(id).await?.film().await
}

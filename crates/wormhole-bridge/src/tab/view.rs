//! What a person sees of the browser's pages, and what their hands do there. Nothing of it is logged: it is passwords
//! and codes.

use std::time::Duration;

use chromiumoxide::{
    Command, Page,
    cdp::browser_protocol::{
        input::{DispatchKeyEventParams, DispatchMouseEventParams, InsertTextParams},
        page::{
            BringToFrontParams, EventScreencastFrame, GetNavigationHistoryParams,
            NavigateToHistoryEntryParams, ReloadParams, ScreencastFrameAckParams, StartScreencastFormat,
            StartScreencastParams, StopScreencastParams,
        },
        target::{GetTargetsParams, TargetId},
    },
    error::CdpError,
    listeners::EventStream,
};
use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use super::{Tab, TabError, deliver::call_error};
use crate::chrome::devtools::{execute, execute_in};

/// How long one act of a hand may take: a page that is stuck must not hold up the next.
const ACT: Duration = Duration::from_secs(3);

/// The least time between two pictures. Taking them costs a processor core at full speed.
const PACE: Duration = Duration::from_millis(100);

/// The largest picture, in pixels of the page; larger ones are scaled down.
const LARGEST: i64 = 1600;

/// Of the JPEG pictures, in per cent: text stays readable.
const QUALITY: i64 = 60;

/// A page of the browser, as an operator is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Chromium's name for it.
    pub(crate) id: String,
    /// Where it is: origin and path. The rest of an address may hold tokens.
    pub(crate) address: String,
    /// It is our tab, and not a window that the site has opened.
    pub(crate) ours: bool,
}

/// A picture of a page.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Width and height of what is shown, in the page's own pixels: those that clicks are counted in.
    pub(crate) size: (u16, u16),
    /// The picture as JPEG, in base64 as Chromium gives it.
    pub(crate) jpeg: String,
}

impl Tab {
    /// The pages that are open: our tab first, then what the site has opened.
    pub(crate) async fn pages(&self) -> Result<Vec<Shown>, TabError> {
        let ours = self.shared.page()?.target_id().clone();
        let targets = execute(&self.browser, GetTargetsParams::default()).await;
        let targets = targets.map_err(|error| call_error(&error))?.target_infos;
        let pages = targets.into_iter().filter(|target| target.r#type == "page");
        let mut pages: Vec<_> = pages
            .map(|target| Shown {
                ours: target.target_id == ours,
                address: place(&target.url),
                id: target.target_id.inner().clone(),
            })
            .collect();
        pages.sort_by_key(|page| !page.ours);
        Ok(pages)
    }

    /// One of the pages, to look at and to work in.
    pub(crate) async fn page(&self, id: &str) -> Result<View, TabError> {
        let page = timeout(ACT, self.browser.get_page(TargetId::new(id))).await;
        let page = page.map_err(|_| TabError::Timeout("a page of the browser"))?;
        Ok(View { page: page.map_err(|error| call_error(&error))? })
    }
}

/// Origin and path of an address; of one without an origin, its scheme.
fn place(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if url.origin().is_tuple() => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}

/// A page under somebody's eyes and hands.
#[derive(Debug, Clone)]
pub(crate) struct View {
    page: Page,
}

impl View {
    /// Begins to take pictures: one now, then one whenever something changes, at most ten a second.
    pub(crate) async fn film(&self) -> Result<Film, TabError> {
        self.act(BringToFrontParams::default()).await?;
        let frames = timeout(ACT, self.page.event_listener()).await;
        let frames =
            frames.map_err(|_| TabError::Timeout("pictures"))?.map_err(|error| call_error(&error))?;
        let start = StartScreencastParams {
            format: Some(StartScreencastFormat::Jpeg),
            quality: Some(QUALITY),
            max_width: Some(LARGEST),
            max_height: Some(LARGEST),
            every_nth_frame: Some(1),
        };
        self.act(start).await?;
        Ok(Film { view: self.clone(), frames, unacknowledged: None, taken: Instant::now() })
    }

    /// Moves, presses, lets go or turns the wheel.
    pub(crate) async fn point(&self, event: DispatchMouseEventParams) -> Result<(), TabError> {
        self.act(event).await
    }

    /// Presses a key or lets it go.
    pub(crate) async fn key(&self, event: DispatchKeyEventParams) -> Result<(), TabError> {
        self.act(event).await
    }

    /// Puts text where the cursor is: what was pasted, or composed by an input method.
    pub(crate) async fn insert(&self, text: String) -> Result<(), TabError> {
        self.act(InsertTextParams::new(text)).await
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) -> Result<(), TabError> {
        self.act(ReloadParams::default()).await
    }

    /// Goes `steps` pages on, or back where it is negative; nowhere where there is none.
    pub(crate) async fn travel(&self, steps: i64) -> Result<(), TabError> {
        let history = execute_in(&self.page, GetNavigationHistoryParams::default(), ACT).await;
        let history = history.map_err(|error| call_error(&error))?;
        let entry = usize::try_from(history.current_index + steps).ok();
        match entry.and_then(|entry| history.entries.get(entry)) {
            Some(entry) => self.act(NavigateToHistoryEntryParams::new(entry.id)).await,
            None => Ok(()),
        }
    }

    async fn act<C: Command>(&self, command: C) -> Result<(), TabError> {
        match execute_in(&self.page, command, ACT).await {
            Ok(_) => Ok(()),
            Err(CdpError::Timeout) => Err(TabError::Timeout("the page to take what was done in it")),
            Err(error) => Err(call_error(&error)),
        }
    }
}

/// Pictures of a page, one after the other.
pub(crate) struct Film {
    view: View,
    frames: EventStream<EventScreencastFrame>,
    /// Chromium takes the next picture when it is told that this one has come.
    unacknowledged: Option<i64>,
    taken: Instant,
}

impl Film {
    /// The next picture; none when the page is gone. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Picture> {
        if let Some(session) = self.unacknowledged {
            sleep_until(self.taken + PACE).await;
            self.view.act(ScreencastFrameAckParams::new(session)).await.ok()?;
            self.unacknowledged = None;
        }
        let frame = self.frames.next().await?;
        self.unacknowledged = Some(frame.session_id);
        self.taken = Instant::now();
        let size = (pixels(frame.metadata.device_width), pixels(frame.metadata.device_height));
        Some(Picture { size, jpeg: String::from(frame.data.clone()) })
    }

    /// Takes no more pictures.
    pub(crate) async fn stop(self) {
        // The page may be gone, and its pictures with it.
        drop(self.view.act(StopScreencastParams::default()).await);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn pixels(length: f64) -> u16 {
    length.round().clamp(1.0, f64::from(u16::MAX)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        assert_eq!(place("https://a.example/login?token=1#x"), "https://a.example/login");
        assert_eq!(place("about:blank"), "about:");
        assert_eq!(place("data:text/html,secret"), "data:");
        assert_eq!(place("nonsense"), "");
    }
}

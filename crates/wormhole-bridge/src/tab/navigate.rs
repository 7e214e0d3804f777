//! Going somewhere.

use std::pin::pin;
use std::time::Duration;

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::page::{NavigateParams, ReloadParams};
use chromiumoxide::error::CdpError;
use tokio::sync::watch;
use tokio::time::timeout;

use super::deliver::call_error;
use super::shared::Shared;
use super::{TabError, TabEvent};
use crate::chrome::devtools::{COMMAND, execute_in};

/// How long a navigation may take to show a document.
const NAVIGATION: Duration = Duration::from_secs(30);

/// Once a page without the script is shown, how long to wait for the word whether it is an error page.
const SHOWN: Duration = Duration::from_secs(2);

/// How long the script of a page that is shown may take to come by the page port, or to say that it cannot.
const JOINED: Duration = Duration::from_secs(10);

/// Navigates; ends with the script's greeting, or when a page is shown that the script is not to be in.
pub(crate) async fn navigate(page: &Page, shared: &Shared, address: String) -> Result<(), TabError> {
    let before = shared.generation();
    let mut events = shared.events();
    let mut seen = shared.events();
    // chromiumoxide answers when everything has loaded, which may be long after the greeting, or never.
    let loaded = async {
        match execute_in(page, NavigateParams::new(address), NAVIGATION).await {
            Ok(reply) => match reply.error_text {
                Some(error) => Err(TabError::Unreachable(error)),
                None => joined(shared, &mut seen).await,
            },
            Err(CdpError::Timeout) => Err(TabError::Timeout("the page to open")),
            Err(error) => Err(call_error(&error)),
        }
    };
    let mut loaded = pin!(loaded);
    tokio::select! {
        biased;
        installed = installed_after(shared, before) => installed,
        loaded = &mut loaded => loaded,
        reason = elsewhere(&mut events) => match reason {
            TabError::Forbidden(_) => Err(reason),
            _ => timeout(SHOWN, loaded).await.unwrap_or(Ok(())),
        },
    }
}

/// Reloads; ends with the new document's greeting, or when something else is shown in its place.
pub(crate) async fn reload(page: &Page, shared: &Shared) -> Result<(), TabError> {
    let before = shared.generation();
    let mut events = shared.events();
    execute_in(page, ReloadParams::default(), COMMAND).await.map_err(|error| call_error(&error))?;
    let settled = async {
        tokio::select! {
            installed = installed_after(shared, before) => installed,
            reason = elsewhere(&mut events) => Err(reason),
        }
    };
    timeout(NAVIGATION, settled).await.map_err(|_| TabError::Timeout("the page to reload"))?
}

/// Has the tab replaced; ends when the new one shows what the old one did.
pub(crate) async fn renew(shared: &Shared) -> Result<(), TabError> {
    let before = shared.generation();
    shared.renew.notify_one();
    let renewed = timeout(NAVIGATION, installed_after(shared, before)).await;
    renewed.map_err(|_| TabError::Timeout("the new tab"))?
}

/// A page that comes by a WebSocket may take a little longer to greet than to load.
async fn joined(shared: &Shared, events: &mut watch::Receiver<TabEvent>) -> Result<(), TabError> {
    if !shared.is_by_socket() {
        return Ok(());
    }
    // Whoever greets meanwhile ends the navigation; whoever does neither is found missing by what is asked of it next.
    match timeout(JOINED, elsewhere(events)).await {
        Ok(reason @ TabError::Forbidden(_)) => Err(reason),
        _ => Ok(()),
    }
}

/// Ends when the tab shows, from now on, an error page, a page of a foreign origin or one that forbids the script its
/// way to us; which of them.
async fn elsewhere(events: &mut watch::Receiver<TabEvent>) -> TabError {
    while events.changed().await.is_ok() {
        let event = events.borrow_and_update().clone();
        if let TabEvent::Lost { reason: reason @ (TabError::NotAllowed | TabError::Forbidden(_)) } = event {
            return reason;
        }
    }
    std::future::pending().await
}

async fn installed_after(shared: &Shared, before: u64) -> Result<(), TabError> {
    let mut events = shared.events();
    let settled = events.wait_for(|event| match event {
        TabEvent::Installed { generation, .. } => *generation > before,
        TabEvent::Lost { reason } => *reason == TabError::BrowserGone,
    });
    match settled.await.as_deref() {
        Ok(TabEvent::Installed { .. }) => Ok(()),
        _ => Err(TabError::BrowserGone),
    }
}

//! Opening the tab: the order in which things are switched on matters.

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::{log, network, page, performance, target};
use chromiumoxide::cdp::js_protocol::runtime::{
    AddBindingParams, EventBindingCalled, EventExecutionContextsCleared,
};
use chromiumoxide::error::CdpError;
use chromiumoxide::listeners::EventStream;
use tokio::time::timeout;

use crate::chrome::devtools::{COMMAND, execute_in};
use crate::inject;

/// Everything about the tab that somebody listens to.
pub(crate) struct Events {
    /// What the script says. This stream ends when the target is closed, or with the connection.
    pub(crate) calls: EventStream<EventBindingCalled>,
    pub(crate) cleared: EventStream<EventExecutionContextsCleared>,
    pub(crate) navigated: EventStream<page::EventFrameNavigated>,
    pub(crate) dialogs: EventStream<page::EventJavascriptDialogOpening>,
    /// Of the whole browser: a page is not told of its own crash.
    pub(crate) crashes: EventStream<target::EventTargetCrashed>,
}

/// Opens a tab that runs `source` in our own world in every document. It is blank: an address given now would be
/// loaded before the script is in place.
pub(crate) async fn open(browser: &chromiumoxide::Browser, source: &str) -> Result<(Page, Events), CdpError> {
    let opened = timeout(COMMAND, async {
        let crashes = browser.event_listener().await?;
        let page = browser.new_page("about:blank").await?;
        let events = Events {
            calls: page.event_listener().await?,
            cleared: page.event_listener().await?,
            navigated: page.event_listener().await?,
            dialogs: page.event_listener().await?,
            crashes,
        };
        Ok::<_, CdpError>((page, events))
    });
    let (page, events) = opened.await.map_err(|_| CdpError::Timeout)??;
    inject(&page, source).await?;
    quiet(&page).await?;
    refuse_files(&page).await?;
    Ok((page, events))
}

/// A chooser that nobody sees would never be answered: the page is told that nothing was chosen.
async fn refuse_files(page: &Page) -> Result<(), CdpError> {
    let refuse = page::SetInterceptFileChooserDialogParams { enabled: true, cancel: Some(true) };
    execute_in(page, refuse, COMMAND).await.map(drop)
}

async fn inject(page: &Page, source: &str) -> Result<(), CdpError> {
    let binding = AddBindingParams {
        name: inject::BINDING.to_owned(),
        execution_context_name: Some(inject::WORLD.to_owned()),
    };
    execute_in(page, binding, COMMAND).await?;
    let script = page::AddScriptToEvaluateOnNewDocumentParams {
        source: source.to_owned(),
        world_name: Some(inject::WORLD.to_owned()),
        include_command_line_api: None,
        run_immediately: Some(true),
    };
    execute_in(page, script, COMMAND).await?;
    Ok(())
}

/// chromiumoxide switches these on for every page. They cost a fifth of the processor time of a stream, and keep
/// the bodies of endless responses in memory.
async fn quiet(page: &Page) -> Result<(), CdpError> {
    execute_in(page, network::DisableParams::default(), COMMAND).await?;
    execute_in(page, log::DisableParams::default(), COMMAND).await?;
    execute_in(page, performance::DisableParams::default(), COMMAND).await?;
    Ok(())
}

//! The DevTools connection: commands under a deadline, and noticing that nobody is at the other end.

use std::process::ExitStatus;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use chromiumoxide::error::CdpError;
use chromiumoxide::handler::HandlerConfig;
use chromiumoxide::{Command, Handler};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::GoneReason;

/// How long any command may take. chromiumoxide's own limits are longer, and some of its waits have none.
pub(crate) const COMMAND: Duration = Duration::from_secs(10);

/// One miss may be a machine out of breath, two are a hung browser: 3 + 2 + 2 seconds at most.
const HEARTBEAT: Duration = Duration::from_secs(3);
const HEARTBEAT_REPLY: Duration = Duration::from_secs(2);

/// When the socket breaks, the exit status is the better explanation, and it follows at once or never.
const EXIT_AFTER_SOCKET: Duration = Duration::from_millis(300);

/// The browser's end, told once: the first reason counts.
#[derive(Debug, Clone)]
pub(crate) struct Gone(watch::Sender<Option<GoneReason>>);

impl Gone {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn tell(&self, reason: GoneReason) {
        self.0.send_if_modified(|told| {
            let first = told.is_none();
            if first {
                *told = Some(reason);
            }
            first
        });
    }

    /// Somebody still answers: it is not gone, or was only given up.
    pub(crate) fn is_there(&self) -> bool {
        matches!(*self.0.borrow(), None | Some(GoneReason::Recycled(_)))
    }

    pub(crate) async fn wait(&self) -> GoneReason {
        let mut told = self.0.subscribe();
        loop {
            let reason = told.borrow_and_update().clone();
            if let Some(reason) = reason {
                return reason;
            }
            if told.changed().await.is_err() {
                // Cannot be: the sender is in `self`.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Connects to the DevTools socket of a browser.
pub(crate) async fn connect(address: &str) -> Result<(chromiumoxide::Browser, Handler), CdpError> {
    let config = HandlerConfig {
        // The default would accept every certificate.
        ignore_https_errors: false,
        // The default would make the window 800 by 600 for the page, whatever it is.
        viewport: None,
        request_timeout: Duration::from_secs(30),
        ..HandlerConfig::default()
    };
    match timeout(COMMAND, chromiumoxide::Browser::connect_with_config(address, config)).await {
        Ok(connected) => connected,
        Err(_) => Err(CdpError::Timeout),
    }
}

/// A command of the browser itself, under a deadline.
pub(crate) async fn execute<C: Command>(
    browser: &chromiumoxide::Browser,
    command: C,
) -> Result<C::Response, CdpError> {
    match timeout(COMMAND, browser.execute(command)).await {
        Ok(reply) => reply.map(|reply| reply.result),
        Err(_) => Err(CdpError::Timeout),
    }
}

/// A command of one page, under a deadline: on a crashed or closed page it would never end.
pub(crate) async fn execute_in<C: Command>(
    page: &chromiumoxide::Page,
    command: C,
    deadline: Duration,
) -> Result<C::Response, CdpError> {
    match timeout(deadline, page.execute(command)).await {
        Ok(reply) => reply.map(|reply| reply.result),
        Err(_) => Err(CdpError::Timeout),
    }
}

/// Drives the connection for the life of the browser; its end is the browser's end.
pub(crate) async fn drive(mut handler: Handler, mut exit: watch::Receiver<Option<ExitStatus>>, gone: Gone) {
    // chromiumoxide can panic in here; whoever waits for the browser learns of that too.
    let _guard = TellOnDrop(gone.clone());
    let why = loop {
        match handler.next().await {
            Some(Err(error @ (CdpError::Ws(_) | CdpError::Io(_)))) => break error.to_string(),
            // A message that could not be read concerns only those who wait for it.
            Some(_) => {}
            None => break "closed".to_owned(),
        }
    };
    if timeout(EXIT_AFTER_SOCKET, exit.wait_for(Option::is_some)).await.is_err() {
        gone.tell(GoneReason::Disconnected(why));
    } else {
        watch_exit(exit, gone).await;
    }
}

struct TellOnDrop(Gone);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.tell(GoneReason::Disconnected("its driver ended".to_owned()));
    }
}

/// Tells when the process ends.
pub(crate) async fn watch_exit(mut exit: watch::Receiver<Option<ExitStatus>>, gone: Gone) {
    if let Ok(status) = exit.wait_for(Option::is_some).await {
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        gone.tell(GoneReason::Exited(status));
    }
}

/// Asks now and then whether anybody is there: after an orderly close of the socket, and in a browser that is
/// stopped or stuck, chromiumoxide waits for ever.
pub(crate) async fn heartbeat(browser: std::sync::Arc<chromiumoxide::Browser>, gone: Gone) {
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if !answers(&browser).await && !answers(&browser).await {
            gone.tell(GoneReason::Hung);
            return;
        }
    }
}

async fn answers(browser: &chromiumoxide::Browser) -> bool {
    matches!(timeout(HEARTBEAT_REPLY, browser.execute(GetVersionParams::default())).await, Ok(Ok(_)))
}

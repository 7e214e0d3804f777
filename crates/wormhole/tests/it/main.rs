//! The whole path through the real thing: practice site, Chromium, three services as processes, real clients.
//! One file a behaviour; `tidy` checks what the compiler does not.

#[cfg(test)]
mod background;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod chrome;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod console;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hangup;
#[cfg(test)]
mod held;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod many;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod self_hosted;
#[cfg(test)]
mod session;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod site;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod whole_api;

/// The binary under test: each service is one of its subcommands.
const WORMHOLE: &str = env!("CARGO_BIN_EXE_wormhole");

/// How long the practice site may take to see what a test has caused.
const SEEN_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// The site by the playground's own profile: the shipped ones of the real site take no images.
async fn with_everything() -> wormhole_testkit::Stack {
    let setup = wormhole_testkit::Setup { profile: "playground", ..wormhole_testkit::Setup::default() };
    wormhole_testkit::Stack::start(WORMHOLE, setup).await
}

//! What `wormhole doctor` asks of the bridge's side: is there a Chromium, is its profile folder usable, is the session
//! alive? Plain functions with typed answers; the words for people are the caller's.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};
use wormhole_runtime::install_crypto_provider;

use crate::{
    browser::{Browser, BrowserConfig, LaunchError},
    chrome,
    login::looker,
    session::Look,
    site::Profile,
};

/// How long Chromium may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(10);

/// A Chromium that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chromium {
    /// The program.
    pub path: PathBuf,
    /// What it says of itself, such as `Chromium 156.0.1`; empty when it says nothing.
    pub version: String,
}

/// Finds the Chromium that the bridge would run, and asks its version.
///
/// # Errors
/// There is none, or it cannot be run.
pub async fn chromium(wanted: Option<&Path>) -> Result<Chromium, LaunchError> {
    let path = chrome::find(wanted)?;
    let mut command = Command::new(&path);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let asked = timeout(VERSION_WITHIN, command.output()).await;
    let output = asked.map_err(|_| LaunchError::Timeout("its version"))?;
    let output = output.map_err(|source| LaunchError::Spawn { bin: path.clone(), source })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Chromium { path, version })
}

/// Makes the profile folder if need be, and writes in it.
///
/// # Errors
/// What the system says.
pub fn profile_writable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    // What lies in it is a logged-in session.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let probe = folder.join(format!(".wormhole-doctor-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

/// What a look at the site with the bridge's own profile found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCheck {
    /// Logged in, and the site offers so many models.
    Valid {
        /// How many.
        models: usize,
    },
    /// Not logged in.
    LoggedOut,
    /// The site asks for a person; what for.
    Challenge(&'static str),
    /// The site answers in a shape that the profile does not describe.
    SiteChanged(String),
    /// The site could not be asked.
    Unreachable(String),
}

/// Starts the bridge's browser without a window, looks, and closes it. Logs in nobody.
///
/// # Errors
/// The browser cannot be started, for one because a running bridge holds its profile.
pub async fn session(site: Profile, mut browser: BrowserConfig) -> Result<SessionCheck, LaunchError> {
    install_crypto_provider();
    browser.headless = true;
    browser.debug_port = 0;
    browser.origins = site.origins();
    let browser = Browser::launch(&browser).await?;
    let looked = looker(site).arrive(&browser.tab()).await;
    let check = match looked {
        Ok(Look::In(models)) => SessionCheck::Valid { models: models.len() },
        Ok(Look::Out) => SessionCheck::LoggedOut,
        Ok(Look::Challenge(what)) => SessionCheck::Challenge(what),
        Ok(Look::Changed(what)) => SessionCheck::SiteChanged(what),
        Ok(Look::Unreachable(why)) => SessionCheck::Unreachable(why),
        Err(error) => SessionCheck::Unreachable(error.to_string()),
    };
    browser.close().await;
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("a/b");
        profile_writable(&profile).unwrap();
        assert_eq!(std::fs::read_dir(&profile).unwrap().count(), 0);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(profile_writable(&file.join("x")).is_err());
    }
}

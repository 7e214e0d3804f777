//! `tokens`: makes the tokens that services join each other with, for whoever starts them in containers.
//!
//! Each lies in a folder of its own, so that each can be a volume of its own: a service that is given one volume cannot
//! read another's token.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wormhole_runtime::{ConfigError, ExposeSecret, SecretString, same_token};

use crate::config::{PAGE_TOKEN, SENDER_TOKEN};

/// Makes each token that is missing: `<folder>/<name>/token`, for its owner alone. What the environment gives is written
/// in place of what is there, so that services which read the files follow it.
#[derive(Debug, Clone, clap::Args)]
pub struct TokensArgs {
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// The bridges' token.
    #[arg(long = "new-page-token", env = "WORMHOLE_PAGE_TOKEN", hide_env_values = true)]
    page: Option<SecretString>,
    /// The APIs' token.
    #[arg(long = "new-sender-token", env = "WORMHOLE_SENDER_TOKEN", hide_env_values = true)]
    sender: Option<SecretString>,
    /// The token of the bridges' console.
    #[arg(long = "new-console-token", env = "WORMHOLE_CONSOLE_TOKEN", hide_env_values = true)]
    console: Option<SecretString>,
}

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Made,
    Kept,
    Given,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum TokensError {
    #[error("{0}")]
    Setting(ConfigError),
    #[error("cannot write the token {}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
}

impl TokensArgs {
    /// Makes them, and says for each whether it was made, kept or given. Exit code 1 where a file cannot be written, 64
    /// for tokens that the hub would refuse.
    pub fn run(self) -> ExitCode {
        let told = match self.make() {
            Ok(outcomes) => writeln!(io::stdout(), "{}", outcomes.join(", ")),
            Err(error @ TokensError::Setting(_)) => return crate::refuse(&error, wormhole_runtime::EX_USAGE),
            Err(error @ TokensError::File { .. }) => return crate::refuse(&error, 1),
        };
        // Nobody may be listening; the exit code still counts.
        let _ = told;
        ExitCode::SUCCESS
    }

    fn make(self) -> Result<Vec<String>, TokensError> {
        let given = |token: Option<SecretString>| token.filter(|token| !token.expose_secret().is_empty());
        let (page, sender, console) = (given(self.page), given(self.sender), given(self.console));
        if let (Some(page), Some(sender)) = (&page, &sender)
            && same_token(page.expose_secret(), sender)
        {
            let error = ConfigError::new(SENDER_TOKEN, format!("must differ from {PAGE_TOKEN}"));
            return Err(TokensError::Setting(error));
        }
        let mut outcomes = Vec::new();
        for (name, token) in [("page", page), ("sender", sender), ("console", console)] {
            let folder = self.into.join(name);
            let outcome = keep(&folder, token).map_err(|source| {
                let path = folder.join(FILE);
                TokensError::File { path, source }
            })?;
            outcomes.push(format!("{name} token {}", outcome.word()));
        }
        Ok(outcomes)
    }
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Kept => "kept",
            Self::Given => "given",
        }
    }
}

/// What each token's file is called.
const FILE: &str = "token";

/// A token that nobody else has, of 244 random bits.
pub fn fresh_token() -> SecretString {
    SecretString::from(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
}

fn keep(folder: &Path, given: Option<SecretString>) -> io::Result<Outcome> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = folder.join(FILE);
    match given {
        Some(token) => write(folder, &token).map(|()| Outcome::Given),
        None if fs::metadata(&file).is_ok_and(|file| file.len() > 0) => Ok(Outcome::Kept),
        None => write(folder, &fresh_token()).map(|()| Outcome::Made),
    }
}

/// Whoever reads the file meets the old token or the new one, never half of one.
fn write(folder: &Path, token: &SecretString) -> io::Result<()> {
    let unfinished = folder.join(format!("{FILE}.new"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(token.expose_secret().as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(FILE))
}

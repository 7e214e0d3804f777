//! `keys add|list|revoke`: the file of keys, without an editor.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use wormhole_runtime::EX_USAGE;

use super::hash;
use super::list::{self, Key};
use crate::limits::Allowance;

/// The API keys in the file that WORMHOLE_API_KEYS_FILE names. A running service sees the change by itself.
#[derive(Debug, Clone, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum KeysCommand {
    /// Make a key and print it, once: the file keeps only its hash.
    Add {
        /// Its name: letters, digits, '.', '_' and '-'.
        name: String,
        /// Requests that it may make in any minute.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rpm: Option<u32>,
        /// Turns that it may run at once.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        concurrency: Option<u32>,
        /// The only accounts it may use, between commas.
        #[arg(long, value_delimiter = ',')]
        accounts: Vec<String>,
    },
    /// Print names, limits and accounts.
    List,
    /// Take a key out of the file.
    Revoke {
        /// Its name.
        name: String,
    },
}

impl KeysArgs {
    /// Does it.
    pub fn run(self, file: Option<&Path>) -> ExitCode {
        let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else {
            tell("WORMHOLE_API_KEYS_FILE: needed: the file that holds the keys");
            return ExitCode::from(EX_USAGE);
        };
        match self.command.run(file) {
            Ok(said) => {
                // Nobody may be listening; the exit code still counts.
                let _ = io::stdout().write_all(said.as_bytes());
                ExitCode::SUCCESS
            }
            Err(wrong) => {
                tell(&wrong);
                ExitCode::FAILURE
            }
        }
    }
}

fn tell(wrong: &str) {
    let _ = writeln!(io::stderr(), "{wrong}");
}

impl KeysCommand {
    fn run(self, file: &Path) -> Result<String, String> {
        let text = read(file)?;
        let keys = list::parse(&text).map_err(|wrong| format!("{}: {wrong}", file.display()))?;
        let is_known = |name: &str| keys.iter().any(|key| key.name == name);
        match self {
            Self::Add { name, .. } if is_known(&name) => {
                Err(format!("there is a key named '{name}' already"))
            }
            Self::Add { name, rpm, concurrency, accounts } => {
                if !list::is_name(&name) {
                    return Err("a name has letters, digits, '.', '_' and '-'".to_owned());
                }
                let accounts: Arc<[String]> =
                    accounts.into_iter().filter(|account| !account.is_empty()).collect();
                if accounts.iter().any(|account| account.contains(char::is_whitespace)) {
                    return Err("an account's name has no spaces".to_owned());
                }
                let secret = new_secret();
                let allowance = Allowance { per_minute: rpm, at_once: concurrency };
                let key = Key { name, hash: hash(&secret), accounts, allowance };
                let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                write(file, &format!("{text}{newline}{key}\n"))?;
                Ok(format!("{secret}\n"))
            }
            Self::List => {
                let lines: Vec<_> =
                    keys.iter().map(|key| format!("{}{}\n", key.name, key.options())).collect();
                Ok(lines.concat())
            }
            Self::Revoke { name } if !is_known(&name) => Err(format!("there is no key named '{name}'")),
            Self::Revoke { name } => {
                let kept: Vec<&str> =
                    text.lines().filter(|line| list::name_of_line(line) != Some(&name)).collect();
                if kept.len() == text.lines().count() {
                    return Err(format!("the key named '{name}' shares its line with others: edit the file"));
                }
                let end = if kept.is_empty() { "" } else { "\n" };
                write(file, &format!("{}{end}", kept.join("\n")))?;
                Ok(String::new())
            }
        }
    }
}

/// 244 random bits. The prefix tells people, and scanners for leaked secrets, what it is.
fn new_secret() -> String {
    let half = || uuid::Uuid::new_v4().simple();
    format!("wh-{}{}", half(), half())
}

fn read(file: &Path) -> Result<String, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("cannot read {}: {}", file.display(), error.kind())),
    }
}

/// Whole or not at all: a service that reads the file meanwhile sees the old one.
fn write(file: &Path, text: &str) -> Result<(), String> {
    let new = file.with_extension("new");
    let written = || {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        out.set_permissions(Permissions::from_mode(0o600))?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&new, file)
    };
    written().map_err(|error| format!("cannot write {}: {}", file.display(), error.kind()))
}

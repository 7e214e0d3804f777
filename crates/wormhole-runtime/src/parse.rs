//! Arguments from flags and variables, with the lower-case spellings of variables taken too.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Command, Parser};

use crate::config::EX_USAGE;
use crate::version::VERSION_LINE;

/// Reads the process's arguments. A variable that is not set, or empty, is looked for in its lower-case spelling
/// (`wormhole_port`); an empty one counts as unset. `--version` tells the revision, too.
///
/// # Errors
/// The exit code to end with, after the reason (or the help text) has been written: 0 for `--help` and `--version`, 64
/// for arguments that cannot be used.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    let command =
        adopt_spellings(T::command().version(VERSION_LINE.as_str()), &|name| std::env::var_os(name));
    let mut named = command.clone();
    command.try_get_matches().and_then(|matches| T::from_arg_matches(&matches)).map_err(|error| {
        let error = error.format(&mut named);
        tell(&error, &mut named)
    })
}

/// Reads one block of settings from the variables alone, for a program that runs several services and has no flags for
/// each. `defaults` replaces the defaults of the named variables; a variable that is set still wins.
///
/// # Errors
/// As [`parse`].
pub fn parse_env<A: Args>(defaults: &[(&'static str, &'static str)]) -> Result<A, ExitCode> {
    let command = A::augment_args(Command::new("wormhole").no_binary_name(true)).mut_args(|arg| {
        let named = |(name, _): &&(&str, &str)| arg.get_env().is_some_and(|env| env == *name);
        match defaults.iter().find(named) {
            Some((_, default)) => arg.default_value(*default),
            None => arg,
        }
    });
    let mut named = adopt_spellings(command, &|name| std::env::var_os(name));
    let matches = named.try_get_matches_from_mut(std::iter::empty::<OsString>());
    matches.and_then(|matches| A::from_arg_matches(&matches)).map_err(|error| {
        let error = error.format(&mut named);
        tell(&error, &mut named)
    })
}

fn adopt_spellings(command: Command, env: &dyn Fn(&str) -> Option<OsString>) -> Command {
    command
        .mut_args(|arg| {
            let Some(name) = arg.get_env().and_then(|name| name.to_str()).map(str::to_owned) else {
                return arg;
            };
            let is_set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
            if is_set(&name) {
                return arg;
            }
            let lower = name.to_lowercase();
            if is_set(&lower) {
                // clap keeps names for ever; this happens once a process, for a handful of names.
                return arg.env(&*lower.leak());
            }
            if env(&name).is_some() { arg.env(None) } else { arg }
        })
        .mut_subcommands(|subcommand| adopt_spellings(subcommand, env))
}

/// Writes what clap has to say. Where it is about an argument that has a variable, one line that names the variable.
fn tell(error: &clap::Error, command: &mut Command) -> ExitCode {
    let Some(variable) = variable_of(error, command) else {
        // Nobody may be listening; the exit code still counts.
        let _ = error.print();
        return if error.use_stderr() { ExitCode::from(EX_USAGE) } else { ExitCode::SUCCESS };
    };
    let text = error.to_string();
    let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let _ = writeln!(std::io::stderr(), "{variable}: {reason}");
    ExitCode::from(EX_USAGE)
}

fn variable_of(error: &clap::Error, command: &mut Command) -> Option<String> {
    // How an argument is written is known only then.
    command.build();
    let ContextValue::String(invalid) = error.get(ContextKind::InvalidArg)? else { return None };
    std::iter::once(&*command)
        .chain(command.get_subcommands())
        .flat_map(Command::get_arguments)
        .find(|arg| arg.to_string() == *invalid)
        .and_then(|arg| arg.get_env())
        .map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;

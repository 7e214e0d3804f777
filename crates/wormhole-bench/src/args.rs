//! The command line.

use std::path::{Path, PathBuf};

use crate::soak::SoakArgs;

/// Where the tables go when `make bench` runs in the workspace's root.
const DOCUMENT: &str = "docs/PERFORMANCE.md";

/// Measures Wormhole here and now: a fake page, a load generator, and the real release binaries between them.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "wormhole-bench", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Something else than the tables.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How many runs; the table says median and range.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub runs: u32,
    /// One run with small counts: does everything work? The figures are not worth quoting, and no file is written.
    #[arg(long, conflicts_with = "full")]
    pub quick: bool,
    /// 100,000 requests and 10,000 hang-ups to see whether memory stays flat (in place of 20,000 and 2,000).
    #[arg(long)]
    pub full: bool,
    /// Only this part.
    #[arg(long, value_enum)]
    pub only: Option<Part>,
    /// Put the tables between the marker comments of this file [default: docs/PERFORMANCE.md, if it is there].
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Write no file.
    #[arg(long, conflicts_with = "write")]
    pub no_write: bool,
    /// Where the binaries to measure are [default: beside this one].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub bin_dir: Option<PathBuf>,
}

impl Args {
    /// The file to put the tables into, if any.
    pub(crate) fn document(&self) -> Option<&Path> {
        let default = Path::new(DOCUMENT);
        // Part of a table, or one of a smoke test, is not what a reader of the document looks for.
        let partial = self.quick || self.only.is_some();
        match &self.write {
            Some(path) => Some(path),
            None if self.no_write || partial || !default.is_file() => None,
            None => Some(default),
        }
    }

    /// Whether this part is to be measured.
    pub(crate) fn includes(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// How much of everything.
    pub(crate) fn scale(&self) -> Scale {
        match (self.quick, self.full) {
            (true, _) => Scale::QUICK,
            (_, true) => Scale { flat_requests: 100_000, flat_hang_ups: 10_000, ..Scale::NORMAL },
            _ => Scale::NORMAL,
        }
    }
}

/// What else there is to run.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Half an hour through Chromium: memory, open files, zombies and disk over time.
    Soak(SoakArgs),
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Server and oai with a fake page.
    Services,
    /// The whole path through Chromium.
    Chromium,
}

/// How much of everything one run does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Requests of one line of the load table, answers whole; streams send half of it.
    pub(crate) requests: usize,
    /// Requests for the memory's flatness.
    pub(crate) flat_requests: usize,
    /// Hang-ups for the memory's flatness.
    pub(crate) flat_hang_ups: usize,
    /// Streams open at once.
    pub(crate) open_streams: usize,
    /// Idle clients.
    pub(crate) idle_clients: usize,
    /// Seconds of idleness that are watched.
    pub(crate) idle_seconds: u64,
    /// Times that each process is started.
    pub(crate) starts: usize,
    /// Streams read each way through Chromium and plainly.
    pub(crate) chromium_streams: usize,
}

impl Scale {
    const NORMAL: Self = Self {
        requests: 4_000,
        flat_requests: 20_000,
        flat_hang_ups: 2_000,
        open_streams: 200,
        idle_clients: 1_000,
        idle_seconds: 30,
        starts: 5,
        chromium_streams: 10,
    };
    const QUICK: Self = Self {
        requests: 200,
        flat_requests: 500,
        flat_hang_ups: 50,
        open_streams: 50,
        idle_clients: 100,
        idle_seconds: 3,
        starts: 1,
        chromium_streams: 2,
    };
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}

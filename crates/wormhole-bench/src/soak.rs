//! What long use does: turns through Chromium at a steady pace for half an hour, and what the bridge and its browser hold
//! on to meanwhile. Once with tab and browser replaced every few minutes, once with neither replaced at all.

mod family;
mod load;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wormhole_runtime::parse_duration;

use crate::chromium::{NEEDED, Path as Whole};
use crate::clock::Clock;
use crate::process::Binaries;
use crate::procfs;
use crate::report;
use family::Reading;
use load::{Load, Tally};
use table::{Run, verdict};

/// The profile, with a pace that leaves the bridge itself as the only thing that could be in the way.
const PROFILE: &str = include_str!("../../wormhole-bridge/sites/outlier.yaml");

/// `wormhole-bench soak`.
#[derive(Debug, Clone, clap::Args)]
pub struct SoakArgs {
    /// How long each run takes.
    #[arg(long, default_value = "30m", value_parser = parse_duration, value_name = "DURATION")]
    pub duration: Duration,
    /// Turns of each run, spread evenly; every tenth client hangs up in mid-answer.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(20..))]
    pub turns: u32,
    /// With tab and browser replaced every few minutes, without, or one run of each.
    #[arg(long, value_enum, default_value_t = Recycling::Both)]
    pub recycling: Recycling,
    /// Memory of all of Chromium, in MB, that it must stay below.
    #[arg(long, default_value_t = 1_500)]
    pub ceiling: u32,
    /// Put the tables between the marker comments of this file.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// Whether tab and browser are replaced meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Recycling {
    /// By age: the tab six times in a run, the browser three times.
    On,
    /// Never.
    Off,
    /// One run of each.
    Both,
}

impl SoakArgs {
    fn runs(&self) -> Vec<bool> {
        match self.recycling {
            Recycling::On => vec![true],
            Recycling::Off => vec![false],
            Recycling::Both => vec![true, false],
        }
    }

    /// Twelve rows a run.
    fn every(&self) -> Duration {
        (self.duration / 12).max(Duration::from_secs(1))
    }

    fn ceilings(&self, recycling: bool) -> Vec<(&'static str, String)> {
        let part = |parts: u32| (self.duration / parts).as_secs().max(1);
        let age = |parts: u32| if recycling { format!("{}s", part(parts)) } else { "0s".to_owned() };
        let memory = if recycling { self.ceiling.to_string() } else { "0".to_owned() };
        vec![
            ("CHROME_MAX_AGE", age(4)),
            ("CHROME_TAB_MAX_AGE", age(7)),
            ("CHROME_MEMORY_MIB", memory.clone()),
            ("CHROME_TAB_MEMORY_MIB", memory),
        ]
    }
}

/// Makes the runs; the Markdown, and whether everything held that must.
pub(crate) async fn run(args: &SoakArgs, binaries: &Binaries) -> Result<(String, bool)> {
    for name in NEEDED {
        ensure!(binaries.has(name), "a soak needs {name} beside this program");
    }
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z").to_string();
    let (machine, mut text, mut holds) = (procfs::machine(), String::new(), true);
    for recycling in args.runs() {
        let before = procfs::load_average();
        let run = soak(args, binaries, recycling).await?;
        let judged = verdict(&run, f64::from(args.ceiling));
        holds &= judged.holds();
        let load = format!("load average before {before}, after {}", procfs::load_average());
        text += &table::markdown(&run, &judged, &format!("{date} · {machine} · {load}"));
    }
    if let Some(path) = &args.write {
        report::write(path, report::SOAK, &text)?;
    }
    Ok((text, holds))
}

async fn soak(args: &SoakArgs, binaries: &Binaries, recycling: bool) -> Result<Run> {
    let profile = binaries.logs.join("soak.yaml");
    let faster = PROFILE.replace("capacity: 2\n", "capacity: 8\n").replace("gap: 1s\n", "gap: 0s\n");
    ensure!(faster != PROFILE, "the profile's pace is not where this looks for it");
    std::fs::write(&profile, faster)?;
    let mut settings = args.ceilings(recycling);
    settings.push(("WORMHOLE_SITE", profile.display().to_string()));
    let clock = Clock::start();
    let path = Whole::open(binaries, clock, &settings).await?;
    let load = Load { api: path.services.api, clock, turns: args.turns, duration: args.duration };
    let (began, mut readings, mut tally) = (clock.now(), Vec::new(), Tally::default());
    {
        let mut turns = Box::pin(load.run(&mut tally));
        let mut ticks = tokio::time::interval(args.every());
        loop {
            tokio::select! {
                () = &mut turns => break,
                _ = ticks.tick() => {
                    let at = clock.now().saturating_sub(began);
                    let reading = Reading::take(&path, binaries, at).await.context("a reading")?;
                    readings.push(reading);
                }
            }
        }
    }
    let took = clock.now().saturating_sub(began);
    readings.push(Reading::take(&path, binaries, took).await.context("the last reading")?);
    path.close().await?;
    Ok(Run { recycling, took, tally, readings })
}

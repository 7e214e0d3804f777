//! The order of things: runs, tables, exit code.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Args, Command, Part, Scale};
use crate::clock::Clock;
use crate::process::{Binaries, raise_open_files, remove_logs};
use crate::report::{BENCH, Circumstances, tables, write};
use crate::stack::Stack;
use crate::standing::IDLE_PAGES;
use crate::stats::Figures;
use crate::{chromium, loads, procfs, standing};

/// Measures, prints the tables, and writes them into the document. Exit code 1 if an answer was not whole.
pub async fn run(args: Args) -> Result<ExitCode> {
    raise_open_files().context("cannot raise the limit of open files")?;
    let binaries = Binaries::find(args.bin_dir.clone())?;
    if let Some(Command::Soak(soak)) = &args.command {
        let (text, holds) = crate::soak::run(soak, &binaries).await?;
        writeln!(std::io::stdout(), "{text}")?;
        remove_logs(&binaries.logs);
        return Ok(ExitCode::from(u8::from(!holds)));
    }
    let (scale, runs) = (args.scale(), if args.quick { 1 } else { args.runs });
    let (load_before, mut figures) = (procfs::load_average(), Figures::default());
    let errors = measure(&args, &binaries, runs, &mut figures).await?;
    let at = Circumstances {
        date: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z").to_string(),
        machine: procfs::machine(),
        load_before,
        load_after: procfs::load_average(),
        runs,
        scale,
        notes: notes(&args, &binaries, &errors),
    };
    finish(&args, &tables(&figures, &at))?;
    remove_logs(&binaries.logs);
    Ok(ExitCode::from(u8::from(!errors.is_empty())))
}

/// Ends on SIGINT or SIGTERM.
pub async fn interrupted() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
    Ok(())
}

/// All runs; says which answers were not whole.
async fn measure(args: &Args, binaries: &Binaries, runs: u32, figures: &mut Figures) -> Result<Vec<String>> {
    let (scale, mut errors) = (args.scale(), Vec::new());
    for run in 1..=runs {
        if args.includes(Part::Services) {
            say(&format!("run {run} of {runs}: server and oai, load {}", procfs::load_average()))?;
            errors.extend(services(binaries, &scale, figures).await?);
        }
        if args.includes(Part::Chromium) && can_chromium(binaries) {
            say(&format!("run {run} of {runs}: through Chromium, load {}", procfs::load_average()))?;
            let measured = chromium::measure(binaries, &scale, Clock::start(), figures).await;
            measured.context("through Chromium")?;
        }
    }
    Ok(errors)
}

fn can_chromium(binaries: &Binaries) -> bool {
    chromium::NEEDED.iter().all(|name| binaries.has(name))
}

/// What a reader of the tables must know besides.
fn notes(args: &Args, binaries: &Binaries, errors: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    if args.quick {
        notes.push("a smoke test with small counts: not worth quoting".to_owned());
    }
    if args.includes(Part::Chromium) && !can_chromium(binaries) {
        notes.push(format!("the part through Chromium needs {}", chromium::NEEDED.join(" and ")));
    }
    notes.extend(errors.iter().take(5).cloned());
    notes
}

async fn services(binaries: &Binaries, scale: &Scale, figures: &mut Figures) -> Result<Vec<String>> {
    let clock = Clock::start();
    standing::starts(binaries, scale, clock, figures).await?;
    let stack = Stack::start(binaries, 1, clock).await?;
    let mut errors = loads::measure(&stack, scale, figures).await?;
    standing::open_streams(&stack, scale, figures).await?;
    errors.extend(standing::flatness(&stack, scale, figures).await?);
    stack.stop().await?;
    let stack = Stack::start(binaries, IDLE_PAGES, clock).await?;
    standing::idleness(&stack, scale, figures).await?;
    stack.stop().await?;
    Ok(errors)
}

fn finish(args: &Args, tables: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{tables}")?;
    if let Some(path) = args.document() {
        write(path, BENCH, tables)?;
        say(&format!("written to {}", path.display()))?;
    }
    Ok(())
}

/// A line of progress. The tables alone go to stdout.
fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

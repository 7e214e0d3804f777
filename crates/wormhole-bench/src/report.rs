//! The tables, in Markdown, and their place in a document.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::args::Scale;
use crate::bars::{bars, holds};
use crate::loads::lines;
use crate::standing::{IDLE_PAGES, SERVICES};
use crate::stats::{Figures, Summary};

/// The name in the comments that stand before and after the tables in a document.
pub(crate) const BENCH: &str = "wormhole-bench";
/// The same, for the tables of a soak.
pub(crate) const SOAK: &str = "wormhole-soak";

/// When and where a bench ran.
#[derive(Debug)]
pub(crate) struct Circumstances {
    /// The day and time.
    pub(crate) date: String,
    /// Kernel and CPU.
    pub(crate) machine: String,
    /// Load average before.
    pub(crate) load_before: String,
    /// Load average after.
    pub(crate) load_after: String,
    /// How many runs.
    pub(crate) runs: u32,
    /// How much of everything.
    pub(crate) scale: Scale,
    /// What could not be measured, and why.
    pub(crate) notes: Vec<String>,
}

/// All tables. Columns whose figures are missing show a dash.
pub(crate) fn tables(figures: &Figures, at: &Circumstances) -> String {
    let mut text = String::new();
    head(&mut text, at);
    bar_table(&mut text, figures);
    load_table(&mut text, figures);
    standing_table(&mut text, figures, &at.scale);
    chromium_table(&mut text, figures);
    text
}

/// Puts the tables between the marker comments of a file, or at its end if it has none.
pub(crate) fn write(path: &Path, marker: &str, tables: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    std::fs::write(path, placed(&old, marker, tables))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn placed(old: &str, marker: &str, tables: &str) -> String {
    let (begin, end) = (format!("<!-- {marker}: begin -->"), format!("<!-- {marker}: end -->"));
    let (before, after) = match (old.split_once(&begin), old.split_once(&end)) {
        (Some((before, _)), Some((_, after))) => (before.to_owned(), after),
        _ => (format!("{old}\n"), "\n"),
    };
    format!("{before}{begin}\n\n{}\n\n{end}{after}", tables.trim())
}

// === Parts ===

/// Adds a line. Writing to a `String` cannot fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(text, "{line}");
}

fn head(text: &mut String, at: &Circumstances) {
    let Circumstances { date, machine, load_before, load_after, runs, notes, .. } = at;
    line(
        text,
        format_args!(
            "{date} · {machine} · load average before {load_before}, after {load_after} · runs: {runs}, median (range)"
        ),
    );
    for note in notes {
        line(text, format_args!("\n**Note:** {note}"));
    }
}

fn bar_table(text: &mut String, figures: &Figures) {
    line(text, format_args!("\n### Bars\n\n| what | bar | measured | holds |\n| --- | --- | --- | --- |"));
    for bar in bars() {
        let verdict = match holds(&bar, figures) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        let (what, limit, unit) = (bar.what, bar.limit.words(), bar.unit);
        line(text, format_args!("| {what} | {limit} {unit} | {} | {verdict} |", cell(figures, &bar.figure)));
    }
}

fn load_table(text: &mut String, figures: &Figures) {
    line(
        text,
        format_args!(
            "\n### Load\n\nCPU in ms a request; latencies in ms; \"floor\" is the same client at the stand-in.\n"
        ),
    );
    line(
        text,
        format_args!(
            "| load | requests/s | CPU server + oai | p50 / p99 | floor p50 / p99 | added p50 / p99 | × floor p50 | chunk p50 / p99 | floor chunk p99 | errors |"
        ),
    );
    line(text, format_args!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"));
    for load in lines() {
        let median = |column: &str| brief(figures, &format!("{}/{column}", load.name));
        let pair = |a: &str, b: &str| format!("{} / {}", median(a), median(b));
        let cpu = format!(
            "{} = {} + {}",
            cell(figures, &format!("{}/cpu", load.name)),
            median("cpu server"),
            median("cpu oai")
        );
        line(
            text,
            format_args!(
                "| {} | {} | {cpu} | {} | {} | {} | {} | {} | {} | {} |",
                load.name,
                cell(figures, &format!("{}/rps", load.name)),
                pair("p50", "p99"),
                pair("floor p50", "floor p99"),
                pair("added p50", "added p99"),
                median("ratio"),
                pair("chunk p50", "chunk p99"),
                median("floor chunk p99"),
                figures.total(&format!("{}/errors", load.name)),
            ),
        );
    }
}

fn standing_table(text: &mut String, figures: &Figures, scale: &Scale) {
    let Scale { open_streams, flat_requests, flat_hang_ups, idle_clients, idle_seconds, .. } = scale;
    line(text, format_args!("\n### Start, memory, idleness\n\n| what | server | oai |\n| --- | --- | --- |"));
    let mut row = |what: String, name: fn(&str) -> String| {
        let [server, oai] = SERVICES.map(|service| cell(figures, &name(service)));
        line(text, format_args!("| {what} | {server} | {oai} |"));
    };
    row("size of the binary, MB".to_owned(), |service| format!("size/{service}"));
    row("exec to first 200 of `/readyz`, ms".to_owned(), |service| format!("start/{service}"));
    row(format!("RSS with {open_streams} open streams, MB"), |service| format!("streams/{service} rss"));
    row(format!("PSS with {open_streams} open streams, MB"), |service| format!("streams/{service} pss"));
    row(format!("RSS before {flat_requests} requests and {flat_hang_ups} hang-ups, MB"), |service| {
        format!("flat/{service} before")
    });
    row("RSS after them, MB".to_owned(), |service| format!("flat/{service} after"));
    row("change, %".to_owned(), |service| format!("flat/{service}"));
    row(
        format!("idle CPU, {idle_clients} clients and {IDLE_PAGES} pages, {idle_seconds} s, % of a core"),
        |service| format!("idle/{service}"),
    );
    row("RSS then, MB".to_owned(), |service| format!("idle/{service} rss"));
}

fn chromium_table(text: &mut String, figures: &Figures) {
    line(
        text,
        format_args!(
            "\n### Through Chromium\n\nOne stream, 100 deltas 10 ms apart; each round reads it both ways.\n"
        ),
    );
    line(
        text,
        format_args!(
            "| latency, ms | plain HTTP reader of the site | whole path through Chromium | × |\n| --- | --- | --- | --- |"
        ),
    );
    for (what, name) in
        [("a delta, p50", "delta p50"), ("a delta, p99", "delta p99"), ("first delta, p50", "first p50")]
    {
        let way = |way: &str| cell(figures, &format!("chromium/{way} {name}"));
        line(text, format_args!("| {what} | {} | {} | {} |", way("plain"), way("through"), way("ratio")));
    }
}

// === Cells ===

fn cell(figures: &Figures, name: &str) -> String {
    figures.summary(name).map_or_else(dash, |Summary { median, least, most }| {
        format!("{} ({}–{})", number(median), number(least), number(most))
    })
}

fn brief(figures: &Figures, name: &str) -> String {
    figures.summary(name).map_or_else(dash, |summary| number(summary.median))
}

fn dash() -> String {
    "–".to_owned()
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Args;

    fn circumstances() -> Circumstances {
        Circumstances {
            date: "2026-11-22".to_owned(),
            machine: "Linux".to_owned(),
            load_before: "0.1".to_owned(),
            load_after: "0.2".to_owned(),
            runs: 2,
            scale: Args::parse_from(["wormhole-bench"]).scale(),
            notes: vec!["nothing was measured".to_owned()],
        }
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_head() {
        let mut figures = Figures::default();
        figures.add("start/oai", 50.0);
        figures.add("start/oai", 150.0);
        let text = tables(&figures, &circumstances());
        assert!(text.contains("| exec to first 200, oai | ≤ 100 ms | 100 (50.0–150) | yes |"), "{text}");
        let mut columns = 0;
        for row in text.lines() {
            if !row.starts_with('|') {
                columns = 0;
            } else if columns == 0 {
                columns = row.matches('|').count();
            } else {
                assert_eq!(row.matches('|').count(), columns, "{row}");
            }
        }
    }

    #[test]
    fn tables_take_the_place_of_older_ones() {
        let first = placed("# Title\n", "mine", "one");
        assert_eq!(first, "# Title\n\n<!-- mine: begin -->\n\none\n\n<!-- mine: end -->\n");
        let between = placed(&first, "other", "three") + "end\n";
        let second = placed(&between, "mine", "two");
        assert!(second.contains("three"), "{second}");
        assert!(second.contains("two") && !second.contains("one") && second.ends_with("end\n"), "{second}");
    }

    #[test]
    fn numbers_are_as_long_as_they_need_be() {
        assert_eq!([0.123, 12.34, 2345.6, -4.0].map(number), ["0.12", "12.3", "2346", "-4.00"]);
    }
}

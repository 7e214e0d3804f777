//! The readings as a table, and what they say.

use std::fmt::Write;
use std::time::Duration;

use super::family::Reading;
use super::load::Tally;

/// The share of a run after which everything has been used once: caches are full, pools are open.
const WARM_AFTER: f64 = 0.25;

/// What memory may grow by after that.
const GROWTH: f64 = 5.0;

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    /// Tab and browser were replaced meanwhile.
    pub(super) recycling: bool,
    /// From the first turn to the last.
    pub(super) took: Duration,
    /// What became of the turns.
    pub(super) tally: Tally,
    /// In order of time.
    pub(super) readings: Vec<Reading>,
}

/// What must hold.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Bridge: the last reading against the first warm one, in percent.
    growth: f64,
    zombies: usize,
    /// The most that Chromium used, MB.
    most: f64,
    ceiling: f64,
    failed: u32,
}

impl Verdict {
    pub(super) fn holds(&self) -> bool {
        self.growth <= GROWTH && self.zombies == 0 && self.most < self.ceiling && self.failed == 0
    }
}

/// Judges a run.
pub(super) fn verdict(run: &Run, ceiling: f64) -> Verdict {
    let warm = run.readings.iter().find(|reading| reading.at >= run.took.mul_f64(WARM_AFTER));
    let growth = match (warm, run.readings.last()) {
        (Some(warm), Some(last)) => (last.bridge / warm.bridge - 1.0) * 100.0,
        _ => f64::INFINITY,
    };
    let most = run.readings.iter().map(|reading| reading.chromium).fold(0.0, f64::max);
    let zombies = run.readings.iter().map(|reading| reading.zombies).sum();
    Verdict { growth, zombies, most, ceiling, failed: run.tally.failed }
}

/// A heading, the circumstances, the table and the verdict.
pub(super) fn markdown(run: &Run, verdict: &Verdict, circumstances: &str) -> String {
    let mut text = format!(
        "### Recycling {}\n\n{circumstances}\n\n{:.1} minutes, {} turns whole, {} left by their client, {} failed.\n\n",
        if run.recycling { "on" } else { "off" },
        run.took.as_secs_f64() / 60.0,
        run.tally.whole,
        run.tally.left,
        run.tally.failed,
    );
    text += "| at, s | bridge PSS, MB | open files | Chromium PSS, MB | processes | zombies | store, MB | profile, MB | tabs / browsers replaced |\n";
    text += "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for reading in &run.readings {
        let Reading { bridge, files, chromium, processes, zombies, store, profile, .. } = reading;
        let (at, (tabs, browsers)) = (reading.at.as_secs(), reading.replaced);
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(
            text,
            "| {at} | {bridge:.1} | {files} | {chromium:.0} | {processes} | {zombies} | {store:.1} | {profile:.0} | {tabs} / {browsers} |"
        );
    }
    text += &said(verdict);
    for error in &run.tally.errors {
        let _infallible = writeln!(text, "\n**Failed:** {error}");
    }
    text + "\n"
}

fn said(verdict: &Verdict) -> String {
    let Verdict { growth, zombies, most, ceiling, failed } = verdict;
    let yes = |holds: bool| if holds { "yes" } else { "**no**" };
    format!(
        "\nBridge within {GROWTH:.0} % after warm-up: {} ({growth:+.1} %). No zombie: {}. \
         Chromium below {ceiling:.0} MB: {} (at most {most:.0} MB). No turn failed: {}.\n",
        yes(*growth <= GROWTH),
        yes(*zombies == 0),
        yes(most < ceiling),
        yes(*failed == 0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: u64, bridge: f64) -> Reading {
        Reading {
            at: Duration::from_secs(at),
            bridge,
            files: 40,
            chromium: 300.0,
            processes: 7,
            zombies: 0,
            store: 0.1,
            profile: 9.0,
            replaced: (1, 0),
        }
    }

    fn run(bridge: [f64; 4]) -> Run {
        let readings = bridge.into_iter().zip(0..).map(|(bridge, at)| reading(at * 10, bridge)).collect();
        Run { recycling: true, took: Duration::from_secs(30), tally: Tally::default(), readings }
    }

    #[test]
    fn growth_counts_from_when_it_is_warm() {
        assert!(verdict(&run([5.0, 10.0, 10.2, 10.4]), 400.0).holds());
        assert!(!verdict(&run([10.0, 10.0, 10.2, 10.6]), 400.0).holds());
        assert!(!verdict(&run([10.0, 10.0, 10.0, 10.0]), 300.0).holds(), "the ceiling itself is too much");
        let mut lost = run([10.0; 4]);
        lost.tally.failed = 1;
        assert!(!verdict(&lost, 400.0).holds());
    }

    #[test]
    fn the_table_has_a_row_for_each_reading() {
        let run = run([10.0; 4]);
        let text = markdown(&run, &verdict(&run, 400.0), "here and now");
        let columns: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(columns.len(), 6, "{text}");
        assert!(columns.iter().all(|row| row.matches('|').count() == 10), "{text}");
        assert!(text.contains("No zombie: yes"), "{text}");
    }
}

//! The lines of the load table, each driven at Wormhole and at the stand-in, one right after the other.

use std::time::Duration;

use anyhow::Result;

use crate::args::Scale;
use crate::ask::{Dialect, History, PACED, PLAIN, Script, TWENTY, TWO_HUNDRED, ask};
use crate::connection::Connection;
use crate::load::{Outcome, Pattern, drive};
use crate::stack::Stack;
use crate::standin::{Recorder, StandIn};
use crate::stats::{Figures, count, p50_and_p99};

/// One line of the load table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// How the table calls it; its figures are named `<name>/<column>`.
    pub(crate) name: &'static str,
    dialect: Dialect,
    script: Script,
    streamed: bool,
    history: History,
    pattern: Pattern,
    /// It sends the scale's requests divided by this.
    divisor: usize,
}

/// Answers whole, ten clients: the line of the bars for CPU and throughput.
pub(crate) const WHOLE_AT_10: &str = "chat, whole, c=10";
/// Streams, ten clients: the line of the bar for CPU.
pub(crate) const STREAM_AT_10: &str = "chat, 20 chunks, c=10";
/// Answers whole at a rate that leaves the machine air: the line of the bars for latency.
pub(crate) const WHOLE_OPEN: &str = "chat, whole, open loop, 200/s";
/// Streams with pauses between chunks: the line of the bar for chunks.
pub(crate) const STREAM_PACED: &str = "chat, 20 chunks 10 ms apart, c=10";

/// The load table, in its order.
pub(crate) fn lines() -> Vec<Line> {
    let whole = Line {
        name: WHOLE_AT_10,
        dialect: Dialect::OpenAi,
        script: PLAIN,
        streamed: false,
        history: History::Short,
        pattern: Pattern::Closed(10),
        divisor: 1,
    };
    let stream = Line { name: STREAM_AT_10, script: TWENTY, streamed: true, divisor: 2, ..whole };
    let (one, fifty) = (Pattern::Closed(1), Pattern::Closed(50));
    vec![
        Line { name: "chat, whole, c=1", pattern: one, divisor: 4, ..whole },
        whole,
        Line { name: "chat, whole, c=50", pattern: fifty, ..whole },
        Line { name: WHOLE_OPEN, pattern: Pattern::Open(200), divisor: 4, ..whole },
        Line { name: "chat, 20 chunks, c=1", pattern: one, divisor: 8, ..stream },
        stream,
        Line { name: "chat, 20 chunks, c=50", pattern: fifty, ..stream },
        Line { name: "chat, 20 chunks, open loop, 100/s", pattern: Pattern::Open(100), divisor: 8, ..stream },
        Line { name: STREAM_PACED, script: PACED, divisor: 20, ..stream },
        Line { name: "chat, 200 chunks, c=10", script: TWO_HUNDRED, divisor: 20, ..stream },
        Line { name: "chat, whole from 20 chunks, c=10", streamed: false, ..stream },
        Line { name: "chat, whole, 100 kB of history, c=10", history: History::Long, divisor: 4, ..whole },
        Line {
            name: "chat, 20 chunks, 100 kB of history, c=10",
            history: History::Long,
            divisor: 4,
            ..stream
        },
        Line { name: "Ollama chat, whole, c=10", dialect: Dialect::Ollama, divisor: 2, ..whole },
        Line { name: "Ollama chat, 20 chunks, c=10", dialect: Dialect::Ollama, divisor: 4, ..stream },
    ]
}

/// Records one answer of each kind that the lines ask for, and serves them from a stand-in.
pub(crate) async fn stand_in(stack: &Stack) -> Result<StandIn> {
    let mut recorder = Recorder::new(stack.clock);
    let mut connection = Connection::open(stack.services.api, stack.clock).await?;
    for line in lines() {
        let ask = ask(line.dialect, line.script, line.streamed, History::Short);
        let answer = connection.record(&ask).await?;
        recorder.add(line.dialect, line.streamed, line.script, answer);
    }
    recorder.serve().await
}

/// Drives every line once and adds its figures.
pub(crate) async fn measure(stack: &Stack, scale: &Scale, figures: &mut Figures) -> Result<Vec<String>> {
    let stand_in = stand_in(stack).await?;
    let warm_up = ask(Dialect::OpenAi, TWENTY, true, History::Short);
    for address in [stand_in.address, stack.services.api] {
        drive(address, &warm_up, Pattern::Closed(10), scale.requests / 10, stack.clock).await;
    }
    let mut errors = Vec::new();
    for line in lines() {
        let requests = (scale.requests / line.divisor).max(10);
        let ask = ask(line.dialect, line.script, line.streamed, line.history);
        let floor = drive(stand_in.address, &ask, line.pattern, requests, stack.clock).await;
        let before = stack.services.cpu()?;
        let through = drive(stack.services.api, &ask, line.pattern, requests, stack.clock).await;
        let after = stack.services.cpu()?;
        let cpu = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
        for outcome in [&floor, &through] {
            errors.extend(outcome.error.as_ref().map(|error| format!("{}: {error}", line.name)));
        }
        add(line.name, floor, through, cpu, figures);
    }
    Ok(errors)
}

fn add(
    name: &str,
    mut floor: Outcome,
    mut through: Outcome,
    cpu: (Duration, Duration),
    figures: &mut Figures,
) {
    let mut put = |column: &str, value: f64| figures.add(format!("{name}/{column}"), value);
    let answered = count(through.whole.len());
    put("errors", count(through.errors + floor.errors));
    put("rps", answered / through.wall.as_secs_f64());
    put("floor rps", count(floor.whole.len()) / floor.wall.as_secs_f64());
    let (server, oai) = (cpu.0.as_secs_f64() * 1e3 / answered, cpu.1.as_secs_f64() * 1e3 / answered);
    put("cpu server", server);
    put("cpu oai", oai);
    put("cpu", server + oai);
    let ((p50, p99), (floor_p50, floor_p99)) =
        (p50_and_p99(&mut through.whole), p50_and_p99(&mut floor.whole));
    put("p50", p50);
    put("p99", p99);
    put("floor p50", floor_p50);
    put("floor p99", floor_p99);
    put("added p50", p50 - floor_p50);
    put("added p99", p99 - floor_p99);
    put("ratio", p50 / floor_p50);
    let ((chunk_p50, chunk_p99), (_, floor_chunk_p99)) =
        (p50_and_p99(&mut through.deltas), p50_and_p99(&mut floor.deltas));
    put("chunk p50", chunk_p50);
    put("chunk p99", chunk_p99);
    put("floor chunk p99", floor_chunk_p99);
    put("added chunk p99", chunk_p99 - floor_chunk_p99);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn lines_have_names_of_their_own_and_the_bars_find_theirs() {
        let names: BTreeSet<_> = lines().iter().map(|line| line.name).collect();
        assert_eq!(names.len(), lines().len());
        for name in [WHOLE_AT_10, STREAM_AT_10, WHOLE_OPEN, STREAM_PACED] {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn figures_follow_from_outcomes() {
        let outcome = |millis| Outcome {
            whole: vec![Duration::from_millis(millis); 4],
            deltas: vec![Duration::from_millis(millis); 8],
            wall: Duration::from_secs(2),
            ..Outcome::default()
        };
        let mut figures = Figures::default();
        let cpu = (Duration::from_millis(4), Duration::from_millis(8));
        add("x", outcome(1), outcome(3), cpu, &mut figures);
        let median = |column| figures.summary(&format!("x/{column}")).unwrap().median;
        for (column, expected) in
            [("rps", 2.0), ("cpu", 3.0), ("added p99", 2.0), ("ratio", 3.0), ("chunk p99", 3.0)]
        {
            assert!((median(column) - expected).abs() < 1e-9, "{column}: {}", median(column));
        }
    }
}

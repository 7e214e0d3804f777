//! What a person at a terminal reads: short lines on standard output. Logs go to standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

/// Writes `text` as it is and flushes, so that a streamed answer appears word by word.
pub(crate) fn write(text: impl Display) {
    let mut out = stdout().lock();
    // Nobody may be reading any more; that is not our failure.
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line.
pub(crate) fn line(text: impl Display) {
    write(format_args!("{text}\n"));
}

/// Writes one finished step: a mark, what it is, and what came of it.
pub(crate) fn step(done: bool, what: &str, result: impl Display) {
    let mark = if done { paint("32", "✓") } else { paint("31", "✗") };
    line(format_args!("  {mark} {what:<15} {result}"));
}

/// Text in a quieter colour where the terminal has colours.
pub(crate) fn quiet(text: &str) -> String {
    paint("2", text)
}

/// Text that stands out where the terminal can do that.
pub(crate) fn strong(text: &str) -> String {
    paint("1", text)
}

fn paint(code: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

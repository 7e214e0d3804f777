//! What clients put around a message that differs from request to request though nobody said anything new.
//!
//! It counts for nothing when a message is compared with one that was posted before. It is never taken out of what is
//! posted. The list is short on purpose: a block that may hold what a person means (as `<context>` may) is compared,
//! but for the lines in it that tell the time.

/// Blocks that are furniture as a whole, and who puts them there.
const BLOCKS: &[(&str, &str)] = &[
    // Cline, Roo Code, Kilo Code: open tabs, time, cost so far.
    ("<environment_details>", "</environment_details>"),
    // Claude Code: reminders that come and go.
    ("<system-reminder>", "</system-reminder>"),
];

/// Beginnings of lines that tell when or by whom, not what. In VS Code's `<context>`, and in system texts.
const LINES: &[&str] = &[
    // VS Code Copilot.
    "the current date is",
    // Many agents' system texts.
    "current date:",
    "current time:",
    "today's date:",
    "today's date is",
    // Claude Code, the first line of its system text: a hash that differs each time.
    "x-anthropic-billing-header:",
];

/// The text as it is compared: without furniture, without white space at its ends, with plain line ends.
pub(super) fn stripped(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text = BLOCKS.iter().fold(text, |text, (open, close)| without_blocks(&text, open, close));
    let is_said = |line: &&str| {
        let line = line.trim_start().trim_start_matches(['-', '*', ' ']);
        !LINES.iter().any(|furniture| starts_with(line, furniture))
    };
    let lines: Vec<&str> = text.split('\n').filter(is_said).collect();
    lines.join("\n").trim().to_owned()
}

fn starts_with(line: &str, beginning: &str) -> bool {
    line.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// A block that is not closed is not furniture.
fn without_blocks(text: &str, open: &str, close: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open)
        && let Some((_, after)) = after.split_once(close)
    {
        kept.push_str(before.trim_end());
        kept.push('\n');
        rest = after.trim_start();
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_counts_for_nothing() {
        for (one, other) in [
            (" hi\r\nyou\n", "hi\nyou"),
            ("do it\n\n<environment_details>\n12:00\n</environment_details>", "do it"),
            (
                "<environment_details>a</environment_details>\nx<environment_details>b</environment_details>",
                "x",
            ),
            ("<system-reminder>a\nb</system-reminder>\nhello", "hello"),
            (
                "<context>\nThe current date is 1 May 2026.\nfile a\n</context>",
                "<context>\nfile a\n</context>",
            ),
            ("be kind\n- Today's date: 2026-05-01\n", "be kind"),
            ("x-anthropic-billing-header: cc_version=1; cch=ab12;\nYou are", "You are"),
        ] {
            assert_eq!(stripped(one), stripped(other), "{one}");
        }
    }

    #[test]
    fn what_people_mean_is_compared() {
        for (one, other) in [
            ("<context>\ndocument 1\n</context>", "<context>\ndocument 2\n</context>"),
            ("<environment_details> is a tag", "is a tag"),
            ("what is the current date?", "what is the time?"),
            ("a b", "a  b"),
            ("näher", "naher"),
        ] {
            assert_ne!(stripped(one), stripped(other), "{one}");
        }
    }
}

//! `Retry-After`: seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

/// No site means a longer rest than this; a wrong clock at either end may say so.
const LONGEST: Duration = Duration::from_hours(24);

/// How long the header's value asks to wait from `now` on; `None` when it says nothing that can be read.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = http_date(value)?;
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST))
}

/// Only the form that HTTP prescribes today: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(value: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = value.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let stamp = format!("{year}-{month:02}-{day:0>2}T{time}Z");
    humantime::parse_rfc3339(&stamp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        let now = humantime::parse_rfc3339("2026-11-22T10:00:00Z").unwrap();
        assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value:?}");
    }

    #[test]
    fn seconds_and_dates_are_read_and_nothing_else() {
        check("7", Some(7));
        check(" 0 ", Some(0));
        check("99999999999", Some(24 * 3600));
        check("Sun, 22 Nov 2026 10:01:30 GMT", Some(90));
        check("Sun, 22 Nov 2026 09:00:00 GMT", Some(0));
        check("Fri, 01 Jan 2100 00:00:00 GMT", Some(24 * 3600));
        check("", None);
        check("soon", None);
        check("-3", None);
        check("Sun, 31 Feb 2026 10:01:30 GMT", None);
        check("Sun, 22 Nov 2026 10:01:30 CET", None);
    }
}

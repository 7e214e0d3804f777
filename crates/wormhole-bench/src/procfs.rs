//! What `/proc` says of a process and of the machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts a process's time in hundredths of a second for user space, whatever the kernel's own tick.
const TICK: Duration = Duration::from_millis(10);

/// Memory of a process, in MB (10⁶ bytes).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    /// Pages in memory, shared ones counted whole.
    pub(crate) rss: f64,
    /// Pages in memory, shared ones counted by share.
    pub(crate) pss: f64,
}

/// User and system time a process has used since it began.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    parse_cpu(&stat).with_context(|| format!("/proc/{pid}/stat has an unknown shape"))
}

/// Memory of a process now.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .with_context(|| format!("process {pid} is gone"))?;
    parse_memory(&text).with_context(|| format!("/proc/{pid}/smaps_rollup has an unknown shape"))
}

/// Load averages of 1, 5 and 15 minutes, as the kernel writes them.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Kernel, CPU model and number of CPUs, in one line.
pub(crate) fn machine() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpus, "model name").unwrap_or("unknown CPU");
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("Linux {}, {count} × {model}", kernel.trim())
}

// The command's name may hold spaces and brackets: fields are counted from the last bracket.
fn parse_cpu(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

fn parse_memory(text: &str) -> Option<Memory> {
    let megabytes = |name| -> Option<f64> {
        let kibibytes: f64 = field(text, name)?.strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024.0 / 1e6)
    };
    Some(Memory { rss: megabytes("Rss")?, pss: megabytes("Pss")? })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_whatever_the_name() {
        let stat = "4242 (worm) hole 1 2) S 1 4242 4242 0 -1 4194560 100 0 0 0 150 50 7 8 20 0 3 0 99 1 2";
        assert_eq!(parse_cpu(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse_cpu("4242 (x) S 1"), None);
        assert_eq!(parse_cpu(""), None);
    }

    #[test]
    fn memory_is_read_from_the_rollup() {
        let text =
            "55e-7ff ---p 00000000 00:00 0   [rollup]\nRss:    12000 kB\nPss:   10000 kB\nPss_Dirty: 5 kB\n";
        assert_eq!(parse_memory(text), Some(Memory { rss: 12.288, pss: 10.24 }));
        assert_eq!(parse_memory("Rss: 1 kB\n"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let me = std::process::id();
        assert!(cpu(me).is_ok());
        assert!(memory(me).unwrap().rss > 0.0);
        assert!(machine().contains('×') && !load_average().is_empty());
        assert!(cpu(u32::MAX).is_err());
    }
}

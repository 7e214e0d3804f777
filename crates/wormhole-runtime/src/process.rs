//! What the kernel says of this process. Linux only: elsewhere there are no series.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, IntGauge};

/// `USER_HZ`, in which `/proc` counts CPU time: 100 on every architecture we build for, whatever the kernel's own rate.
const TICKS_PER_SECOND: f64 = 100.0;

/// The standard `process_*` metrics, read from `/proc` when they are asked for.
pub(crate) struct ProcessCollector {
    cpu: Counter,
    memory: IntGauge,
    descriptors: IntGauge,
    started: Gauge,
}

impl ProcessCollector {
    pub(crate) fn new() -> Self {
        let started = Gauge::new(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
        )
        .expect("a valid constant name");
        // It never changes, so that a change of the series is a restart.
        started.set(started_at().unwrap_or_default());
        let gauge = |name, help| IntGauge::new(name, help).expect("a valid constant name");
        Self {
            cpu: Counter::new("process_cpu_seconds_total", "User and system CPU time spent in seconds.")
                .expect("a valid constant name"),
            memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
            descriptors: gauge("process_open_fds", "Number of open file descriptors."),
            started,
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.cpu.desc(), self.memory.desc(), self.descriptors.desc(), self.started.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(seconds) = cpu_seconds() {
            // A counter cannot be set; two scrapes at once must not make it go back either.
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // One of them is this very listing.
            self.descriptors.set(i64::try_from(entries.count()).unwrap_or(i64::MAX).saturating_sub(1));
        }
        [self.cpu.collect(), self.memory.collect(), self.descriptors.collect(), self.started.collect()]
            .concat()
    }
}

/// The fields of this process's `stat` from the third on, `state`.
fn stat() -> Option<Vec<String>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in parentheses, may itself hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

/// When this process started: ticks since the machine's start, and that in seconds since the epoch.
fn started_at() -> Option<f64> {
    let ticks: f64 = stat()?.get(19)?.parse().ok()?;
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + ticks / TICKS_PER_SECOND)
}

fn cpu_seconds() -> Option<f64> {
    let fields = stat()?;
    let mut fields = fields.iter().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

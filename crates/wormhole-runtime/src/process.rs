//! What the kernel says of this process. Linux only: elsewhere there are no series.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge};

/// `USER_HZ`, in which `/proc` counts CPU time: 100 on every architecture we build for, whatever the kernel's own rate.
const TICKS_PER_SECOND: f64 = 100.0;

/// The standard `process_*` metrics, read from `/proc` when they are asked for.
pub(crate) struct ProcessCollector {
    cpu: Counter,
    memory: IntGauge,
    descriptors: IntGauge,
}

impl ProcessCollector {
    pub(crate) fn new() -> Self {
        let gauge = |name, help| IntGauge::new(name, help).expect("a valid constant name");
        Self {
            cpu: Counter::new("process_cpu_seconds_total", "User and system CPU time spent in seconds.")
                .expect("a valid constant name"),
            memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
            descriptors: gauge("process_open_fds", "Number of open file descriptors."),
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.cpu.desc(), self.memory.desc(), self.descriptors.desc()].concat()
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
        [self.cpu.collect(), self.memory.collect(), self.descriptors.collect()].concat()
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in parentheses, may itself hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
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

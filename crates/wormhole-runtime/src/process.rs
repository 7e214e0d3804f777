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
    /// When the machine started, in seconds since the epoch. Asked for once: the kernel works it out anew each time, and a
    /// clock that is put right would look like a restart of this process.
    boot: Option<f64>,
}

impl ProcessCollector {
    pub(crate) fn new() -> Self {
        let started = Gauge::new(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
        )
        .expect("a valid constant name");
        let gauge = |name, help| IntGauge::new(name, help).expect("a valid constant name");
        Self {
            cpu: Counter::new("process_cpu_seconds_total", "User and system CPU time spent in seconds.")
                .expect("a valid constant name"),
            memory: gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
            descriptors: gauge("process_open_fds", "Number of open file descriptors."),
            started,
            boot: boot_time(),
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.cpu.desc(), self.memory.desc(), self.descriptors.desc(), self.started.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(stat) = Stat::read() {
            // A counter cannot be set; two scrapes at once must not make it go back either.
            self.cpu.inc_by((stat.cpu - self.cpu.get()).max(0.0));
            if let Some(boot) = self.boot {
                self.started.set(boot + stat.started);
            }
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

/// What `/proc/self/stat` says, in seconds.
struct Stat {
    /// Of CPU time, the user's and the system's.
    cpu: f64,
    /// From the machine's start to this process's.
    started: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name, in parentheses, may itself hold spaces and parentheses. `state` follows it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let seconds = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(Self { cpu: seconds(11)? + seconds(12)?, started: seconds(19)? })
    }
}

fn boot_time() -> Option<f64> {
    let machine = fs::read_to_string("/proc/stat").ok()?;
    machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

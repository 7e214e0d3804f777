//! Processes, as the kernel lists them, and signals to those that a test started.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The browser processes (not their renderers) that run on this profile folder.
pub fn chromium_pids(user_data_dir: &Path) -> Vec<u32> {
    let profile = format!("--user-data-dir={}", user_data_dir.display());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let arguments: Vec<_> = line.split(|byte| *byte == 0).collect();
            // Chromium rewrites the command line of some of its processes with blanks between the arguments.
            let text = String::from_utf8_lossy(&line).replace('\0', " ");
            let browser = arguments.first().is_some_and(|program| !program.is_empty());
            (browser && text.contains(&profile) && !text.contains("--type=")).then_some(pid)
        })
        .collect()
}

/// SIGKILL, which no process can catch.
///
/// # Panics
/// When there is no such process.
pub fn kill_hard(pid: u32) {
    send(pid, Signal::KILL);
}

/// SIGTERM, which asks a process to leave.
///
/// # Panics
/// When there is no such process.
pub fn terminate(pid: u32) {
    send(pid, Signal::TERM);
}

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid is positive");
    kill_process(pid, signal).expect("the process was there a moment ago");
}

//! What the bridge and its Chromium hold: memory by share, open files, processes, zombies, and bytes on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::chromium::Path as Whole;
use crate::connection::Connection;
use crate::process::Binaries;
use crate::procfs;

/// A process that has ended is a zombie for as long as its parent takes to notice; one that still is after this stays.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

/// The state of everything at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Since the run began.
    pub(super) at: Duration,
    /// PSS of the bridge, MB.
    pub(super) bridge: f64,
    /// Open files of the bridge.
    pub(super) files: usize,
    /// PSS of all processes below the bridge, MB.
    pub(super) chromium: f64,
    /// How many these are.
    pub(super) processes: usize,
    /// Zombies among them that nobody waits for.
    pub(super) zombies: usize,
    /// What the API keeps on disk, MB.
    pub(super) store: f64,
    /// Chromium's profile on disk, MB.
    pub(super) profile: f64,
    /// Tabs and browsers replaced so far.
    pub(super) replaced: (u64, u64),
}

impl Reading {
    pub(super) async fn take(path: &Whole, binaries: &Binaries, at: Duration) -> Result<Self> {
        let bridge = path.bridge.pid();
        let family = descendants(bridge)?;
        let mut zombies = zombies(&family);
        if !zombies.is_empty() {
            tokio::time::sleep(NOTICED_WITHIN).await;
            let still = self::zombies(&descendants(bridge)?);
            zombies.retain(|pid| still.contains(pid));
        }
        // Processes that end between the list and the look count for nothing.
        let memories = family.iter().filter_map(|process| procfs::memory(process.pid).ok());
        Ok(Self {
            at,
            bridge: procfs::memory(bridge)?.pss,
            files: fs::read_dir(format!("/proc/{bridge}/fd"))?.count(),
            chromium: memories.fold(0.0, |sum, memory| sum + memory.pss),
            processes: family.len(),
            zombies: zombies.len(),
            store: megabytes(&binaries.logs.join("data")),
            profile: megabytes(&binaries.logs.join("chrome")),
            replaced: replaced(path).await?,
        })
    }
}

struct Relative {
    pid: u32,
    zombie: bool,
}

fn zombies(family: &[Relative]) -> Vec<u32> {
    family.iter().filter(|process| process.zombie).map(|process| process.pid).collect()
}

/// Every process below `ancestor`. The bridge adopts what its Chromium orphans, so that none is elsewhere.
fn descendants(ancestor: u32) -> Result<Vec<Relative>> {
    let mut children: BTreeMap<u32, Vec<Relative>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let (Some(pid), Some((state, parent))) = (pid, state_and_parent(&stat)) {
            children.entry(parent).or_default().push(Relative { pid, zombie: state == "Z" });
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![ancestor]);
    while let Some(parent) = next.pop() {
        let of_parent = children.remove(&parent).unwrap_or_default();
        next.extend(of_parent.iter().map(|process| process.pid));
        found.extend(of_parent);
    }
    Ok(found)
}

// The command's name may hold spaces and brackets: fields are counted from the last bracket.
fn state_and_parent(stat: &str) -> Option<(&str, u32)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?, fields.next()?.parse().ok()?))
}

/// Bytes of all files below a folder, in MB (10⁶ bytes). Files that come and go meanwhile count or not.
fn megabytes(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => megabytes(&entry.path()),
            Ok(found) => f64::from(u32::try_from(found.len()).unwrap_or(u32::MAX)) / 1e6,
            Err(_) => 0.0,
        })
        .sum()
}

/// Tabs and browsers that the bridge says it replaced.
async fn replaced(path: &Whole) -> Result<(u64, u64)> {
    let (_, text) = Connection::open(path.admin, path.clock).await?.get("/metrics").await?;
    let text = String::from_utf8_lossy(&text);
    Ok((counted(&text, "tab"), counted(&text, "browser")))
}

fn counted(metrics: &str, what: &str) -> u64 {
    let label = format!("what=\"{what}\"");
    let lines = metrics.lines().filter(|line| line.starts_with("wormhole_bridge_recycles_total{"));
    lines
        .filter(|line| line.contains(&label))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_and_a_zombie_is_known() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let of_us = || descendants(std::process::id()).unwrap();
        assert!(of_us().iter().any(|process| process.pid == child.id() && !process.zombie));
        child.kill().unwrap();
        let mut seen = Vec::new();
        while !seen.contains(&child.id()) {
            seen = zombies(&of_us());
        }
        child.wait().unwrap();
        assert!(zombies(&of_us()).is_empty());
        assert_eq!(state_and_parent("7 (a) b) Z 3 1"), Some(("Z", 3)));
    }

    #[test]
    fn what_was_replaced_is_counted_over_its_reasons() {
        let metrics = "wormhole_bridge_recycles_total{reason=\"age\",what=\"tab\"} 4\n\
             wormhole_bridge_recycles_total{reason=\"memory\",what=\"tab\"} 1\n\
             wormhole_bridge_recycles_total{reason=\"age\",what=\"browser\"} 2\n";
        assert_eq!((counted(metrics, "tab"), counted(metrics, "browser")), (5, 2));
    }

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner/a"), vec![0; 1_500_000]).unwrap();
        fs::write(folder.path().join("b"), vec![0; 500_000]).unwrap();
        assert!((megabytes(folder.path()) - 2.0).abs() < 1e-9);
    }
}

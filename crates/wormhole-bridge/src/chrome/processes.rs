//! What the kernel says of Chromium's processes: which they are, what memory they use, and which are dead but not
//! waited for.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, WaitOptions, getpid, waitpid};

/// One process, as `/proc/<pid>/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// It has ended, and its parent has not asked how.
    pub(crate) zombie: bool,
    /// Clock ticks since boot: with the number, which alone is used again, it names a process.
    started: u64,
}

/// All processes that can be seen. The dead that nobody has to wait for are left out.
pub(crate) fn all() -> Vec<Process> {
    let Ok(folders) = fs::read_dir("/proc") else { return Vec::new() };
    folders
        .flatten()
        .filter(|folder| folder.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit))
        .filter_map(|folder| read_stat(&fs::read_to_string(folder.path().join("stat")).ok()?))
        .collect()
}

/// `pid (name, with anything in it) state parent group …`
fn read_stat(stat: &str) -> Option<Process> {
    let (head, tail) = (stat.split_once(' ')?.0, stat.rsplit_once(") ")?.1);
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
    let state = *fields.first()?;
    (state != "X").then_some(Process {
        pid: head.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        zombie: state == "Z",
        started: fields.get(19)?.parse().ok()?,
    })
}

/// The processes of one Chromium. All that we have seen stay in one group; whatever left it is known by its
/// ancestors, and stays known when they have ended.
#[derive(Debug)]
pub(crate) struct Family {
    leader: i32,
    known: HashMap<i32, u64>,
}

impl Family {
    /// The family of the process that leads its group.
    pub(crate) fn of(leader: Pid) -> Self {
        Self { leader: leader.as_raw_nonzero().get(), known: HashMap::new() }
    }

    /// Looks at all processes, once.
    pub(crate) fn look(&mut self) -> Seen {
        let everybody = all();
        let was_known =
            |process: &Process| self.known.get(&process.pid).is_some_and(|seen| *seen == process.started);
        let mut members: HashMap<i32, Process> = everybody
            .iter()
            .filter(|process| process.group == self.leader || was_known(process))
            .map(|process| (process.pid, *process))
            .collect();
        loop {
            let before = members.len();
            for process in &everybody {
                if members.contains_key(&process.parent) {
                    members.insert(process.pid, *process);
                }
            }
            if members.len() == before {
                break;
            }
        }
        self.known = members.values().map(|process| (process.pid, process.started)).collect();
        let us = getpid().as_raw_nonzero().get();
        let our_group = everybody.iter().find(|process| process.pid == us).map(|process| process.group);
        let is_left_to_us = |process: &Process| {
            // The leader is left alone: it is tokio's child, and its exit status would be lost.
            let of_the_family = members.contains_key(&process.pid) && process.pid != self.leader;
            process.zombie && process.parent == us && (of_the_family || is_handed_over(process, our_group))
        };
        let orphans = everybody.iter().filter(|process| is_left_to_us(process)).map(|process| process.pid);
        Seen { orphans: orphans.collect(), members: members.into_values().collect() }
    }
}

/// A dead child of ours that was handed to us by a parent that ended at once, such as Chromium's crash handlers: no family
/// knows it. It is in a group that is neither ours nor its own; tokio's children are in the one or the other.
fn is_handed_over(process: &Process, our_group: Option<i32>) -> bool {
    process.group != process.pid && Some(process.group) != our_group
}

/// What one look at the processes found.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Who belongs to the family.
    pub(crate) members: Vec<Process>,
    /// The dead whose parents died before them: they are our children then, because the bridge is the first process of
    /// its container or has made itself their subreaper.
    orphans: Vec<i32>,
}

impl Seen {
    /// Waits for the dead that nobody else waits for; how many there were.
    pub(crate) fn reap(&self) -> usize {
        self.orphans.iter().filter(|pid| wait_for(**pid)).count()
    }
}

fn wait_for(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_)))
}

/// Bytes of memory that these processes cost: each shared page is divided among those who share it (PSS). Adding up
/// what is resident would count Chromium's own code once for each of its ten processes.
pub(crate) fn memory(members: &[Process]) -> u64 {
    members.iter().filter(|process| !process.zombie).map(|process| memory_of(process.pid)).sum()
}

fn memory_of(pid: i32) -> u64 {
    let folder = Path::new("/proc").join(pid.to_string());
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    // Sandboxed processes of our own user can be read. Where a kernel is stricter, what is private to each process
    // and what it shares in memory files is a close second: the sum of both kinds differed by a seventh.
    kibibytes(&read("smaps_rollup"), "Pss:").unwrap_or_else(|| {
        let status = read("status");
        ["RssAnon:", "RssShmem:"].iter().filter_map(|name| kibibytes(&status, name)).sum()
    }) * 1024
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) Z 7 40 40 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 1234 0 0";
        let expected = Process { pid: 42, parent: 7, group: 40, zombie: true, started: 1234 };
        assert_eq!(read_stat(stat), Some(expected));
        assert_eq!(read_stat("garbage"), None);
    }

    #[test]
    fn an_orphan_that_was_handed_to_us_is_waited_for_and_our_own_child_is_not() {
        use std::os::unix::process::CommandExt as _;
        rustix::process::set_child_subreaper(Some(getpid())).unwrap();
        // The grandchild outlives the subshell that began it, and ends before the leader.
        let mut command = std::process::Command::new("/bin/sh");
        let mut leader = command.args(["-c", "(sleep 0.2 &); exit 3"]).process_group(0).spawn().unwrap();
        let mut family = Family::of(Pid::from_raw(leader.id().try_into().unwrap()).unwrap());
        let begun = std::time::Instant::now();
        let mut reaped = 0;
        while reaped == 0 {
            assert!(begun.elapsed().as_secs() < 10, "the orphan is never reaped");
            reaped = family.look().reap();
        }
        // The leader is dead, too, and its status is still there for its own waiter.
        assert_eq!(leader.wait().unwrap().code(), Some(3));
        assert_eq!(family.look().members, []);
    }

    #[test]
    fn what_was_handed_to_us_at_once_is_waited_for_though_no_family_knows_it() {
        rustix::process::set_child_subreaper(Some(getpid())).unwrap();
        // In a session of its own, and its parent gone at once.
        let mut begun =
            std::process::Command::new("setsid").args(["sh", "-c", "sleep 0.2 &"]).spawn().unwrap();
        begun.wait().unwrap();
        // No process has this number.
        let mut family = Family::of(Pid::from_raw(i32::MAX).unwrap());
        let since = std::time::Instant::now();
        while family.look().reap() == 0 {
            assert!(since.elapsed().as_secs() < 10, "it is never handed to us");
        }
        assert_eq!(family.look().orphans, Vec::<i32>::new());
    }

    #[test]
    fn this_process_is_among_all_and_uses_memory() {
        let us = getpid().as_raw_nonzero().get();
        let mut found = all();
        found.retain(|process| process.pid == us);
        assert_eq!(found.len(), 1);
        assert!((1024 * 1024..1 << 34).contains(&memory(&found)), "{}", memory(&found));
    }

    #[test]
    fn what_is_private_stands_in_for_what_cannot_be_read() {
        assert_eq!(kibibytes("Rss:  900 kB\nPss:  300 kB\nPss_Dirty: 1 kB", "Pss:"), Some(300));
        assert_eq!(kibibytes("", "Pss:"), None);
    }
}

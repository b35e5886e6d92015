//! Who we are, and what can be seen of other processes and of threads in `/proc`.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{
    record::Record,
    sys::{self, PidFd},
};

/// What names this process among all that this machine ever ran.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) process_id: u32,
    pub(crate) process_started: u64,
    pub(crate) pid_namespace: u64,
    pub(crate) time_namespace: u64,
    pub(crate) boot_id: String,
    pub(crate) host: String,
}

impl Identity {
    /// The identity of this process, read once.
    pub(crate) fn own() -> Self {
        static OWN: OnceLock<Identity> = OnceLock::new();
        let known = OWN.get_or_init(Self::read);
        if known.process_id == std::process::id() {
            known.clone()
        } else {
            // A forked child.
            Self::read()
        }
    }

    fn read() -> Self {
        let text = |path: &str| {
            fs::read_to_string(path)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let inode = |path: &str| fs::metadata(path).map_or(0, |found| found.ino());
        Self {
            process_id: std::process::id(),
            process_started: Stat::of(Path::new("/proc/self")).map_or(0, |stat| stat.started),
            pid_namespace: inode("/proc/self/ns/pid"),
            time_namespace: inode("/proc/self/ns/time"),
            boot_id: text("/proc/sys/kernel/random/boot_id"),
            host: text("/proc/sys/kernel/hostname"),
        }
    }

    /// Whether a record was written by this very process.
    pub(crate) fn wrote(&self, record: &Record) -> bool {
        record.process_id == self.process_id
            && record.process_started == self.process_started
            && record.pid_namespace == self.pid_namespace
            && record.boot_id == self.boot_id
    }
}

/// Some fields of `/proc/PID/stat`.
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("stat")).ok()?;
        // The command name in parentheses may itself have blanks and parentheses.
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        Some(Self {
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            started: fields.nth(17)?.parse().ok()?,
        })
    }
}

/// Whether some process has this number now, in our PID namespace.
pub(crate) fn is_alive(process_id: u32) -> bool {
    Stat::of(&Path::new("/proc").join(process_id.to_string()))
        .is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// What one thread of this process is doing.
#[derive(Clone, Debug)]
pub(crate) struct ThreadState {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// The state letter of `/proc/PID/stat`.
    pub(crate) state: char,
    /// The kernel function that it waits in, where the kernel says so.
    pub(crate) waits_in: Option<String>,
}

/// What every thread of this process but the calling one is doing.
pub(crate) fn thread_states() -> Vec<ThreadState> {
    let own = sys::thread_id();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let mut threads: Vec<ThreadState> = tasks
        .filter_map(|task| {
            let task = task.ok()?.path();
            let id = task.file_name()?.to_str()?.parse().ok()?;
            let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
            (id != own).then_some(())?;
            Some(ThreadState {
                id,
                name: read("comm").trim().to_owned(),
                state: Stat::of(&task)?.state,
                waits_in: Some(read("wchan")).filter(|place| !matches!(place.trim(), "" | "0")),
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

/// The processes that have a file open, with their names (`/proc/*/fd`); those of other users only for root.
pub(crate) fn openers(device: u64, inode: u64) -> Vec<(u32, String)> {
    let opener = |process_id: u32| {
        let folder = Path::new("/proc").join(process_id.to_string());
        fs::read_dir(folder.join("fd"))
            .ok()?
            .find_map(|descriptor| {
                let found = fs::metadata(descriptor.ok()?.path()).ok()?;
                (found.dev() == device && found.ino() == inode).then_some(())
            })?;
        let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        Some((process_id, name.trim().to_owned()))
    };
    let own = std::process::id();
    processes()
        .filter(|process_id| *process_id != own)
        .filter_map(opener)
        .collect()
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Ends every descendant of this process: first by SIGTERM, what is left after `patience` by SIGKILL. How many there were.
///
/// A descendant that was handed to init before (a double fork) is none any more.
pub(crate) fn end_descendants(patience: Duration) -> usize {
    let mut known = Vec::new();
    open_descendants(&mut known);
    signal_all(&known, PidFd::SIGTERM);
    let deadline = Instant::now() + patience;
    for (_, process) in &known {
        process.ended_within(deadline.saturating_duration_since(Instant::now()));
    }
    // Again until nobody is new: what is being killed may have forked meanwhile. Bounded, for a fork bomb is faster than we are.
    for _ in 0..100 {
        let before = known.len();
        open_descendants(&mut known);
        signal_all(&known, PidFd::SIGKILL);
        if known.len() == before {
            break;
        }
    }
    for (_, process) in &known {
        process.ended_within(Duration::from_secs(1));
    }
    known.len()
}

fn signal_all(processes: &[(u32, PidFd)], signal: i32) {
    for (_, process) in processes {
        // Not permitted (a set-uid child) is not ours to change.
        let _: io::Result<bool> = process.signal(signal);
    }
}

/// Adds the descendants of this process that are not in the list yet.
fn open_descendants(known: &mut Vec<(u32, PidFd)>) {
    let parents: Vec<(u32, u32)> = processes()
        .filter_map(|process_id| {
            let stat = Stat::of(&Path::new("/proc").join(process_id.to_string()))?;
            (stat.state != 'Z').then_some((process_id, stat.parent))
        })
        .collect();
    let mut family = vec![std::process::id()];
    // Of those that have ended, the number may be a stranger's by now.
    let alive = |process: &PidFd| !process.ended_within(Duration::ZERO);
    family.extend(
        known
            .iter()
            .filter(|(_, process)| alive(process))
            .map(|(process_id, _)| *process_id),
    );
    let mut index = 0;
    while index < family.len() {
        let parent = family[index];
        for (child, _) in parents.iter().filter(|(_, of)| *of == parent) {
            if family.contains(child) {
                continue;
            }
            family.push(*child);
            let Ok(process) = PidFd::open(*child) else {
                continue;
            };
            // Between the look at its parent and the opening the number may have gone to a stranger.
            let still = Stat::of(&Path::new("/proc").join(child.to_string()));
            if still.is_some_and(|stat| stat.parent == parent) {
                known.push((*child, process));
            }
        }
        index += 1;
    }
}

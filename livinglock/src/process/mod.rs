//! Who we are, and what can be seen of other processes and of threads in `/proc`.

mod descendants;
mod suspect;
mod threads;

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

pub(crate) use descendants::Family;
pub(crate) use suspect::Suspect;
pub(crate) use threads::{ThreadState, thread_states};

use crate::{record::Record, sys::PidFd};

/// What names this process among all that this machine ever ran.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) process_id: u32,
    pub(crate) process_started: u64,
    pub(crate) process_inode: u64,
    pub(crate) pid_namespace: u64,
    pub(crate) time_namespace: u64,
    pub(crate) boot_id: String,
    pub(crate) host: String,
}

impl Identity {
    /// The identity of this process, read once; in a forked child, once more.
    pub(crate) fn own() -> &'static Self {
        static OWN: Mutex<Option<&'static Identity>> = Mutex::new(None);
        let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
        match *own {
            Some(known) if known.process_id == std::process::id() => known,
            _ => own.insert(Box::leak(Box::new(Self::read()))),
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
            process_inode: PidFd::open(std::process::id()).map_or(0, |own| own.inode()),
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
    process_id: u32,
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("stat")).ok()?;
        // The command name in parentheses may itself have blanks and parentheses.
        let process_id = text.split_once(' ')?.0.parse().ok()?;
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        Some(Self {
            process_id,
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

/// Whether a process holds a lock of its own opening on one byte of a file (`/proc/PID/fdinfo`, "lock:" lines).
pub(crate) fn holds_byte(process_id: u32, inode: u64, byte: i64) -> bool {
    let folder = Path::new("/proc")
        .join(process_id.to_string())
        .join("fdinfo");
    let place = format!(":{inode} {byte} {byte}");
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            fs::read_to_string(entry.path()).is_ok_and(|text| {
                text.lines().any(|line| {
                    line.starts_with("lock:") && line.contains("WRITE") && line.ends_with(&place)
                })
            })
        })
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

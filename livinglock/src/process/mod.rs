//! Who we are, and what can be seen of other processes and of threads in `/proc`.

mod descendants;
mod gone;
mod suspect;
mod threads;
#[cfg(feature = "cli")]
mod usage;
#[cfg(feature = "cli")]
mod writer;

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

pub(crate) use descendants::Family;
#[cfg(feature = "cli")]
pub(crate) use gone::is_gone;
pub(crate) use gone::{is_here, is_over};
pub(crate) use suspect::Suspect;
pub(crate) use threads::{thread_states, thread_states_of};
#[cfg(feature = "cli")]
pub(crate) use usage::{Usage, user};
#[cfg(feature = "cli")]
pub(crate) use writer::{Standstill, descendants_of_writer, standstill};

use crate::{
    record::{self, Record},
    sys::PidFd,
};

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

    /// Puts it into a record.
    pub(crate) fn sign(&self, record: &mut Record) {
        record.process_id = self.process_id;
        record.host = record::bounded_name(&self.host);
        record.boot_id.clone_from(&self.boot_id);
        record.pid_namespace = self.pid_namespace;
        record.time_namespace = self.time_namespace;
        record.process_started = self.process_started;
        record.process_inode = self.process_inode;
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
        // All of it comes with one call, and is never longer; a look at every process makes many of these.
        let mut text = [0; 2048];
        let length = File::open(folder.join("stat")).ok()?.read(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text[..length]);
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

/// Whether `/proc` numbers processes as we do. In a new PID namespace it shows the old one, until it is mounted again.
pub(crate) fn is_proc_ours() -> bool {
    Stat::of(Path::new("/proc/self")).map(|stat| stat.process_id) == Some(std::process::id())
}

/// Whether some process has this number now, in our PID namespace.
pub(crate) fn is_alive(process_id: u32) -> bool {
    Stat::of(&Path::new("/proc").join(process_id.to_string()))
        .is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// The other processes that hold one byte of a file, with their names; those of other users only for root.
pub(crate) fn byte_holders(file: FileId, byte: i64) -> Vec<(u32, String)> {
    let own = std::process::id();
    processes()
        .filter(|process_id| {
            *process_id != own && holds_byte(*process_id, file, byte).unwrap_or(false)
        })
        .map(|process_id| (process_id, name(process_id)))
        .collect()
}

/// The name of a process's program, as the kernel has it; empty if there is no such process.
fn name(process_id: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{process_id}/comm"));
    name.unwrap_or_default().trim().to_owned()
}

/// Whether a process holds one byte of a file by a descriptor that it opened or inherited (`/proc/PID/fdinfo`, "lock:" lines).
///
/// The file is compared by its descriptor: the device in those lines is not what `stat(2)` calls it on every file system.
pub(crate) fn holds_byte(process_id: u32, file: FileId, byte: i64) -> io::Result<bool> {
    let folder = folder_of_files(process_id);
    let descriptors = fs::read_dir(folder.join("fdinfo"))?;
    Ok(descriptors.flatten().any(|descriptor| {
        let locks = || {
            let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
            text.lines().any(|line| is_lock_on(line, byte))
        };
        fs::metadata(folder.join("fd").join(descriptor.file_name()))
            .is_ok_and(|found| FileId::of(&found) == file)
            && locks()
    }))
}

/// Where `/proc` shows the files of a process: with its first thread, or, if that has ended before the others, with one of them.
fn folder_of_files(process_id: u32) -> PathBuf {
    let first = Path::new("/proc").join(process_id.to_string());
    let is_there = |folder: &PathBuf| Stat::of(folder).is_some_and(|stat| stat.state != 'Z');
    if is_there(&first) {
        return first;
    }
    let threads = fs::read_dir(first.join("task")).into_iter().flatten();
    let mut others = threads.filter_map(|thread| Some(thread.ok()?.path()));
    others.find(is_there).unwrap_or(first)
}

/// What names a file among all that this machine has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn of(found: &fs::Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

/// `lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:1234 0 1`, where the kernel has joined the bytes 0 and 1 into one range.
///
/// A lock of flock(2) has the whole file, but no byte of it.
fn is_lock_on(line: &str, byte: i64) -> bool {
    let mut fields = line.split_ascii_whitespace().rev();
    let mut next = || fields.next().unwrap_or_default();
    let (last, first) = (next(), next());
    line.starts_with("lock:")
        && (line.contains(" OFDLCK ") || line.contains(" POSIX "))
        && line.contains(" WRITE ")
        && first.parse().is_ok_and(|first: i64| first <= byte)
        && (last == "EOF" || last.parse().is_ok_and(|last: i64| byte <= last))
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::is_lock_on;

    #[test]
    fn a_lock_is_on_every_byte_of_its_range() {
        let line = "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:1234 0 1";
        assert!(is_lock_on(line, 0) && is_lock_on(line, 1) && !is_lock_on(line, 2));
        let whole_file = line.replace("0 1", "0 EOF");
        assert!(is_lock_on(&whole_file, 2));
        assert!(is_lock_on(&line.replace("OFDLCK", "POSIX "), 0));
        assert!(!is_lock_on(&whole_file.replace("OFDLCK", "FLOCK "), 0));
        assert!(!is_lock_on(&line.replace("WRITE", "READ "), 0));
        assert!(!is_lock_on("flags:\t0100002", 0));
    }
}

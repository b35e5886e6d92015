//! The kernel locks of the protocol, seen and taken from outside.
//!
//! The numbers of the bytes are written here once more on purpose: they are the contract with every other program that changes what
//! the path of a lock means.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};

const ALIVE: i64 = 0;
const GUARD: i64 = 1;
const QUESTION: i64 = 2;
const STOP: i64 = 3;

const FREE: libc::c_short = short(libc::F_UNLCK);
const EXCLUSIVE: libc::c_short = short(libc::F_WRLCK);
const FROM_THE_START: libc::c_short = short(libc::SEEK_SET);

#[expect(
    clippy::cast_possible_truncation,
    reason = "libc has these constants as `int`, but they are made for the fields of `flock`"
)]
const fn short(constant: libc::c_int) -> libc::c_short {
    constant as libc::c_short
}

/// Whether a newcomer asks the holder of this lock file now to prove that it works.
#[must_use]
pub fn is_asked(lock: &Path) -> bool {
    is_locked(lock, QUESTION)
}

/// Whether somebody asks the holder of this lock file now to stop.
#[must_use]
pub fn is_asked_to_stop(lock: &Path) -> bool {
    is_locked(lock, STOP)
}

fn is_locked(lock: &Path, offset: i64) -> bool {
    let Ok(file) = File::open(lock) else {
        return false;
    };
    let mut byte = byte(offset);
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut byte)).is_ok() && byte.l_type != FREE
}

/// Holds a lock file as its holder does, by byte 0; `None` if somebody else has it, or there is no file.
#[must_use]
pub fn hold(lock: &Path) -> Option<File> {
    open(lock).filter(|file| try_lock(file, ALIVE))
}

/// Asks the holder of a lock file to prove that it works, by byte 2; `None` if somebody else does, or there is no file.
#[must_use]
pub fn ask(lock: &Path) -> Option<File> {
    open(lock).filter(|file| try_lock(file, QUESTION))
}

/// Asks the holder of a lock file to stop, by byte 3; `None` if somebody else does, or there is no file.
#[must_use]
pub fn ask_to_stop(lock: &Path) -> Option<File> {
    open(lock).filter(|file| try_lock(file, STOP))
}

/// A lock file under its guard, held by somebody who wants to change what the path means.
#[derive(Debug)]
pub struct Guarded {
    lock: PathBuf,
    /// Dropped last, and the guard with it.
    _file: File,
}

impl Guarded {
    /// Takes the guard of a lock file; `None` if somebody else has it, or there is no file.
    #[must_use]
    pub fn take(lock: &Path) -> Option<Self> {
        let file = open(lock)?;
        try_lock(&file, GUARD).then(|| Self {
            lock: lock.to_owned(),
            _file: file,
        })
    }

    /// Puts a new lock file, held by us, in the place of the old one: what a takeover by fencing does.
    ///
    /// # Panics
    ///
    /// The new file cannot be made.
    #[must_use]
    pub fn replace(self) -> File {
        let new = self.lock.with_extension("new");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&new)
            .expect("make a new lock file");
        assert!(try_lock(&file, ALIVE), "nobody else knows the new file");
        std::fs::rename(&new, &self.lock).expect("put it in the place of the old one");
        file
    }
}

fn open(lock: &Path) -> Option<File> {
    OpenOptions::new().read(true).write(true).open(lock).ok()
}

fn try_lock(file: &File, offset: i64) -> bool {
    fcntl(file, FcntlArg::F_OFD_SETLK(&byte(offset))).is_ok()
}

fn byte(offset: i64) -> libc::flock {
    libc::flock {
        l_type: EXCLUSIVE,
        l_whence: FROM_THE_START,
        l_start: offset,
        l_len: 1,
        l_pid: 0,
    }
}

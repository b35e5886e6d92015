//! Locks of whole open files (`flock(2)`), which a folder can have as well.

use std::{fs::File, io, os::fd::AsRawFd};

fn flock(file: &File, operation: libc::c_int) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open for as long as `file` is borrowed; a number goes in, and no memory of ours is touched.
        if unsafe { libc::flock(file.as_raw_fd(), operation) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes it for this opening alone; `false` when another one has it.
pub(crate) fn try_lock_whole(file: &File) -> io::Result<bool> {
    match flock(file, libc::LOCK_EX | libc::LOCK_NB) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives it back, also for a child that was forked meanwhile and has the same opening.
pub(crate) fn unlock_whole(file: &File) -> io::Result<()> {
    flock(file, libc::LOCK_UN)
}

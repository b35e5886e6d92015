//! What `std::fs` does not tell.

use std::{fs::File, io, os::fd::AsRawFd};

/// Opening a path that anybody may have prepared: never through a symlink, never blocking on a FIFO, never a controlling terminal.
/// (`std` adds `O_CLOEXEC`, so that no child inherits the lock across `exec`.)
pub(crate) const OPEN_FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

/// The one of them that a reader may do without, who gives nothing away.
#[cfg(feature = "cli")]
pub(crate) const NOT_THROUGH_SYMLINKS: i32 = libc::O_NOFOLLOW;

/// Opening a folder, and nothing else. The path to it may lead through symlinks, as the path to any file may.
#[cfg(feature = "metrics")]
pub(crate) const FOLDER_FLAGS: i32 = libc::O_DIRECTORY | libc::O_NONBLOCK;

/// The effective user of this process.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::geteuid() }
}

/// The magic number of the file system that a file lives on (`statfs(2)`).
pub(crate) fn file_system_type(file: &File) -> io::Result<i64> {
    // SAFETY: `statfs` is a plain C struct for which all zeroes is a valid value.
    let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open while `file` is borrowed and `answer` is writable for the whole call.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut answer) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the width of `f_type` differs between targets"
    )]
    Ok(answer.f_type as i64)
}

/// What a file system has left, and how long a name it takes (`statvfs(3)`).
#[cfg(feature = "cli")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// In bytes, for whoever is not root.
    pub(crate) free: u64,
    /// Of those that are not counted there are as many as one likes.
    pub(crate) inodes: Option<u64>,
    pub(crate) longest_name: usize,
}

/// The room on the file system that a file lives on.
#[cfg(feature = "cli")]
pub(crate) fn room(file: &File) -> io::Result<Room> {
    // SAFETY: `statvfs` is a plain C struct for which all zeroes is a valid value.
    let mut answer: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open while `file` is borrowed and `answer` is writable for the whole call.
    if unsafe { libc::fstatvfs(file.as_raw_fd(), &raw mut answer) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(
        clippy::useless_conversion,
        reason = "the width of the counts differs between targets"
    )]
    Ok(Room {
        free: u64::from(answer.f_bavail).saturating_mul(u64::from(answer.f_frsize)),
        inodes: (answer.f_files != 0).then_some(u64::from(answer.f_favail)),
        longest_name: usize::try_from(answer.f_namemax).unwrap_or(usize::MAX),
    })
}

//! What `std::fs` does not tell.

use std::{fs::File, io, os::fd::AsRawFd};

/// Opening a path that anybody may have prepared: never through a symlink, never blocking on a FIFO, never a controlling terminal.
/// (`std` adds `O_CLOEXEC`, so that no child inherits the lock across `exec`.)
pub(crate) const OPEN_FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

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

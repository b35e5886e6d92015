//! Open-file-description locks on single bytes (`fcntl(2)`, "Open file description locks").
//!
//! They belong to the open file, not to the process: two openings in one process exclude each other, and the kernel drops them when
//! the last descriptor of the opening is gone, however the process ended.

use std::{fs::File, io, os::fd::AsRawFd};

#[expect(
    clippy::cast_possible_truncation,
    reason = "libc has these constants as `int`, but they are made for the fields of this struct"
)]
fn request(kind: libc::c_int, byte: i64) -> libc::flock {
    // SAFETY: `flock` is a plain C struct for which all zeroes is a valid value; `l_pid` must be zero for these commands.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = byte;
    lock.l_len = 1;
    lock
}

fn fcntl(file: &File, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open for as long as `file` is borrowed, and `lock` is a valid `flock` that outlives the call.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(lock)) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes the byte; `false` when another opening of the file has it.
pub(crate) fn try_lock_byte(file: &File, byte: i64) -> io::Result<bool> {
    match fcntl(file, libc::F_OFD_SETLK, &mut request(libc::F_WRLCK, byte)) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Gives the byte back.
pub(crate) fn unlock_byte(file: &File, byte: i64) -> io::Result<()> {
    fcntl(file, libc::F_OFD_SETLK, &mut request(libc::F_UNLCK, byte))
}

/// Whether another opening of the file has the byte for itself alone, which takes the right to write; others can only share.
pub(crate) fn is_byte_owned(file: &File, byte: i64) -> io::Result<bool> {
    let mut lock = request(libc::F_WRLCK, byte);
    fcntl(file, libc::F_OFD_GETLK, &mut lock)?;
    Ok(libc::c_int::from(lock.l_type) == libc::F_WRLCK)
}

/// Whether another opening of the file has the byte; takes nothing and disturbs nobody.
pub(crate) fn is_byte_locked(file: &File, byte: i64) -> io::Result<bool> {
    let mut lock = request(libc::F_WRLCK, byte);
    fcntl(file, libc::F_OFD_GETLK, &mut lock)?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

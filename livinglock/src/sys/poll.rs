//! Waiting for descriptors (`poll(2)`).

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// Waits until one of these can be read without blocking, or has come to its end: which of them.
pub(crate) fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
    wait(files, libc::POLLIN)
}

/// Waits until this can be written, or fails at once.
pub(crate) fn wait_writable(file: BorrowedFd<'_>) -> io::Result<()> {
    wait([file], libc::POLLOUT).map(drop)
}

fn wait<const N: usize>(
    files: [BorrowedFd<'_>; N],
    events: libc::c_short,
) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| libc::pollfd {
        fd: file.as_raw_fd(),
        events,
        revents: 0,
    });
    loop {
        // SAFETY: so many valid `pollfd`s, writable for the whole call.
        if unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, -1) } >= 0 {
            return Ok(polled.map(|file| file.revents != 0));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

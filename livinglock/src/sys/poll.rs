//! Waiting for descriptors (`poll(2)`).

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
    time::Duration,
};

/// Waits until one of these can be read without blocking, or has come to its end: which of them.
pub(crate) fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
    wait(files, libc::POLLIN)
}

/// Waits until this can be written, or fails at once.
pub(crate) fn wait_writable(file: BorrowedFd<'_>) -> io::Result<()> {
    wait([file], libc::POLLOUT).map(drop)
}

/// Whether one of these can be read within the limit; without one, waits for as long as it takes.
pub(crate) fn wait_for_any<const N: usize>(
    files: [BorrowedFd<'_>; N],
    limit: Option<Duration>,
) -> bool {
    let mut polls = files.map(|file| libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    let limit = limit.map(|limit| libc::timespec {
        tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: so many valid `pollfd`s, writable for the whole call; a limit that is readable for it or null; no signal mask.
    let ready = unsafe { libc::ppoll(polls.as_mut_ptr(), N as libc::nfds_t, limit, ptr::null()) };
    ready > 0
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

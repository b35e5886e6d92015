//! Waiting for descriptors (`poll(2)`).

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    time::{Duration, Instant},
};

/// Waits until one of these can be read without blocking, or has come to its end: which of them.
pub(crate) fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
    wait(files, libc::POLLIN, None)
}

/// Waits until this can be written, or fails at once.
pub(crate) fn wait_writable(file: BorrowedFd<'_>) -> io::Result<()> {
    wait([file], libc::POLLOUT, None).map(drop)
}

/// Whether one of these can be read, or has come to its end, within the limit.
pub(crate) fn is_readable_within<const N: usize>(
    files: [BorrowedFd<'_>; N],
    limit: Duration,
) -> bool {
    wait(files, libc::POLLIN, Some(limit)).is_ok_and(|found| found.contains(&true))
}

/// Waits until the other end is closed, at most this long; whether it is.
pub(crate) fn ends_within(file: BorrowedFd<'_>, limit: Duration) -> io::Result<bool> {
    wait([file], 0, Some(limit)).map(|[is_over]| is_over)
}

/// Waits for one of these events, or an end or an error, of one of these files.
fn wait<const N: usize>(
    files: [BorrowedFd<'_>; N],
    events: libc::c_short,
    limit: Option<Duration>,
) -> io::Result<[bool; N]> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut polled = files.map(|file| libc::pollfd {
        fd: file.as_raw_fd(),
        events,
        revents: 0,
    });
    loop {
        let left = deadline.map_or(-1, |deadline| {
            // Rounded up: whoever waits for the rest of a millisecond must not go round and round meanwhile.
            let left = deadline.saturating_duration_since(Instant::now());
            libc::c_int::try_from(left.as_micros().div_ceil(1000)).unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: so many valid `pollfd`s, writable for the whole call.
        if unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, left) } >= 0 {
            return Ok(polled.map(|file| file.revents != 0));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

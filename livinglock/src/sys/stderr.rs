//! A line on standard error that cannot hang its writer.

use std::time::{Duration, Instant};

/// Writes the whole text to standard error, or gives up after the limit.
///
/// Not through `std::io::stderr`: a hung job may hold its lock, and a full pipe is a common reason for hanging.
/// One `write` of at most a pipe's atomic size into a stream that `poll` calls ready does not block.
pub(crate) fn write_stderr(mut text: &[u8], limit: Duration) {
    let deadline = Instant::now() + limit;
    while !text.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut poll = libc::pollfd {
            fd: libc::STDERR_FILENO,
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: one valid `pollfd`, writable for the whole call.
        let ready = unsafe {
            libc::poll(
                &raw mut poll,
                1,
                i32::try_from(left.as_millis()).unwrap_or(i32::MAX),
            )
        };
        if ready <= 0 || poll.revents & libc::POLLOUT == 0 {
            return;
        }
        let piece = &text[..text.len().min(libc::PIPE_BUF)];
        // SAFETY: the bytes are readable for the whole call; a closed descriptor is an error result.
        let written =
            unsafe { libc::write(libc::STDERR_FILENO, piece.as_ptr().cast(), piece.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => text = &text[written..],
            // Nobody is left to tell that standard error fails.
            _ => return,
        }
    }
}

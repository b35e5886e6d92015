//! Signals that wait: blocked, and read instead of handled.

use std::{
    fmt, io, mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// The signals that a thread blocks.
#[derive(Clone, Copy)]
pub(crate) struct SignalMask(libc::sigset_t);

impl fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalMask").finish_non_exhaustive()
    }
}

impl SignalMask {
    /// What the calling thread blocks now.
    pub(crate) fn now() -> Self {
        Self::change(libc::SIG_BLOCK, &Self::of(&[]))
    }

    /// Blocks one signal more; what was blocked before.
    pub(crate) fn block(signal: i32) -> Self {
        Self::change(libc::SIG_BLOCK, &Self::of(&[signal]))
    }

    /// Blocks these, and no other.
    pub(crate) fn set(self) {
        Self::change(libc::SIG_SETMASK, &self);
    }

    fn of(signals: &[i32]) -> Self {
        // SAFETY: `sigset_t` is plain data, and filled by `sigemptyset` before anything reads it.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                libc::sigaddset(&raw mut set, *signal);
            }
            Self(set)
        }
    }

    fn change(how: libc::c_int, mask: &Self) -> Self {
        let mut before = Self::of(&[]);
        // SAFETY: both sets are valid for the whole call; the mask of the calling thread alone changes.
        unsafe { libc::pthread_sigmask(how, &raw const mask.0, &raw mut before.0) };
        before
    }
}

/// Signals that are read instead of handled (`signalfd(2)`).
#[derive(Debug)]
pub(crate) struct SignalFd(OwnedFd);

impl SignalFd {
    /// Blocks these signals on the calling thread and those that it starts later, so that they can be read.
    pub(crate) fn of(signals: &[i32]) -> io::Result<Self> {
        let set = SignalMask::of(signals);
        SignalMask::change(libc::SIG_BLOCK, &set);
        // SAFETY: a new descriptor, and a set that is valid for the whole call.
        let descriptor =
            unsafe { libc::signalfd(-1, &raw const set.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// A signal that was sent, if there is any.
    pub(crate) fn next(&self) -> Option<i32> {
        // SAFETY: a plain C struct for which all zeroes is a valid value.
        let mut signal: libc::signalfd_siginfo = unsafe { mem::zeroed() };
        let size = mem::size_of_val(&signal);
        // SAFETY: an open descriptor, and `signal` is writable for its whole size.
        let read = unsafe { libc::read(self.0.as_raw_fd(), (&raw mut signal).cast(), size) };
        (usize::try_from(read) == Ok(size)).then_some(signal.ssi_signo.cast_signed())
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

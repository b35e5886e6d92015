//! Processes, threads and their clocks.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

/// `CLOCK_MONOTONIC` in nanoseconds: it stands still while the machine is suspended, and no administrator can set it.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME` in nanoseconds: the same, but it goes on while the machine is suspended, as the clocks of others do.
pub(crate) fn boottime_ns() -> u64 {
    nanoseconds(libc::CLOCK_BOOTTIME)
}

/// `CLOCK_MONOTONIC` as of the last interrupt of the kernel's timer, some milliseconds ago: a fifth of the cost.
pub(crate) fn coarse_monotonic_ns() -> u64 {
    nanoseconds(libc::CLOCK_MONOTONIC_COARSE)
}

fn nanoseconds(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is writable for the whole call; these clocks exist on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// The kernel's number of the calling thread.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: takes no argument and cannot fail.
    let id = unsafe { libc::gettid() };
    id.unsigned_abs()
}

/// Ends the process now: no destructor and no `atexit` handler runs, since a hung job may hold what they need.
pub(crate) fn exit_now(status: u8) -> ! {
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(i32::from(status)) }
}

/// Ends the calling thread alone, and without a word to its process.
#[cfg(feature = "fault-injection")]
pub(crate) fn end_thread() -> ! {
    loop {
        // SAFETY: the kernel takes the thread away; what its stack and its thread-local storage had is never freed, nor used again.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
}

/// Keeps every signal away from the calling thread: the job's handlers belong on the job's threads.
pub(crate) fn block_signals() {
    // SAFETY: `sigset_t` is plain data, filled by `sigfillset` before it is read; the mask of the calling thread alone changes.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}

/// Whether whoever started this process has not all the rights that it has: its environment is somebody else's.
pub(crate) fn is_set_uid() -> bool {
    // SAFETY: takes a number and gives one.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// A number that no other owner ever has.
pub(crate) fn random_u128() -> io::Result<u128> {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer is writable for its whole length; up to 256 bytes come whole or not at all.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if usize::try_from(got) == Ok(bytes.len()) {
        Ok(u128::from_ne_bytes(bytes))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// One process, whatever becomes of its number (`pidfd_open(2)`).
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    pub(crate) const SIGTERM: i32 = libc::SIGTERM;
    pub(crate) const SIGKILL: i32 = libc::SIGKILL;
    #[cfg(feature = "fault-injection")]
    pub(crate) const SIGSTOP: i32 = libc::SIGSTOP;

    /// Opens the process that has this number now.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: two integers in, a new descriptor or -1 out.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        match i32::try_from(fd) {
            // SAFETY: the kernel has just given us this descriptor, and nobody else knows it.
            Ok(fd) if fd >= 0 => Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) })),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The inode of the pidfd: on kernels with pidfs it names this process alone, for ever; on older ones it is the same for all.
    pub(crate) fn inode(&self) -> u64 {
        // SAFETY: `stat` is a plain C struct for which all zeroes is a valid value.
        let mut found: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: an open descriptor, and a `stat` that is writable for the whole call.
        unsafe { libc::fstat(self.0.as_raw_fd(), &raw mut found) };
        found.st_ino
    }

    /// Sends a signal to this very process; `false` when it has ended.
    pub(crate) fn signal(&self, signal: i32) -> io::Result<bool> {
        // SAFETY: an open descriptor, a signal number, no `siginfo`, no flags.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if sent == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ESRCH) {
            return Ok(false);
        }
        Err(error)
    }

    /// Waits for the process to end, at most this long; whether it has.
    pub(crate) fn ended_within(&self, limit: Duration) -> bool {
        let mut poll = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one valid `pollfd`, writable for the whole call.
        unsafe { libc::poll(&raw mut poll, 1, milliseconds) > 0 }
    }
}

//! What may come of a failed call, as a few rules.

use livinglock_tests::{Blow, Call, Ended, Errno};

use crate::operation::Course;

const CANNOT_LOCK: i32 = livinglock::exit_status::CANNOT_LOCK as i32;
const LOST: i32 = livinglock::exit_status::LOST as i32;
const YIELDED: i32 = 42;

/// Whether the kernel may fail a call, and livinglock hears of it: not what cannot fail, and not what the C library and the runtime
/// of Rust do for themselves. There a process is only killed.
pub(crate) fn can_fail(call: &Call) -> bool {
    const THEIRS: [&str; 20] = [
        "brk",
        "clock_nanosleep",
        "exit",
        "exit_group",
        "futex",
        "geteuid",
        "getpid",
        "gettid",
        "madvise",
        "mmap",
        "mprotect",
        "munmap",
        "restart_syscall",
        "rseq",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "sched_yield",
        "set_robust_list",
        "sigaltstack",
    ];
    !THEIRS.contains(&&*call.name)
}

impl Course {
    /// How it ends when nothing befalls it.
    fn unharmed(self) -> i32 {
        match self {
            Self::Runs | Self::Fences | Self::Works | Self::PutsBack | Self::Releases => 0,
            Self::Yields => YIELDED,
            Self::Stops | Self::GivesWay => LOST,
        }
    }

    /// Whether this is how it may end after this.
    pub(crate) fn may_end(self, ended: &Ended, strike: Option<(&Call, Blow)>) -> bool {
        let Some((call, blow)) = strike else {
            return ended.code == Some(self.unharmed());
        };
        let Blow::Fail(errno) = blow else {
            return ended.signal == Some(9);
        };
        let says = |text: &str| ended.stderr.contains(text);
        let looks_at_path = call.name == "statx" && call.place.contains("/lock\"");
        match (self, ended.code) {
            (Self::Runs | Self::Fences, _) if is_refused_by_the_dying(ended) => true,
            // A file system that fails under a holder: somebody else may see another one.
            (Self::Works, code) if looks_at_path && errno == Errno::EIO => {
                code == Some(LOST) && says(" lost the lock")
            }
            (Self::Works, Some(LOST)) if call.place.contains("/lock") => {
                errno == Errno::EIO && says(" lost the lock")
            }
            // The file that it put back may be one that it cannot trust.
            (Self::PutsBack, Some(LOST)) => says(" lost the lock"),
            // By this the kernel may also say that somebody else has the byte, here of a file that nobody knows.
            (Self::Fences, Some(CANNOT_LOCK)) if says("somebody else holds the new file") => {
                errno == Errno::EACCES && call.name == "fcntl"
            }
            // Whoever comes says why it cannot, unless the call was only interrupted.
            (Self::Runs | Self::Fences | Self::Yields, Some(CANNOT_LOCK)) => {
                let repeated = ["openat", "fcntl", "pread64", "pwrite64", "read"];
                let interrupted = errno == Errno::EINTR && repeated.contains(&&*call.name);
                !interrupted && says(&format!("(os error {})", errno as i32))
            }
            // What fails otherwise is tried again at the next tick, or is not needed.
            (_, code) => code == Some(self.unharmed()),
        }
    }
}

/// How a newcomer ends to which nothing happens.
pub(crate) fn newcomer_ends(ended: &Ended, yields: bool) -> bool {
    ended.code == Some(if yields { YIELDED } else { 0 })
}

/// Whether a newcomer could not run because a hung holder does not die, as on a machine whose disk is too busy.
pub(crate) fn is_refused_by_the_dying(ended: &Ended) -> bool {
    ended.code == Some(CANNOT_LOCK) && ended.stderr.contains("does not die")
}

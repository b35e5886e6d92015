//! The other half of a fence that the hot path does not pay for (`membarrier(2)`).

use std::sync::{
    OnceLock,
    atomic::{Ordering, fence},
};

const QUERY: libc::c_int = 0;
const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

fn membarrier(command: libc::c_int) -> libc::c_long {
    // SAFETY: the call takes three integers, touches no memory of ours, and reports failure by its result.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
}

/// How a full fence is had on every running thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// The kernel runs one on every core that executes this process: the threads themselves need none.
    Asymmetric,
    /// Not to be had here (old kernel, seccomp, emulation): each thread must fence for itself.
    Symmetric,
}

impl Barrier {
    /// What this process can have, found out and registered for once.
    pub(crate) fn of_this_process() -> Self {
        static BARRIER: OnceLock<Barrier> = OnceLock::new();
        *BARRIER.get_or_init(|| {
            if cfg!(miri) {
                // It does not know the call.
                return Self::Symmetric;
            }
            let known = membarrier(QUERY);
            if known > 0
                && known & libc::c_long::from(PRIVATE_EXPEDITED) != 0
                && membarrier(REGISTER_PRIVATE_EXPEDITED) == 0
            {
                Self::Asymmetric
            } else {
                Self::Symmetric
            }
        })
    }

    /// Orders this thread's earlier stores and later loads against those of every other thread of the process.
    pub(crate) fn fence(self) {
        fence(Ordering::SeqCst);
        if self == Self::Asymmetric {
            // Registered, so it cannot fail, except in a forked child, which has no other thread yet.
            membarrier(PRIVATE_EXPEDITED);
        }
    }
}

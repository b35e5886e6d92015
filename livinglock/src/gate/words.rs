//! The words of one thread.

use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::{site::Site, sys::StaticPtr};

/// `Words::gate`: pass.
pub(super) const OPEN: u32 = 0;
/// `Words::gate`: pass, but after a fence of your own, since the kernel has no barrier for us.
pub(super) const FENCED: u32 = 1;
/// `Words::gate`: ask under the lock whether you may pass.
pub(super) const SHUT: u32 = 2;
/// `Words::gate`: the process woke up on this thread; ask, and nobody else opens it.
pub(super) const HELD: u32 = 3;

/// No total is known.
pub(super) const NO_TOTAL: u64 = u64::MAX;

/// What one thread shows to the pulse.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) site: StaticPtr<Site>,
    pub(super) gate: AtomicU32,
    pub(super) done: AtomicU64,
    pub(super) total: AtomicU64,
}

thread_local! {
    pub(super) static WORDS: Words = const {
        Words {
            site: StaticPtr::new(),
            // Shut until the thread has enrolled.
            gate: AtomicU32::new(SHUT),
            done: AtomicU64::new(0),
            total: AtomicU64::new(NO_TOTAL),
        }
    };
}

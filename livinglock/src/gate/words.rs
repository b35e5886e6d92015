//! The words of one thread, and the two fast ways past a checkpoint.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence};

use super::threads::ask;
use crate::{
    site::Site,
    stop::Stop,
    sys::{Seen, StaticPtr},
};

/// `Words::gate`: pass.
pub(super) const OPEN: u32 = 0;
/// `Words::gate`: pass, but after a fence of your own, since the kernel has no barrier for us.
pub(super) const FENCED: u32 = 1;
/// `Words::gate`: ask under the lock whether you may pass.
pub(super) const SHUT: u32 = 2;

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

/// Whether the calling thread passed this very checkpoint last, since the pulse looked.
#[inline]
pub(crate) fn is_here(site: &'static Site) -> bool {
    WORDS.with(|words| words.site.is_at(site))
}

/// Passes a checkpoint other than the last.
#[inline]
pub(crate) fn pass(site: &'static Site) -> Result<(), Stop> {
    WORDS.with(|words| {
        words.site.set(Seen::At(site));
        // The processor may swap the store and the load, the closer's barrier sees to that; the compiler must not.
        compiler_fence(Ordering::SeqCst);
        if words.gate.load(Ordering::Relaxed) == OPEN {
            Ok(())
        } else {
            ask(site, words)
        }
    })
}

/// Shows how far the calling thread is.
#[inline]
pub(crate) fn set_progress(done: u64, total: u64) {
    WORDS.with(|words| {
        words.done.store(done, Ordering::Relaxed);
        words.total.store(total, Ordering::Relaxed);
    });
}

//! A process that wakes up passes no checkpoint until its pulse has looked whether its locks are still its own.
//!
//! While it was stopped or frozen, a newcomer may have put another file in the place of its lock file. But no newcomer does that
//! before the pulse has been silent for its patience, and half of that is how long each thread's alarm is put off by the pulse, time
//! and again. So all alarms have rung by then, whatever kept the pulse from putting them off: a thread that wakes up hears its own
//! before it goes on, and waits at its next checkpoint.
//!
//! Of a stop by a signal the kernel tells by another one, SIGCONT, however short it was; and of any sleep the pulse knows by the clock.

use std::sync::{Once, atomic::Ordering};

use super::{
    doubt::{doubt, wakes},
    threads::{lock_threads, root, take, try_lock_threads},
    words::{HELD, SHUT, WORDS, Words},
};
use crate::sys::{self, Barrier, Seen};

/// Makes the process one that knows when it was stopped; how often it has woken up so far.
pub(crate) fn heed_waking() -> u32 {
    static HEEDS: Once = Once::new();
    HEEDS.call_once(|| {
        // Without the signals the pulse still knows by the clock, if later.
        let _ = sys::on_waking(woken);
    });
    wakes()
}

/// Runs in a signal handler: neither waits nor allocates.
fn woken() {
    fn hold(words: &Words) {
        words.gate.store(HELD, Ordering::SeqCst);
        words.site.set(Seen::Shut);
    }
    doubt();
    WORDS.with(hold);
    // The other threads may run already, and have no alarm. If the list is in use, the pulse holds them some microseconds later.
    if let Some(mut threads) = try_lock_threads() {
        for (words, _) in threads.iter_mut() {
            hold(words);
        }
    }
}

/// Makes every thread wait at its next checkpoint, until [`looked`](super::looked) is called with the number that comes back.
pub(crate) fn hold_everybody() -> u32 {
    let wakes = doubt();
    let mut threads = lock_threads();
    let root = root();
    for pass in 0..2 {
        for (words, thread) in threads.iter_mut() {
            words.gate.store(SHUT, Ordering::SeqCst);
            take(words, thread, root.as_ref(), Seen::Shut);
        }
        if pass == 0 {
            // As when a gate closes: only what passed before the barrier can have stored over the sentinel.
            Barrier::of_this_process().fence();
        }
    }
    wakes
}

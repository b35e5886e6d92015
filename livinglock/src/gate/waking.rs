//! A process that wakes up passes no checkpoint until its pulse has looked whether its locks are still its own.
//!
//! While it was stopped or frozen, a newcomer may have put another file in the place of its lock file. Of a stop by a signal the
//! kernel tells by another one, SIGCONT: before the thread that its handler runs on goes on, and an instant after others do. Of other
//! sleeps the pulse knows by the clock.

use std::{
    process,
    sync::{
        Condvar, Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::Thread,
};

use super::{
    threads::{lock_threads, root, take, try_lock_threads},
    words::{HELD, SHUT, WORDS, Words},
};
use crate::sys::{self, Barrier, Seen};

/// How often the process woke up.
static WAKES: AtomicU32 = AtomicU32::new(0);
/// How many of these the pulse has looked at.
static LOOKS: AtomicU32 = AtomicU32::new(0);
/// Tells those who wait that the pulse has looked.
static LOOKED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Who looks: the pulse, and the process that it belongs to.
static PULSE: OnceLock<(Thread, u32)> = OnceLock::new();

/// Makes the process one that knows when it was stopped; how often it has woken up so far.
pub(crate) fn heed_waking() -> u32 {
    static HEEDS: Once = Once::new();
    HEEDS.call_once(|| {
        // Without the signal the pulse still knows by the clock, if later.
        let _ = sys::on_continue(continued);
    });
    wakes()
}

/// How often the process has woken up.
pub(crate) fn wakes() -> u32 {
    WAKES.load(Ordering::SeqCst)
}

/// Counts as a waking: nobody passes before the pulse has looked.
pub(crate) fn doubt() {
    WAKES.fetch_add(1, Ordering::SeqCst);
}

/// Makes a thread of this process the one that looks.
pub(crate) fn looks_come_from(pulse: &Thread) {
    PULSE.get_or_init(|| (pulse.clone(), process::id()));
}

/// Whether the process woke up and the pulse has not looked yet.
pub(crate) fn is_unsure() -> bool {
    WAKES.load(Ordering::SeqCst) != LOOKS.load(Ordering::SeqCst) && has_pulse()
}

/// A forked child has none: threads are not inherited.
fn has_pulse() -> bool {
    PULSE
        .get()
        .is_some_and(|(_, owner)| *owner == process::id())
}

/// Runs in a signal handler: neither waits nor allocates.
fn continued() {
    fn hold(words: &Words) {
        words.gate.store(HELD, Ordering::SeqCst);
        words.site.set(Seen::Shut);
    }
    WAKES.fetch_add(1, Ordering::SeqCst);
    WORDS.with(hold);
    // The other threads run already: one in the midst of passing may pass once more. If the list is in use, the pulse holds them
    // some microseconds later.
    if let Some(mut threads) = try_lock_threads() {
        for (words, _) in threads.iter_mut() {
            hold(words);
        }
    }
}

/// Makes every thread wait at its next checkpoint, until [`looked`] is called with the number that comes back.
pub(crate) fn hold_everybody() -> u32 {
    let wakes = WAKES.fetch_add(1, Ordering::SeqCst) + 1;
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

/// Ends a wait, unless the process has been stopped once more.
pub(crate) fn looked(wakes: u32) {
    let _waiting = LOOKED.0.lock().unwrap_or_else(PoisonError::into_inner);
    LOOKS.store(wakes, Ordering::SeqCst);
    LOOKED.1.notify_all();
}

/// Waits until the pulse has looked, if the process woke up.
pub(crate) fn wait_for_the_look() {
    if !is_unsure() {
        return;
    }
    let mut waiting = LOOKED.0.lock().unwrap_or_else(PoisonError::into_inner);
    while is_unsure() {
        if let Some((pulse, _)) = PULSE.get() {
            pulse.unpark();
        }
        waiting = LOOKED
            .1
            .wait(waiting)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

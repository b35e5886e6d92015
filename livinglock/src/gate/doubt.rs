//! Doubt whether the locks are still ours: from a waking of the process until its pulse has looked.

use std::{
    process,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::Thread,
};

/// How often the process woke up.
static WAKES: AtomicU32 = AtomicU32::new(0);
/// How many of these the pulse has looked at.
static LOOKS: AtomicU32 = AtomicU32::new(0);
/// Tells those who wait that the pulse has looked.
static LOOKED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Who looks: the pulse, and the process that it belongs to.
static PULSE: Mutex<Option<(Thread, u32)>> = Mutex::new(None);

/// How often the process has woken up.
pub(crate) fn wakes() -> u32 {
    WAKES.load(Ordering::SeqCst)
}

/// Counts a waking: nobody passes before the pulse has looked. Its number.
pub(crate) fn doubt() -> u32 {
    WAKES.fetch_add(1, Ordering::SeqCst) + 1
}

/// Makes a thread of this process the one that looks.
pub(crate) fn looks_come_from(thread: &Thread) {
    *pulse() = Some((thread.clone(), process::id()));
}

fn pulse() -> MutexGuard<'static, Option<(Thread, u32)>> {
    PULSE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the process woke up and the pulse has not looked yet.
pub(crate) fn is_unsure() -> bool {
    WAKES.load(Ordering::SeqCst) != LOOKS.load(Ordering::SeqCst) && has_pulse()
}

/// A forked child has none: threads are not inherited.
fn has_pulse() -> bool {
    pulse()
        .as_ref()
        .is_some_and(|(_, owner)| *owner == process::id())
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
        if let Some((pulse, _)) = pulse().as_ref() {
            pulse.unpark();
        }
        waiting = LOOKED
            .1
            .wait(waiting)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

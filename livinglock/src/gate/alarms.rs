//! How long the alarms of the threads are put off.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::sys::{self, Alarm};

/// In nanoseconds, while any lock is held: zero is not set.
static PUT_OFF_BY: AtomicU64 = AtomicU64::new(0);
/// When they ring, on the monotonic clock in nanoseconds.
static RING_AT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Notes that all alarms are put off by this time from now; whether any was set, or is now.
pub(super) fn note_put_off(by: Duration) -> bool {
    let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    let ring_at = match by {
        0 => u64::MAX,
        _ => sys::monotonic_ns().saturating_add(by),
    };
    RING_AT.store(ring_at, Ordering::Relaxed);
    PUT_OFF_BY.swap(by, Ordering::Relaxed) != 0 || by != 0
}

/// Whether they have rung, or will as soon as their threads run: for whoever passes by a call, and has none.
pub(super) fn have_rung() -> bool {
    // Late by milliseconds, where half a second is to spare.
    sys::coarse_monotonic_ns() > RING_AT.load(Ordering::Relaxed)
}

/// An alarm of the calling thread, put off like all others; `None` where the kernel gives none.
pub(super) fn new_alarm() -> Option<Alarm> {
    let alarm = Alarm::of_this_thread().ok()?;
    alarm.put_off(Duration::from_nanos(PUT_OFF_BY.load(Ordering::Relaxed)));
    Some(alarm)
}

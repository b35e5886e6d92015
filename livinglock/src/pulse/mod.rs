//! The pulse: the thread that turns observed progress into heartbeats, answers newcomers, and gives way for a hung job.
//!
//! One thread serves every lock of the process. It counts time in its own ticks, so that a suspended, stopped or starved machine
//! makes nobody look hung.

mod beat;
mod duty;
mod held;
mod pace;
#[cfg(feature = "testing")]
mod sandboxed;
mod terms;
mod whereabouts;

use std::{
    io, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, Thread},
    time::{Duration, Instant},
};

#[cfg(feature = "cli")]
pub(crate) use held::Keepsake;
pub(crate) use held::{Held, Hold};
pub(crate) use terms::{Ended, Role, Terms};
pub(crate) use whereabouts::LONGEST_FAREWELL;

use crate::{
    gate::{self, Gate},
    observer,
    record::LONGEST_TICK,
    report::{self, Event, Outcome},
    stop::Stop,
    store::file::{FaultProtection, omits, patience},
    sys::{self, Barrier},
};

/// The shortest tick: below it the pulse would be work itself.
const SHORTEST_TICK: Duration = Duration::from_millis(2);

/// How often the pulse looks, for these times of a lock.
pub(crate) fn tick(stale: Duration, heartbeat: Duration, grace: Duration) -> Duration {
    let tick = LONGEST_TICK.min(stale / 10).min(heartbeat);
    // Without any grace a hung job ends at the next tick, however long that is.
    let of_grace = if grace.is_zero() { tick } else { grace / 2 };
    tick.min(of_grace).max(SHORTEST_TICK)
}

/// The locks that the thread serves.
struct Beats {
    list: Vec<Beat>,
    /// The thread, once it runs, and the process that it runs in.
    thread: Option<(Thread, u32)>,
    /// When it wakes next; `None`: only when told.
    wakes: Option<Instant>,
}

struct Beat {
    held: Arc<Held>,
    next: Instant,
}

static BEATS: Mutex<Beats> = Mutex::new(Beats {
    list: Vec::new(),
    thread: None,
    wakes: None,
});

fn beats() -> MutexGuard<'static, Beats> {
    BEATS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every lock that this process holds.
pub(crate) fn all_held() -> Vec<Arc<Held>> {
    let all: Vec<_> = beats().list.iter().map(|beat| beat.held.clone()).collect();
    #[cfg(feature = "testing")]
    let all = [all, sandboxed::all()].concat();
    all
}

/// Ends the process for a job that has to stop where no unwinding is possible.
pub(crate) fn end_process(stop: Stop) -> ! {
    for held in all_held() {
        if let Some((record, descendants)) = held.abandon_with_descendants(Ended::WithProcess) {
            Event::new(Outcome::Stopped, held.path(), Some(&record)).say(&report::stopped(
                held.path(),
                &record,
                stop,
                descendants,
            ));
        }
        held.wait_for_observers(observer::LONGEST_WAIT);
    }
    process::exit(i32::from(stop.exit_status()))
}

/// The lock behind this gate, while it is held.
pub(crate) fn held_behind(gate: &Arc<Gate>) -> Option<Arc<Held>> {
    all_held()
        .into_iter()
        .find(|held| Arc::ptr_eq(held.gate(), gate))
}

/// The owners of the locks whose scopes are around this gate, or around the calling thread.
pub(crate) fn owners_around(gate: &Arc<Gate>) -> Vec<String> {
    let is_around = |held: &Arc<Held>| gate::is_around(held.gate(), gate);
    all_held()
        .iter()
        .filter(|held| is_around(held))
        .filter_map(|held| held.owner())
        .collect()
}

/// How the graceful jobs took a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It tells them to stop.
    First,
    /// A signal has told them before.
    Again,
    /// There is none.
    Nobody,
}

/// Tells every graceful job that the process was sent a signal.
pub(crate) fn signal_the_graceful(signal: u8) -> Reception {
    let mut reception = Reception::Nobody;
    for held in all_held().iter().filter(|held| held.is_graceful()) {
        match (held.signal(signal), reception) {
            (true, _) => reception = Reception::First,
            (false, Reception::Nobody) => reception = Reception::Again,
            (false, _) => {}
        }
    }
    reception
}

fn attach(held: &Arc<Held>) -> io::Result<()> {
    #[cfg(feature = "testing")]
    if held.is_sandboxed() {
        sandboxed::attach(held);
        return Ok(());
    }
    let next = Instant::now() + held.tick();
    let mut beats = beats();
    if beats.list.iter().any(|beat| Arc::ptr_eq(&beat.held, held)) {
        return Ok(());
    }
    let process = process::id();
    match &beats.thread {
        Some((pulse, owner)) if *owner == process => {
            if beats.wakes.is_none_or(|wakes| next < wakes) {
                pulse.unpark();
            }
        }
        _ => {
            // Of a forked child its parent's locks are not the business.
            beats.list.clear();
            // As long as the process has one thread the kernel grants this at once; later it takes milliseconds.
            Barrier::of_this_process();
            let pulse = thread::Builder::new()
                .name("livinglock".to_owned())
                .spawn(run)?;
            if !omits(FaultProtection::HOLD) {
                gate::looks_come_from(pulse.thread());
            }
            beats.thread = Some((pulse.thread().clone(), process));
        }
    }
    beats.list.push(Beat {
        held: held.clone(),
        next,
    });
    put_off_alarms(&beats);
    Ok(())
}

fn detach(held: &Held) {
    #[cfg(feature = "testing")]
    sandboxed::detach(held);
    beats()
        .list
        .retain(|beat| !std::ptr::eq(&raw const *beat.held, held));
}

/// Puts off the alarms of all threads while any lock is held: by less than any newcomer waits until it takes a pulse for silent.
///
/// So a job waits for a pulse that is kept from its work for as long as that: somebody may be about to replace the lock file.
fn put_off_alarms(beats: &Beats) {
    if !omits(FaultProtection::HOLD) {
        let shortest = beats.list.iter().map(|beat| beat.held.tick()).min();
        gate::put_off_alarms(shortest.map_or(Duration::ZERO, |tick| patience(tick) / 2));
    }
}

fn run() {
    sys::block_signals();
    loop {
        let now = Instant::now();
        let mut slept = false;
        let mut due = Vec::new();
        let mut beats = beats();
        for beat in &mut beats.list {
            if beat.next <= now {
                // Nobody takes a pulse for silent that is late by less.
                slept |= now - beat.next > patience(beat.held.tick()) / 2;
                // From now, not from when it was due: a pulse that overslept has seen one tick, not many.
                beat.next = now + beat.held.tick();
                due.push(beat.held.clone());
            }
        }
        beats.wakes = beats.list.iter().map(|beat| beat.next).min();
        let wakes = beats.wakes;
        drop(beats);
        if (slept && !omits(FaultProtection::HOLD)) || gate::is_unsure() {
            look_after_a_sleep();
        } else if due.is_empty() {
            if let Some(wakes) = wakes {
                thread::park_timeout(wakes.saturating_duration_since(now));
            } else {
                put_off_alarms(&self::beats());
                thread::park();
            }
            continue;
        }
        gate::harvest();
        for held in due {
            held.beat();
        }
        // Only now: whatever kept us for long, threads that heard their alarms were right to wait.
        put_off_alarms(&self::beats());
    }
}

/// Looks whether the locks are still ours, after a sleep in which somebody may have replaced their files. Nobody passes meanwhile.
fn look_after_a_sleep() {
    let wakes = gate::hold_everybody();
    for held in all_held() {
        held.look();
    }
    gate::looked(wakes);
}

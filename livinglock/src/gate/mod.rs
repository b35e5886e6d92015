//! The gate that every checkpoint passes, and what the pulse learns there.
//!
//! Each thread has two words in thread-local storage. `site` holds the checkpoint that it passed last; the pulse empties it each tick,
//! and what it finds there is progress. `gate` says whether the thread may pass.
//!
//! Passing the same checkpoint again reads one word and writes none. Passing another one stores `site`, *then* loads `gate`; closing
//! stores `gate`, runs a barrier on every core of the process, *then* looks at `site`. So either the thread sees the closed gate, or
//! the closer sees the thread's progress, whichever way they meet. The barrier is `membarrier(2)`, which costs the closer some
//! microseconds and the thread nothing; where the kernel has none, the thread fences on its slow path.

mod alarms;
mod doubt;
mod passing;
mod scope;
mod threads;
mod waking;
#[cfg(feature = "testing")]
mod watch;
mod words;

use std::{
    fmt, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) use doubt::{doubt, is_unsure, looked, looks_come_from, wait_for_the_look, wakes};
pub(crate) use passing::{ask, come_to, is_here, set_progress, stop_requested};
pub(crate) use scope::{Shown, ThreadScope, current, innermost, is_around};
use threads::{Thread, Threads, admit, gates, lock_threads, root, set_root, take};
pub(crate) use threads::{harvest, last_passes, put_off_alarms, set_message, wants_message};
pub(crate) use waking::{heed_waking, hold_everybody};
#[cfg(feature = "testing")]
pub(crate) use watch::sandbox;
use words::SHUT;

use crate::{
    site::Site,
    stop::Stop,
    sys::{Barrier, Seen},
};

/// A checkpoint that was passed.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) site: Site,
    pub(crate) progress: Option<(u64, u64)>,
    pub(crate) message: Option<String>,
}

/// Of a call, which knows no more than its place.
impl From<Site> for Passed {
    fn from(site: Site) -> Self {
        Self {
            site,
            progress: None,
            message: None,
        }
    }
}

/// One lock's gate.
pub(crate) struct Gate {
    /// No other gate of the process ever has it.
    id: u64,
    /// The gate of the scope around this one.
    parent: Option<Arc<Gate>>,
    state: Mutex<State>,
    verdict: Condvar,
    /// Who is told of every pass, in a test.
    #[cfg(feature = "testing")]
    watch: std::sync::OnceLock<crate::testing::Watch>,
}

#[derive(Debug)]
struct State {
    status: Status,
    /// What was passed since the pulse looked last.
    passed: Option<Passed>,
    /// When, and by which thread.
    harvest: u32,
    by: u32,
    /// Somebody waits at the held gate.
    arrived: bool,
    /// Somebody was told to stop.
    obeyed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    /// Closed, but the pulse may still reopen it: wait.
    Held,
    Shut(Stop),
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    fn new(parent: Option<Arc<Gate>>) -> Arc<Self> {
        static GATES: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: GATES.fetch_add(1, Ordering::Relaxed),
            parent,
            state: Mutex::new(State {
                status: Status::Open,
                passed: None,
                harvest: 0,
                by: 0,
                arrived: false,
                obeyed: false,
            }),
            verdict: Condvar::new(),
            #[cfg(feature = "testing")]
            watch: std::sync::OnceLock::new(),
        })
    }

    /// A gate that stands by itself: only calls of [`Gate::pass`] pass it, unless it becomes the root.
    pub(crate) fn apart() -> Arc<Self> {
        Self::new(None)
    }

    /// A gate behind the one of the calling thread's scope.
    pub(crate) fn in_scope() -> Arc<Self> {
        Self::new(current())
    }

    /// Puts this gate before every thread of the process, for as long as the process lives.
    pub(crate) fn become_root(self: &Arc<Self>) {
        set_root(self);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes by a call instead of a checkpoint.
    pub(crate) fn pass(&self, passed: Passed) -> Result<(), Stop> {
        if alarms::have_rung() {
            doubt();
        }
        wait_for_the_look();
        #[cfg(feature = "testing")]
        if let Some(passed) = self.pass_watched(&passed) {
            return passed;
        }
        let mut state = self.state();
        loop {
            match state.status {
                Status::Open => {
                    state.passed = Some(passed);
                    return Ok(());
                }
                Status::Held => state = self.arrive(state),
                Status::Shut(stop) => {
                    state.obeyed = true;
                    return Err(stop);
                }
            }
        }
    }

    /// Waits while the gate is held.
    fn wait_for_verdict(&self) {
        let mut state = self.state();
        while state.status == Status::Held {
            state = self.arrive(state);
        }
    }

    fn arrive<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.arrived = true;
        self.verdict
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was passed since the last call.
    pub(crate) fn take_passed(&self) -> Option<Passed> {
        self.state().passed.take()
    }

    /// Whether somebody waits at the held gate.
    pub(crate) fn has_arrivals(&self) -> bool {
        self.state().arrived
    }

    /// Why the gate is shut, if it is.
    pub(crate) fn stop(&self) -> Option<Stop> {
        match self.state().status {
            Status::Shut(stop) => Some(stop),
            Status::Open | Status::Held => None,
        }
    }

    /// Why the gate is shut, if it is; whoever asks is told, and leaves.
    pub(crate) fn obey(&self) -> Option<Stop> {
        let mut state = self.state();
        let Status::Shut(stop) = state.status else {
            return None;
        };
        state.obeyed = true;
        Some(stop)
    }

    /// Whether somebody was told why the gate is shut.
    pub(crate) fn is_obeyed(&self) -> bool {
        self.state().obeyed
    }

    /// Closes the gate unless there is progress; whoever comes waits for the verdict. Whether it is closed now.
    pub(crate) fn hold(self: &Arc<Self>) -> bool {
        let mut threads = lock_threads();
        self.close_for_now(&mut threads);
        if self.state().passed.is_some() {
            self.open(&mut threads);
            return false;
        }
        true
    }

    /// Closes the gate, progress or not; whoever comes waits for the verdict.
    pub(crate) fn hold_anyway(self: &Arc<Self>) {
        self.close_for_now(&mut lock_threads());
    }

    fn close_for_now(self: &Arc<Self>, threads: &mut Threads) {
        self.set_status(Status::Held);
        self.bar(threads);
    }

    /// Opens a held gate again.
    pub(crate) fn reopen(self: &Arc<Self>) {
        self.open(&mut lock_threads());
    }

    /// Closes the gate for good.
    pub(crate) fn shut(self: &Arc<Self>, stop: Stop) {
        let mut threads = lock_threads();
        self.set_status(Status::Shut(stop));
        self.bar(&mut threads);
    }

    fn set_status(&self, status: Status) {
        let mut state = self.state();
        // The first reason stands.
        if !matches!(state.status, Status::Shut(_)) {
            state.status = status;
        }
        if mem::take(&mut state.arrived) {
            self.verdict.notify_all();
        }
    }

    fn open(self: &Arc<Self>, threads: &mut Threads) {
        self.set_status(Status::Open);
        let root = root();
        for (words, thread) in threads.iter_mut() {
            if self.is_before(thread, root.as_ref()) {
                admit(words, thread, root.as_ref());
            }
        }
    }

    /// Makes every thread that this gate is before ask under the lock. What is found in the way counts as passed.
    fn bar(self: &Arc<Self>, threads: &mut Threads) {
        let root = root();
        let root = root.as_ref();
        let mut take_all = || {
            let mut any = false;
            for (words, thread) in threads.iter_mut() {
                if self.is_before(thread, root) {
                    // Over whatever stands open; the larger `HELD` stays.
                    words.gate.fetch_max(SHUT, Ordering::SeqCst);
                    take(words, thread, root, Seen::Shut);
                    any = true;
                }
            }
            any
        };
        if take_all() {
            Barrier::of_this_process().fence();
            // Only a thread that found its gate open before the barrier can have stored over the sentinel unasked.
            take_all();
        }
    }

    /// Whether a thread has to pass this gate: it is its scope's, one around that, or the root.
    fn is_before(self: &Arc<Self>, thread: &Thread, root: Option<&Arc<Gate>>) -> bool {
        gates(thread.scope.as_ref(), root).any(|gate| Arc::ptr_eq(gate, self))
    }
}

#[cfg(test)]
mod tests;

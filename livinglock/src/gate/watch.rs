//! Gates whose every pass is watched by a test.
//!
//! No thread is admitted behind one, so that each asks at every checkpoint, the same one again included.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Gate, Passed, Status,
    threads::{Thread, gates, lock_threads, root, take, want_messages},
    words::Words,
};
use crate::{
    site::Site,
    stop::Stop,
    sys::Seen,
    testing::{Sandbox, Watch},
};

/// Whether there ever was one: until then nobody looks for them.
static ARE_THERE: AtomicBool = AtomicBool::new(false);

impl Gate {
    /// Tells this one of every pass from now on.
    pub(crate) fn watch(&self, watch: Watch) {
        ARE_THERE.store(true, Ordering::Relaxed);
        // A gate is of one lock, and never of another.
        let _ = self.watch.set(watch);
    }

    /// Whether somebody is kept at the gate until the next tick: he who asks has come to it.
    fn keeps(&self) -> bool {
        let mut state = self.state();
        let keeps = state.status == Status::Held;
        state.arrived |= keeps;
        keeps
    }

    /// Passes by a call, if the gate is watched.
    pub(super) fn pass_watched(&self, passed: &Passed) -> Option<Result<(), Stop>> {
        let watch = self.watch.get()?;
        watch.arrive(|| self.keeps());
        if let Some(stop) = self.obey() {
            return Some(Err(stop));
        }
        self.state().passed = Some(passed.clone());
        watch.pass(passed);
        Some(Ok(()))
    }
}

/// The innermost of these gates that is watched.
pub(super) fn watched<'a>(
    mut gates: impl Iterator<Item = &'a Arc<Gate>>,
) -> Option<(&'a Arc<Gate>, &'a Watch)> {
    if !ARE_THERE.load(Ordering::Relaxed) {
        return None;
    }
    gates.find_map(|gate| Some((gate, gate.watch.get()?)))
}

/// The sandbox that the calling thread works in by its scope.
pub(crate) fn sandbox() -> Option<Sandbox> {
    let own = own();
    let (_, watch) = watched(own.iter())?;
    Some(watch.sandbox().clone())
}

/// The gates before the calling thread, if any may be watched.
fn own() -> Vec<Arc<Gate>> {
    if !ARE_THERE.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let mut threads = lock_threads();
    let scope = threads
        .enrolled(Thread::new)
        .and_then(|thread| thread.scope.as_ref());
    gates(scope, root().as_ref()).cloned().collect()
}

/// Tells those who watch that the calling thread is at a checkpoint, and has not passed it.
pub(super) fn arrive(words: &Words) {
    for gate in own() {
        if let Some(watch) = gate.watch.get() {
            // Whoever closes a gate now must not take it for progress.
            words.site.set(Seen::Shut);
            watch.arrive(|| gate.keeps());
        }
    }
}

/// Tells those who watch that the calling thread asks whether it has to stop.
pub(super) fn cue() {
    for gate in own() {
        if let Some(watch) = gate.watch.get() {
            watch.cue();
        }
    }
}

/// A checkpoint that was passed, and the gates at which it is told.
pub(super) struct SeenPass(Vec<Arc<Gate>>, Passed);

/// Takes a pass of the calling thread for progress at once, if anybody watches it.
pub(super) fn see(
    site: &'static Site,
    words: &Words,
    thread: &mut Thread,
    root: Option<&Arc<Gate>>,
) -> Option<SeenPass> {
    watched(gates(thread.scope.as_ref(), root))?;
    let gates = gates(thread.scope.as_ref(), root).cloned().collect();
    let passed = thread.passed(site, words);
    words.site.set(Seen::At(site));
    // The newest one speaks, and each may have a message.
    want_messages();
    take(words, thread, root, Seen::Empty);
    Some(SeenPass(gates, passed))
}

impl SeenPass {
    /// Tells it, under no lock: a test may stop the job for it.
    pub(super) fn tell(self) {
        let Self(gates, passed) = self;
        for watch in gates.iter().filter_map(|gate| gate.watch.get()) {
            watch.pass(&passed);
        }
    }
}

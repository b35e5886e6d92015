//! Who is told of every checkpoint that a run under test passes.

use std::sync::Arc;

use super::{Sandbox, fake_lock::Slot};
use crate::{gate::Passed, pulse::Held};

/// Counts the passes under one lock, and stops the run where the test wants it.
#[derive(Debug)]
pub(crate) struct Watch {
    sandbox: Sandbox,
    slot: Arc<Slot>,
}

impl Watch {
    pub(super) fn new(sandbox: Sandbox, slot: Arc<Slot>) -> Self {
        Self { sandbox, slot }
    }

    /// Begins with the run that has just acquired the lock.
    pub(crate) fn begin(self, held: &Arc<Held>) {
        self.slot.begin(held, self.sandbox.elapsed() + held.tick());
        held.gate().watch(self);
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Somebody comes to a checkpoint, and may be kept there: then time goes on until the pulse has said what is to become of it.
    pub(crate) fn arrive(&self, is_kept: impl Fn() -> bool) {
        self.cue();
        while is_kept() {
            let Some(held) = self.slot.held() else {
                return;
            };
            self.sandbox.advance(held.tick());
        }
    }

    /// Stops the run, if it is time to.
    pub(crate) fn cue(&self) {
        self.slot.cue();
    }

    /// A checkpoint was passed.
    pub(crate) fn pass(&self, passed: &Passed) {
        self.slot.pass(passed);
        self.slot.cue();
    }
}

//! Locks of a sandbox: their ticks are done when a test says so, on its own thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Held, duty::Phase};
use crate::stop::Stop;

static LIST: Mutex<Vec<Arc<Held>>> = Mutex::new(Vec::new());

fn list() -> MutexGuard<'static, Vec<Arc<Held>>> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn all() -> Vec<Arc<Held>> {
    list().clone()
}

pub(super) fn attach(held: &Arc<Held>) {
    list().push(held.clone());
}

pub(super) fn detach(held: &Held) {
    list().retain(|other| !std::ptr::eq(&raw const **other, held));
}

impl Held {
    pub(crate) fn is_sandboxed(&self) -> bool {
        self.duty()
            .as_ref()
            .is_some_and(|duty| !duty.lease.is_real())
    }

    /// One tick of its pulse.
    pub(crate) fn tick_now(&self) {
        self.beat();
    }

    /// Tells the job to stop at its next checkpoint, unless it was told before.
    pub(crate) fn stop_now(&self, stop: Stop) {
        if let Some(duty) = self.duty().as_mut()
            && !matches!(duty.phase, Phase::Leaving(_))
        {
            self.stop_on_duty(duty, stop);
        }
    }
}

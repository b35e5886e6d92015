//! The way of a job under test to its lock, and the lock while it holds it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{Sandbox, Watch, fake_lock::Slot, memory::ENDLESS};
use crate::{
    error::{Error, Result},
    pulse::{Held, Hold},
    record::{Record, State},
    report::Busy,
    store::{
        self, Acquired, Attempt, Claim, Farewell, Lease, Requests, Sighting, Standing, Store,
        Tenure, file::patience,
    },
};

/// The way to a lock in a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct SandboxedPlace {
    sandbox: Sandbox,
    slot: Arc<Slot>,
    path: PathBuf,
    /// Of a lease; a lock file has none.
    margin: Option<Duration>,
}

/// What a newcomer wants of a holder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Proof,
    Stop,
}

impl SandboxedPlace {
    pub(super) fn new(
        sandbox: Sandbox,
        slot: Arc<Slot>,
        path: &Path,
        margin: Option<Duration>,
    ) -> Self {
        Self {
            sandbox,
            slot,
            path: path.to_owned(),
            margin,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.sandbox.now_ns()
    }

    /// Lets the time pass for which somebody waits.
    pub(crate) fn sleep(&self, pause: Duration) {
        self.sandbox.advance(pause);
    }

    /// Tries once, for a run under test.
    pub(crate) fn acquire(&self, claim: &Claim) -> Result<Hold> {
        let length = self.margin.map_or(ENDLESS, |_| claim.length());
        let (acquired, waited) = self.take(claim, length)?;
        let forced = self.slot.acquire(&acquired.record, self.margin);
        let found = acquired.predecessor.map(|found| match waited {
            Some(waited) => found.gave_way(waited),
            None if self.margin.is_some() => found.lapsed(),
            None => found,
        });
        Ok(Hold {
            lease: Tenure::Sandboxed(SandboxedLease {
                owner: acquired.record.owner.clone(),
                place: self.clone(),
                lease: acquired.lease,
            }),
            record: acquired.record,
            predecessor: forced.or(found),
        })
    }

    /// Tries once, for another run; whether that has it from now on.
    pub(super) fn is_taken_by(&self, claim: &Claim) -> bool {
        // A lease that is dropped without an end is still held.
        self.take(claim, ENDLESS).is_ok()
    }

    /// Takes the lock, for so long from each renewal on. How long it took the holder to give way, if there was one.
    fn take(&self, claim: &Claim, length: Duration) -> Result<(Acquired, Option<Duration>)> {
        if let Some(why) = self.slot.failure() {
            return Err(match self.margin {
                None => Error::io("create", &self.path, why.into()),
                Some(_) => Error::in_store("acquire", &self.path, std::io::Error::from(why)),
            });
        }
        let mut waited = None;
        loop {
            let mut claim = claim.clone();
            claim.record.begin();
            claim.record.acquired_ns = self.now_ns();
            claim.record.progress_ns = claim.record.acquired_ns;
            let found = match self.slot.store().acquire_for(&claim, length) {
                Attempt::Acquired(acquired) => return Ok((acquired, waited)),
                Attempt::Busy(found) => found,
            };
            let held = self.slot.held();
            match held.and_then(|held| Some((self.demand(&claim, &held)?, held))) {
                Some((demand, held)) => waited = Some(self.press(demand, &held)?),
                None => return Err(self.busy(found)),
            }
        }
    }

    /// What has to be asked of a run under test that holds the lock; `None`: nothing, it is busy.
    fn demand(&self, claim: &Claim, held: &Held) -> Option<Demand> {
        let holder = self.holder()?;
        // A lease runs out by itself. Whoever waited for one around would wait for itself.
        let is_around = held
            .owner()
            .is_none_or(|owner| claim.around.contains(&owner));
        let silence = self.now_ns().saturating_sub(holder.progress_ns);
        let is_stale = Duration::from_nanos(silence) > holder.stale();
        match (is_around, is_stale && self.margin.is_none(), claim.replace) {
            (true, ..) | (false, false, false) => None,
            (false, true, _) => Some(Demand::Proof),
            (false, false, true) => Some(Demand::Stop),
        }
    }

    /// Asks this of the holder, and lets time pass until it has let go of the lock. How long that took.
    fn press(&self, demand: Demand, held: &Held) -> Result<Duration> {
        let begun = self.sandbox.elapsed();
        let owner = held.owner();
        let before = self.holder().unwrap_or_default();
        let limit = patience(before.tick()) * 2 + before.grace();
        if demand == Demand::Stop {
            let _ = self
                .slot
                .store()
                .ask_to_stop(owner.as_deref().unwrap_or_default())?;
        }
        self.slot.state().is_asked = demand == Demand::Proof;
        let pressed = loop {
            let waited = self.sandbox.elapsed().saturating_sub(begun);
            if owner.is_none() || self.slot.store().owner() != owner {
                break Ok(waited);
            }
            let holder = self.holder().unwrap_or_default();
            let has_answered = holder.answers != before.answers;
            if has_answered || holder.state == State::Kept || waited > limit {
                break Err(self.busy(self.slot.store().look()?));
            }
            if held.owner().is_none() {
                // It is just about to let go, on another thread.
                thread::yield_now();
                continue;
            }
            self.sandbox.advance(held.tick());
        };
        self.slot.state().is_asked = false;
        pressed
    }

    fn holder(&self) -> Option<Record> {
        let found = self.slot.store().look().ok()?;
        found.record.map(|record| *record)
    }

    fn busy(&self, found: Sighting) -> Error {
        let Some(holder) = &found.record else {
            return Error::busy(&self.path, Busy::Unknown, None);
        };
        // By the clock of the sandbox, of a file as of a lease.
        let why = store::why_busy(&found, holder);
        Error::busy(&self.path, why, found.record.map(|record| *record))
    }
}

/// A lock in a sandbox while a run under test holds it.
#[derive(Debug)]
pub(crate) struct SandboxedLease {
    place: SandboxedPlace,
    owner: String,
    lease: Box<dyn Lease>,
}

impl SandboxedLease {
    pub(crate) fn place(&self) -> &Path {
        &self.place.path
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.place.now_ns()
    }

    pub(crate) fn margin(&self) -> Option<Duration> {
        self.place.margin
    }

    pub(crate) fn left(&self) -> Option<Duration> {
        let left = self.place.slot.store().look().ok()?.left;
        Some(left.unwrap_or_default().saturating_sub(self.margin()?))
    }

    pub(crate) fn look(&mut self, record: &Record) -> Option<Standing> {
        Some(match self.lease.look(record).ok()? {
            Standing::Held(requests) => Standing::Held(Requests {
                proof: self.place.slot.state().is_asked,
                ..requests
            }),
            Standing::Lost => Standing::Lost,
        })
    }

    pub(crate) fn write(&mut self, record: &Record, progress: bool) -> bool {
        self.place.slot.note(record);
        let written = if progress {
            self.lease.renew(record)
        } else {
            self.lease.note(record)
        };
        written.is_ok()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.place.slot.store().owner().as_ref() == Some(&self.owner)
    }

    pub(crate) fn end(self, farewell: Farewell<'_>) -> Result<()> {
        let (Farewell::Released(record)
        | Farewell::Kept(record, _)
        | Farewell::Left(record)
        | Farewell::LeftWithProcess(record)) = farewell;
        self.place.slot.note(record);
        if record.state == State::Kept {
            self.place.slot.note_release();
        }
        self.lease.end(farewell)
    }

    /// Who is told of the passes under it.
    pub(crate) fn watch(&self) -> Watch {
        Watch::new(self.place.sandbox.clone(), self.place.slot.clone())
    }
}

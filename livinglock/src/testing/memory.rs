//! A lock in the memory of this process.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    predecessor::Predecessor,
    record::Record,
    store::{
        Acquired, Attempt, Claim, Farewell, Lease, Request, Requests, Sighting, Standing, Store,
    },
};

/// No lease lasts longer.
pub(super) const ENDLESS: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);

/// A lock in the memory of this process, for tests of jobs and of whatever uses a [`Store`].
///
/// Clones are the same lock. Its leases run out as an engine's do, or sooner, by [`advance`](Self::advance).
///
/// ```
/// use std::time::Duration;
///
/// use livinglock::{Lock, testing::MemoryStore};
///
/// let store = MemoryStore::new();
/// let lock = Lock::options().acquire_in(store.clone())?;
/// assert!(Lock::options().acquire_in(store.clone()).unwrap_err().is_busy());
///
/// store.advance(Duration::from_secs(60 * 60));
/// assert!(Lock::options().acquire_in(store)?.predecessor().is_some());
/// # Ok::<(), livinglock::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    /// The last one that was given to anybody.
    token: u64,
    /// Of whoever has it, or has left it without releasing.
    record: Option<Record>,
    /// What the run before that has left.
    before: Option<Record>,
    hold: Option<Hold>,
    /// How much further its clock is than ours, or than the moment at which it stands still.
    advanced: Duration,
    stands_still_at: Option<Instant>,
}

/// What is known of a hold, by the clock of the slot.
#[derive(Debug)]
struct Hold {
    begun: Instant,
    written: Instant,
    expires: Instant,
    is_asked_to_stop: bool,
}

impl MemoryStore {
    /// A lock that nobody has, and nobody ever had.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets so much time pass at once for the leases, on top of what passes by itself.
    pub fn advance(&self, by: Duration) {
        self.slot().advanced += by;
    }

    /// The same, whose clock goes only where it is [turned](Self::turn_to).
    pub(super) fn standing_still() -> Self {
        let store = Self::new();
        store.slot().stands_still_at = Some(Instant::now());
        store
    }

    /// Turns a clock that stands still to so long after it was stopped.
    pub(super) fn turn_to(&self, time: Duration) {
        self.slot().advanced = time;
    }

    /// Puts somebody's record there, and lets him hold it for ever, or not at all.
    pub(super) fn put(&self, record: Option<Record>, holds: bool) {
        let mut slot = self.slot();
        let now = slot.now();
        slot.record = record;
        slot.hold = holds.then(|| Hold {
            begun: now,
            written: now,
            expires: now + ENDLESS,
            is_asked_to_stop: false,
        });
    }

    /// The owner of the record, if somebody holds the lock.
    pub(super) fn owner(&self) -> Option<String> {
        let mut slot = self.slot();
        slot.held()?;
        slot.owner().map(str::to_owned)
    }

    /// Acquires the lock if nobody holds it; a lease lasts so long from each renewal on.
    pub(super) fn acquire_for(&self, claim: &Claim, length: Duration) -> Attempt {
        let mut slot = self.slot();
        let found = slot.sighting();
        let may_be_taken = [claim.gone.as_deref(), Some(&*claim.record.owner)]
            .into_iter()
            .flatten()
            .any(|owner| slot.owner() == Some(owner));
        if found.is_held && !may_be_taken {
            return Attempt::Busy(found);
        }
        // Whoever asks again, because the answer was lost, gets the same.
        if slot.owner() != Some(&claim.record.owner) {
            slot.token += 1;
            slot.before = slot.record.take();
        }
        let mut record = claim.record.clone();
        record.fencing_token = slot.token;
        let now = slot.now();
        slot.record = Some(record.clone());
        slot.hold = Some(Hold {
            begun: now,
            written: now,
            expires: now + length,
            is_asked_to_stop: false,
        });
        Attempt::Acquired(Acquired {
            predecessor: slot.before.clone().and_then(Predecessor::left),
            lease: Box::new(MemoryLease {
                store: self.clone(),
                owner: record.owner.clone(),
                length,
            }),
            record,
        })
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn now(&self) -> Instant {
        self.stands_still_at.unwrap_or_else(Instant::now) + self.advanced
    }

    fn owner(&self) -> Option<&str> {
        self.record.as_ref().map(|record| &*record.owner)
    }

    /// The hold that has not run out.
    fn held(&mut self) -> Option<&mut Hold> {
        let now = self.now();
        self.hold.as_mut().filter(|hold| hold.expires > now)
    }

    fn write(&mut self, record: Option<&Record>) {
        self.record = record.cloned();
        let now = self.now();
        if let Some(hold) = &mut self.hold {
            hold.written = now;
        }
    }

    /// Lets the hold last so long from now on.
    fn last(&mut self, length: Duration) {
        let now = self.now();
        if let Some(hold) = &mut self.hold {
            hold.expires = now + length;
        }
    }

    fn sighting(&mut self) -> Sighting {
        let now = self.now();
        let record = self.record.clone().map(Box::new);
        let Some(hold) = self.held() else {
            return Sighting {
                record,
                ..Sighting::default()
            };
        };
        Sighting {
            record,
            is_held: true,
            left: Some(hold.expires - now),
            held_for: Some(now - hold.begun),
            written_ago: Some(now - hold.written),
            is_asked_to_stop: hold.is_asked_to_stop,
            ..Sighting::default()
        }
    }
}

impl Store for MemoryStore {
    fn place(&self) -> &Path {
        Path::new("memory")
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        Ok(self.acquire_for(claim, claim.length()))
    }

    fn look(&self) -> Result<Sighting> {
        Ok(self.slot().sighting())
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request> {
        let mut slot = self.slot();
        let is_the_owner = slot.owner() == Some(owner);
        if let Some(hold) = slot.held().filter(|_| is_the_owner) {
            hold.is_asked_to_stop = true;
        }
        Ok(Request::standing())
    }
}

#[derive(Debug)]
struct MemoryLease {
    store: MemoryStore,
    owner: String,
    length: Duration,
}

impl MemoryLease {
    /// Does this if the lock is ours still.
    fn if_ours(&self, then: impl FnOnce(&mut Slot)) -> Standing {
        let mut slot = self.store.slot();
        let is_ours = slot.owner() == Some(&*self.owner);
        let Some(hold) = slot.held().filter(|_| is_ours) else {
            return Standing::Lost;
        };
        let requests = Requests {
            stop: hold.is_asked_to_stop,
            ..Requests::default()
        };
        then(&mut slot);
        Standing::Held(requests)
    }
}

impl Lease for MemoryLease {
    fn length(&self) -> Option<Duration> {
        Some(self.length)
    }

    fn look(&mut self, _record: &Record) -> Result<Standing> {
        Ok(self.if_ours(|_| {}))
    }

    fn renew(&mut self, record: &Record) -> Result<Standing> {
        Ok(self.if_ours(|slot| {
            slot.write(Some(record));
            slot.last(self.length);
        }))
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        Ok(self.if_ours(|slot| slot.write(Some(record))))
    }

    fn end(self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        self.if_ours(|slot| {
            slot.write(farewell.record());
            slot.last(farewell.keep().unwrap_or_default());
        });
        Ok(())
    }
}

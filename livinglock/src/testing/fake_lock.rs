//! One lock of a sandbox.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use super::{MemoryStore, Sandbox, run};
use crate::{
    Fate, Predecessor,
    gate::Passed,
    pulse::Held,
    record::{Checkpoint, Record},
    stop::Stop,
    store::Claim,
};

/// One lock of a [`Sandbox`]: what is to happen to it, and what has happened.
///
/// ```
/// use livinglock::{Lock, testing::{Run, Sandbox}};
///
/// let sandbox = Sandbox::new();
/// let lock = sandbox.lock("/run/nightly.lock");
/// lock.held_by(Run::new("nightly").progress(12, 500).message("order 12"));
///
/// let error = sandbox.run(|| Lock::acquire("/run/nightly.lock")).unwrap().unwrap_err();
/// assert!(error.is_busy());
/// assert!(error.to_string().contains(r#""order 12" (12/500)"#));
///
/// lock.free();
/// sandbox.run(|| Lock::acquire("/run/nightly.lock")).unwrap()?.release()?;
/// assert_eq!((lock.acquired(), lock.released()), (1, 1));
/// # Ok::<(), livinglock::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeLock {
    sandbox: Sandbox,
    slot: Arc<Slot>,
}

impl FakeLock {
    pub(super) fn new(sandbox: Sandbox, slot: Arc<Slot>) -> Self {
        Self { sandbox, slot }
    }

    /// Another run holds the lock from now on, and works: it is busy. A job under test that held it has lost it.
    pub fn held_by(&self, run: impl Into<Record>) {
        self.put(Some(run.into()), true);
    }

    /// Another run has left the lock in this way: it is free, and that run is the [predecessor](crate::predecessor()) of the next one.
    ///
    /// ```
    /// # use livinglock::{Fate, Lock, testing::{Run, Sandbox}};
    /// let sandbox = Sandbox::new();
    /// sandbox.lock("/run/a.lock").left_by(Run::new("a").progress(3, 9), Fate::Hung);
    ///
    /// let lock = sandbox.run(|| Lock::acquire("/run/a.lock")).unwrap()?;
    /// let before = lock.predecessor().unwrap();
    /// assert_eq!(before.fate(), Fate::Hung);
    /// assert_eq!(before.record().unwrap().checkpoint.as_ref().unwrap().done, Some(3));
    /// # Ok::<(), livinglock::Error>(())
    /// ```
    pub fn left_by(&self, run: impl Into<Record>, fate: Fate) {
        let predecessor = run::predecessor(run.into(), fate);
        self.put(predecessor.record().cloned(), false);
        self.slot.state().predecessor = Some(predecessor);
    }

    /// Nobody holds the lock from now on, nothing is left of anybody, and nothing is in the way. A job under test that held it has lost it.
    pub fn free(&self) {
        self.put(None, false);
    }

    /// The lock cannot be had from now on, for this reason.
    ///
    /// ```
    /// # use livinglock::{Lock, testing::Sandbox};
    /// let sandbox = Sandbox::new();
    /// sandbox.lock("/run/a.lock").fail(std::io::ErrorKind::PermissionDenied);
    ///
    /// let error = sandbox.run(|| Lock::acquire("/run/a.lock")).unwrap().unwrap_err();
    /// assert!(!error.is_busy());
    /// assert!(error.to_string().contains("use a path that this user may write"));
    /// ```
    pub fn fail(&self, why: io::ErrorKind) {
        self.slot.state().failure = Some(why);
    }

    /// Tells the run that holds the lock, or else the next one, to stop for this reason once it has passed so many checkpoints.
    ///
    /// From then on [`stop_requested`](crate::stop_requested) says so, and the next checkpoint stops. If it has passed as many already, it is
    /// told at once.
    ///
    /// ```
    /// # use livinglock::{Stop, testing::Sandbox, try_checkpoint};
    /// # struct Page;
    /// #[livinglock::batch(path = "/run/a.lock", on_busy = 0)]
    /// fn print(pages: &[Page]) -> usize {
    ///     pages.iter().take_while(|_| try_checkpoint!().is_ok()).count()
    /// }
    ///
    /// let sandbox = Sandbox::new();
    /// sandbox.lock("/run/a.lock").stop_after(2, Stop::Replaced);
    /// assert_eq!(sandbox.run(|| print(&[Page, Page, Page])), Ok(2));
    /// ```
    pub fn stop_after(&self, checkpoints: u64, stop: Stop) {
        let mut state = self.slot.state();
        state.plan = Some((checkpoints, stop));
        let is_held = state.held.upgrade().is_some();
        drop(state);
        if is_held && checkpoints > 0 {
            self.slot.cue();
        }
    }

    /// Another run wants the lock; whether it gets it.
    ///
    /// As any run does, it yields to one that works, and asks one that has passed no checkpoint for `stale` to give way: time goes on
    /// until that has answered or lost the lock.
    pub fn challenged_by(&self, run: impl Into<Record>) -> bool {
        let margin = self.slot.state().margin;
        let place = self.sandbox.place(self.slot.place(), margin);
        place.is_taken_by(&Claim::new(run.into()))
    }

    /// Whether a run under test holds the lock.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.slot.held().is_some_and(|held| {
            let owner = self.slot.store.owner();
            owner.is_some() && owner == held.owner()
        })
    }

    /// How often runs under test have acquired the lock.
    #[must_use]
    pub fn acquired(&self) -> u64 {
        self.slot.state().acquired
    }

    /// How often they have released it, because they were done.
    #[must_use]
    pub fn released(&self) -> u64 {
        self.slot.state().released
    }

    /// How many checkpoints the last of them has passed, [heartbeats](crate::Lock::heartbeat) by call included.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.slot.state().passed
    }

    /// The record of the last of them, with the very last checkpoint that it has passed; `None` if there was none.
    ///
    /// Of a run that has released the lock its [`state`](Record::state) is [`Kept`](crate::State::Kept).
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        let state = self.slot.state();
        let mut record = state.record.clone()?;
        record.checkpoint = state.checkpoint.clone().or(record.checkpoint);
        Some(record)
    }

    fn put(&self, record: Option<Record>, holds: bool) {
        let mut state = self.slot.state();
        (state.predecessor, state.failure) = (None, None);
        drop(state);
        self.slot.store.put(record, holds);
        if let Some(held) = self.slot.held() {
            held.stop_now(Stop::Lost);
        }
    }
}

/// What the sandbox keeps of one lock.
#[derive(Debug)]
pub(super) struct Slot {
    place: PathBuf,
    store: MemoryStore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    failure: Option<io::ErrorKind>,
    /// What the record in the store does not say of the run that has left it.
    predecessor: Option<Predecessor>,
    /// After so many checkpoints, stop for this reason.
    plan: Option<(u64, Stop)>,
    held: Weak<Held>,
    /// When its pulse ticks next, by the clock of the sandbox.
    next_tick: Duration,
    /// Of the lease that the last run under test had.
    pub(super) margin: Option<Duration>,
    /// A newcomer asks whether it works.
    pub(super) is_asked: bool,
    acquired: u64,
    released: u64,
    passed: u64,
    checkpoint: Option<Checkpoint>,
    record: Option<Record>,
}

impl Slot {
    pub(super) fn new(place: PathBuf) -> Self {
        Self {
            place,
            store: MemoryStore::standing_still(),
            state: Mutex::default(),
        }
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn store(&self) -> &MemoryStore {
        &self.store
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn failure(&self) -> Option<io::ErrorKind> {
        self.state().failure
    }

    /// The lock of a run under test, while it is held.
    pub(super) fn held(&self) -> Option<Arc<Held>> {
        let held = self.state().held.upgrade();
        held.filter(|held| held.owner().is_some())
    }

    /// A run under test holds it, whose pulse ticks at that time first.
    pub(super) fn begin(&self, held: &Arc<Held>, first_tick: Duration) {
        let mut state = self.state();
        state.held = Arc::downgrade(held);
        state.next_tick = first_tick;
    }

    /// A run under test has acquired it: what was left for it, beside the record.
    pub(super) fn acquire(&self, record: &Record, margin: Option<Duration>) -> Option<Predecessor> {
        let mut state = self.state();
        state.acquired += 1;
        state.margin = margin;
        state.record = Some(record.clone());
        (state.passed, state.checkpoint) = (0, None);
        state.predecessor.take()
    }

    /// When the pulse of a run under test ticks next.
    pub(super) fn next_tick(&self) -> Option<(Duration, Arc<Held>)> {
        let held = self.held()?;
        Some((self.state().next_tick, held))
    }

    pub(super) fn tick_again_after(&self, tick: Duration) {
        self.state().next_tick += tick;
    }

    /// A run under test has written its record, unless the lock is another's meanwhile.
    pub(super) fn note(&self, record: &Record) {
        let mut state = self.state();
        if let Some(last) = &mut state.record
            && last.owner == record.owner
        {
            last.clone_from(record);
        }
    }

    pub(super) fn note_release(&self) {
        self.state().released += 1;
    }

    pub(super) fn pass(&self, passed: &Passed) {
        let mut state = self.state();
        state.passed += 1;
        state.checkpoint = Some(Checkpoint::new(
            passed.site,
            passed.message.as_deref(),
            passed.progress,
        ));
    }

    /// Stops the run, if it is time to.
    pub(super) fn cue(&self) {
        let mut state = self.state();
        let passed = state.passed;
        let Some((_, stop)) = state.plan.take_if(|(after, _)| *after <= passed) else {
            return;
        };
        drop(state);
        if stop == Stop::Lost {
            self.store.put(None, false);
        }
        if let Some(held) = self.held() {
            held.stop_now(stop);
        }
    }
}

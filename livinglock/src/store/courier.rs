//! The thread that talks with a store, so that nobody else waits for it: neither the job nor its pulse.
//!
//! The pulse says what is to be written and reads what the last answer was. Whatever a server does, what is left of the lease is known
//! here: counted from before a renewal was *sent*, by a clock that goes on in suspend as the server's does.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use super::{
    Acquired, Attempt, Claim, Farewell, Lease, Requests, Standing, Store,
    file::{FaultProtection, omits},
};
use crate::{
    error::{Error, Result},
    predecessor::Predecessor,
    record::{Record, milliseconds},
    report, sys,
};

/// The thread that acquires and tends one lease.
pub(crate) struct Courier {
    desk: Arc<Desk>,
    place: PathBuf,
    /// How long one call may take.
    timeout: Duration,
    /// How long before the lease can run out nobody may work under it any more.
    margin: Duration,
    /// The least time between two looks.
    rhythm: Duration,
}

/// Where errands and their outcomes lie.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What to do next.
    errand: Option<Errand>,
    /// It is being done.
    is_out: bool,
    /// Nobody gives errands any more.
    is_closed: bool,
    /// Until when the lease lasts at least (`CLOCK_BOOTTIME`, nanoseconds); `None`: as long as the process.
    lasts_until: Option<u64>,
    /// When the store was asked last, on the same clock.
    asked_at: u64,
    is_lost: bool,
    requests: Requests,
    /// Why the last call failed.
    trouble: Option<String>,
}

type Task = Box<dyn FnOnce(&dyn Store) -> Option<Box<dyn Lease>> + Send>;

enum Errand {
    /// Before there is a lease.
    Do(Task),
    Renew(Record),
    Note(Record),
    Look(Record),
    End(Departure, mpsc::Sender<Result<()>>),
}

/// A farewell that travels.
struct Departure {
    record: Record,
    kind: fn(&Record, Duration) -> Farewell<'_>,
    keep: Duration,
}

impl Departure {
    fn of(farewell: Farewell<'_>) -> Self {
        let (record, keep, kind): (_, _, fn(&Record, Duration) -> Farewell<'_>) = match farewell {
            Farewell::Released(record) => (record, Duration::ZERO, |record, _| {
                Farewell::Released(record)
            }),
            Farewell::Kept(record, keep) => {
                (record, keep, |record, keep| Farewell::Kept(record, keep))
            }
            Farewell::Left(record) => (record, Duration::ZERO, |record, _| Farewell::Left(record)),
            Farewell::LeftWithProcess(record) => (record, Duration::ZERO, |record, _| {
                Farewell::LeftWithProcess(record)
            }),
        };
        Self {
            record: record.clone(),
            kind,
            keep,
        }
    }

    fn farewell(&self) -> Farewell<'_> {
        (self.kind)(&self.record, self.keep)
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next errand; `None` when there will be none.
    fn next(&self) -> Option<Errand> {
        let mut state = self.state();
        loop {
            if let Some(errand) = state.errand.take() {
                state.is_out = true;
                return Some(errand);
            }
            state.is_out = false;
            if state.is_closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a renewal that failed back, after a pause, unless there is something newer by then.
    fn again(&self, record: Record, pause: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), pause, |state| {
                !state.is_closed
                    && !matches!(state.errand, Some(Errand::Renew(_) | Errand::End(..)))
            });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        match &state.errand {
            Some(Errand::Renew(_) | Errand::End(..)) => {}
            _ if state.is_closed => {}
            // What it says later is newer, but it was progress that this one tells of.
            Some(Errand::Note(newer) | Errand::Look(newer)) => {
                state.errand = Some(Errand::Renew(newer.clone()));
            }
            _ => state.errand = Some(Errand::Renew(record)),
        }
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Courier").field(&self.place).finish()
    }
}

impl Courier {
    /// A courier for a store, with this margin and no lease yet.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        timeout: Duration,
        margin: Duration,
        tick: Duration,
    ) -> Result<Self> {
        let place = store.place().to_owned();
        let desk = Arc::new(Desk::default());
        let theirs = desk.clone();
        thread::Builder::new()
            .name("livinglock-io".to_owned())
            .spawn(move || run(&*store, &theirs))
            .map_err(|error| Error::io("start a thread for", &place, error))?;
        Ok(Self {
            desk,
            place,
            timeout,
            margin,
            rhythm: tick.max(Duration::from_millis(250)),
        })
    }

    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Asks the store something, and waits for the answer within the timeout of one call.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.wait_for(move |store| (question(store), None))
    }

    /// Tries to acquire the lock; what comes back has no lease, which stays with the thread.
    pub(crate) fn acquire(&self, mut claim: Claim) -> Result<Tried> {
        claim.timeout = self.timeout;
        let desk = self.desk.clone();
        self.wait_for(move |store| {
            let sent = sys::boottime_ns();
            match store.acquire(&claim) {
                Ok(Attempt::Acquired(acquired)) => {
                    let Acquired {
                        lease,
                        record,
                        predecessor,
                    } = acquired;
                    let mut state = desk.state();
                    state.lasts_until = lease.length().map(|length| end_of(sent, length));
                    state.asked_at = sent;
                    drop(state);
                    let won = Won::new(lease, predecessor.as_ref());
                    let tried = Tried::Acquired(Box::new(record), predecessor.map(Box::new));
                    (Ok(tried), Some(won))
                }
                Ok(Attempt::Busy(sighting)) => (Ok(Tried::Busy(sighting)), None),
                Err(error) => (Err(error), None),
            }
        })
    }

    /// Gives a claim up of which it is not known whether it was granted: if it was, the lock is given back. Nobody waits for that.
    pub(crate) fn withdraw(self, mut claim: Claim) {
        claim.timeout = self.timeout;
        self.send(Errand::Do(Box::new(move |store| {
            if let Ok(Attempt::Acquired(acquired)) = store.acquire(&claim) {
                Won::new(acquired.lease, acquired.predecessor.as_ref()).give_back();
            }
            None
        })));
    }

    fn wait_for<T: Send + 'static>(
        &self,
        task: impl FnOnce(&dyn Store) -> (Result<T>, Option<Won>) + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::channel();
        self.send(Errand::Do(Box::new(move |store| {
            let (answer, won) = task(store);
            if sender.send(answer).is_ok() {
                return won.map(|won| won.lease);
            }
            // Nobody waits for it any more, and nobody must wait for it to run out.
            if let Some(won) = won {
                won.give_back();
            }
            None
        })));
        // The store keeps to its own deadline, and says what kept it; this is for one that does not.
        let limit = self.timeout + self.timeout / 2;
        receiver.recv_timeout(limit).unwrap_or_else(|_| {
            let why = format!("it did not answer within {}", report::span(limit));
            Err(Error::in_store("ask", &self.place, why))
        })
    }

    /// Has the lease renewed, with this record.
    pub(super) fn renew(&self, record: &Record) {
        self.send(Errand::Renew(record.clone()));
    }

    /// Has the record written, and the lease left as it is.
    pub(super) fn note(&self, record: &Record) {
        self.send(Errand::Note(record.clone()));
    }

    fn send(&self, errand: Errand) {
        let mut state = self.desk.state();
        state.errand = Some(match (state.errand.take(), errand) {
            // There was progress that the store does not know yet.
            (Some(Errand::Renew(_)), Errand::Note(record) | Errand::Look(record)) => {
                Errand::Renew(record)
            }
            (Some(Errand::Note(_)), Errand::Look(record)) => Errand::Note(record),
            (_, newer) => newer,
        });
        self.desk.changed.notify_all();
    }

    /// Has somebody look soon; how the holder stands as far as that is known.
    pub(super) fn look(&mut self, record: &Record) -> Standing {
        let now = sys::boottime_ns();
        let is_due = {
            let state = self.desk.state();
            !state.is_out
                && state.errand.is_none()
                && now.saturating_sub(state.asked_at) >= nanoseconds(self.rhythm)
        };
        if is_due {
            self.send(Errand::Look(record.clone()));
        }
        self.standing()
    }

    /// How the holder stands, by the last answer and by the clock.
    pub(super) fn standing(&self) -> Standing {
        let state = self.desk.state();
        let has_run_out = !omits(FaultProtection::LEASE)
            && state
                .lasts_until
                .is_some_and(|until| sys::boottime_ns() >= until);
        if state.is_lost || has_run_out {
            Standing::Lost
        } else {
            Standing::Held(state.requests)
        }
    }

    /// How long before the end of the lease nobody may work under it any more.
    pub(super) fn margin(&self) -> Duration {
        self.margin
    }

    /// How long somebody may work still, until the margin before the lease can have run out anywhere; `None`: as long as they like.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = self.desk.state().lasts_until?;
        let left = Duration::from_nanos(until.saturating_sub(sys::boottime_ns()));
        Some(left.saturating_sub(self.margin))
    }

    /// When nobody may work any more who is not told of a renewal: the pulse, if it is awake, has ended the job by then.
    #[cfg(feature = "cli")]
    pub(crate) fn lasts_until(&self) -> Option<u64> {
        let until = self.desk.state().lasts_until?;
        Some(until.saturating_sub(nanoseconds(self.margin / 2)))
    }

    /// Why the store could not be asked the last time, if so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.desk.state().trouble.clone()
    }

    /// Ends the hold, and waits until the store knows, for as long as one call may take and work may last.
    pub(super) fn end(self, farewell: Farewell<'_>) -> Result<()> {
        let is_in_trouble = self.trouble().is_some();
        let until = self.desk.state().lasts_until;
        let Some(receiver) = self.begin_to_end(farewell) else {
            return Ok(());
        };
        let mut limit = self.timeout + self.timeout / 2;
        if let (Farewell::LeftWithProcess(_), Some(until)) = (farewell, until) {
            // Some may be in the midst of their last unit, and are ended after this.
            let left = Duration::from_nanos(until.saturating_sub(sys::boottime_ns()));
            limit = limit.min(left.saturating_sub(self.margin / 2));
        }
        if is_in_trouble {
            // It has not answered for some time, and others may still be in the midst of their last unit.
            limit = limit.min(self.margin / 4);
        }
        receiver.recv_timeout(limit).unwrap_or_else(|_| {
            let why = format!(
                "it did not answer within {}, so the lease runs out by itself",
                report::span(limit)
            );
            Err(Error::in_store("release the lock in", &self.place, why))
        })
    }

    /// Has the hold ended, if there is one still, even when nobody waits for what comes back.
    pub(super) fn begin_to_end(
        &self,
        farewell: Farewell<'_>,
    ) -> Option<mpsc::Receiver<Result<()>>> {
        if self.desk.state().is_lost {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        self.send(Errand::End(Departure::of(farewell), sender));
        Some(receiver)
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.desk.state().is_closed = true;
        self.desk.changed.notify_all();
    }
}

/// A lock that was acquired, and what the run before has left.
struct Won {
    lease: Box<dyn Lease>,
    left: Option<Record>,
}

impl Won {
    fn new(lease: Box<dyn Lease>, predecessor: Option<&Predecessor>) -> Self {
        Self {
            lease,
            left: predecessor.and_then(Predecessor::record).cloned(),
        }
    }

    /// Lets go of it as if it had never been ours.
    fn give_back(self) {
        let farewell = match &self.left {
            Some(record) => Farewell::Left(record),
            None => Farewell::Released(&Record::default()),
        };
        // If that cannot be told, it runs out.
        let _ = self.lease.end(farewell);
    }
}

/// What one try to acquire a lock has led to.
pub(crate) enum Tried {
    Acquired(Box<Record>, Option<Box<Predecessor>>),
    Busy(super::Sighting),
}

/// A store of somebody's own may panic, and with it the thread, which is missed by nobody else.
struct TellsOfPanics<'a>(&'a Desk);

impl Drop for TellsOfPanics<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.0.state();
            state.trouble = Some("the store has panicked, and is asked no more".to_owned());
            // A lease runs out by itself.
            state.is_lost |= state.lasts_until.is_none();
        }
    }
}

fn run(store: &dyn Store, desk: &Desk) {
    sys::block_signals();
    let _tells = TellsOfPanics(desk);
    let mut lease: Option<Box<dyn Lease>> = None;
    while let Some(errand) = desk.next() {
        if let Errand::Do(task) = errand {
            lease = task(store).or(lease);
            continue;
        }
        let Some(held) = &mut lease else {
            continue;
        };
        let sent = sys::boottime_ns();
        let (standing, renews) = match errand {
            Errand::Do(_) => continue,
            Errand::Look(record) => (held.look(&record), None),
            Errand::Note(record) => (held.note(&record), None),
            Errand::Renew(record) => (held.renew(&record), Some(record)),
            Errand::End(departure, done) => {
                let ended = lease
                    .take()
                    .map_or(Ok(()), |held| held.end(departure.farewell()));
                // Whoever has gone meanwhile does not mind.
                let _ = done.send(ended);
                return;
            }
        };
        let length = held.length();
        let mut state = desk.state();
        state.asked_at = sent;
        match standing {
            Ok(Standing::Held(requests)) => {
                state.requests = requests;
                state.trouble = None;
                if renews.is_some() {
                    state.lasts_until = length.map(|length| end_of(sent, length));
                }
            }
            Ok(Standing::Lost) => state.is_lost = true,
            Err(error) => {
                state.trouble = Some(report::chain(&error));
                if let Some(record) = renews {
                    drop(state);
                    let pause =
                        Duration::from_millis(milliseconds(length.unwrap_or_default()) / 50);
                    desk.again(
                        record,
                        pause.clamp(Duration::from_millis(50), Duration::from_secs(1)),
                    );
                }
            }
        }
    }
}

/// When a lease ends; one that is longer than the clock has numbers, never.
fn end_of(sent: u64, length: Duration) -> u64 {
    sent.saturating_add(nanoseconds(length))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(miri)))]
mod tests;

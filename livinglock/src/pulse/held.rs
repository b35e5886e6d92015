//! One lock that this process holds.

#[cfg(feature = "cli")]
use std::os::fd::OwnedFd;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

#[cfg(feature = "cli")]
use crate::process::FileId;

use super::{
    attach, detach,
    duty::{Duty, Phase},
    terms::{Ended, Terms},
    whereabouts,
};
use crate::{
    error::{Error, Result},
    gate::{self, Gate},
    observer::{self, End, News, Observers},
    predecessor::Predecessor,
    record::{Record, State},
    report::{self, Event, Outcome},
    stop::Stop,
    store::{
        Farewell, Requests, Standing, Tenure,
        file::{FaultProtection, omits, patience},
    },
    sys,
};

/// A lock that this process holds, under the care of the pulse until it is released, lost or given up.
#[derive(Debug)]
pub(crate) struct Held {
    pub(super) gate: Arc<Gate>,
    pub(super) terms: Terms,
    pub(super) path: PathBuf,
    pub(super) tick: Duration,
    fencing_token: u64,
    predecessor: Option<Predecessor>,
    pub(super) observers: Observers,
    /// A signal has told it to stop.
    signalled: AtomicBool,
    /// The lock is free only once the process has gone.
    goes_with_process: AtomicBool,
    /// A forked child has a copy of this, but no part in it.
    process: u32,
    pub(super) duty: Mutex<Option<Duty>>,
}

/// A lock that was just acquired.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) lease: Tenure,
    pub(crate) record: Record,
    pub(crate) predecessor: Option<Predecessor>,
}

/// What holds a lock for whoever works under it.
#[cfg(feature = "cli")]
#[derive(Debug)]
pub(crate) enum Keepsake {
    /// The open lock file; another one after it was deleted and put back.
    File(FileId, OwnedFd),
    /// A lease: until then (`CLOCK_BOOTTIME`, nanoseconds) nobody may work under it any more, unless it is renewed.
    Until(u64),
}

impl Held {
    /// Puts a lock that was just acquired under the care of the pulse.
    ///
    /// `wakes` is how often the process had woken up before it acquired the lock.
    pub(crate) fn new(
        gate: Arc<Gate>,
        terms: Terms,
        observers: Observers,
        acquired: Hold,
        wakes: u32,
    ) -> Result<Arc<Self>> {
        let Hold {
            lease,
            record,
            predecessor,
        } = acquired;
        let acquired_ns = record.acquired_ns;
        let is_on_probation = record.state == State::Probation;
        let path = lease.place().to_owned();
        let held = Arc::new(Self {
            gate,
            terms,
            tick: record.tick(),
            fencing_token: record.fencing_token,
            duty: Mutex::new(Some(Duty::new(
                lease,
                record,
                predecessor.as_ref(),
                terms.heartbeat,
            ))),
            path,
            predecessor,
            observers,
            signalled: AtomicBool::new(false),
            goes_with_process: AtomicBool::new(false),
            process: std::process::id(),
        });
        if is_on_probation || !terms.role.attends_later() {
            held.attend()?;
        }
        #[cfg(feature = "testing")]
        if held.is_sandboxed() {
            // Its clock stands still.
            return Ok(held);
        }
        // Stopped or frozen since then we may have lost it already.
        let since = Duration::from_nanos(sys::monotonic_ns().saturating_sub(acquired_ns));
        if gate::wakes() != wakes || since > patience(held.tick) / 2 {
            held.attend()?;
            gate::doubt();
        }
        Ok(held)
    }

    /// Has the pulse take care of the lock from now on.
    pub(crate) fn attend(self: &Arc<Self>) -> Result<()> {
        attach(self).map_err(|error| {
            // Nothing is done under it.
            let duty = self.duty().take();
            let _ = duty.map(|duty| duty.lease.end(Farewell::Released(&duty.record)));
            let error = Error::io("start the pulse of", &self.path, error);
            self.observers.decline(&error);
            error
        })
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn predecessor(&self) -> Option<&Predecessor> {
        self.predecessor.as_ref()
    }

    /// Whether it is on this machine, so that its release takes no time.
    pub(crate) fn is_here(&self) -> bool {
        self.duty()
            .as_ref()
            .is_none_or(|duty| duty.lease.courier().is_none())
    }

    /// The owner that its record names, while it is held.
    pub(crate) fn owner(&self) -> Option<String> {
        self.duty().as_ref().map(|duty| duty.record.owner.clone())
    }

    pub(crate) fn fencing_token(&self) -> u64 {
        self.fencing_token
    }

    pub(crate) fn tick(&self) -> Duration {
        self.tick
    }

    pub(super) fn is_graceful(&self) -> bool {
        self.terms.graceful
    }

    pub(super) fn duty(&self) -> MutexGuard<'_, Option<Duty>> {
        self.duty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the job was stopped, if it was. One that ended by itself before it learned of a request has just ended.
    pub(crate) fn obeyed(&self) -> Option<Stop> {
        let stop = self.gate.stop()?;
        (stop == Stop::Lost || self.gate.is_obeyed()).then_some(stop)
    }

    /// Why the job has to stop, once it was told at its gate: of a lock that was taken from it meanwhile, that it is lost.
    pub(crate) fn reason(&self, stop: Stop) -> Stop {
        if self.duty().is_none() {
            Stop::Lost
        } else {
            stop
        }
    }

    /// Waits until the job may begin: after a fence, when the former holder must have noticed.
    pub(crate) fn wait_for_the_start(&self) -> Result<()> {
        let is_on_probation = || {
            let duty = self.duty();
            duty.as_ref()
                .is_some_and(|duty| matches!(duty.phase, Phase::Probation(_)))
        };
        while is_on_probation() && self.gate.stop().is_none() {
            thread::sleep(self.tick);
        }
        // We may have been stopped ourselves since we acquired it.
        gate::wait_for_the_look();
        match self.gate.stop() {
            None => {
                let news = News::Began(self.predecessor.clone().map(Box::new));
                let duty = self.duty();
                self.observers
                    .tell(&news, duty.as_ref().map(|duty| &duty.record));
                Ok(())
            }
            Some(stop) => {
                self.abandon(Ended::Stopped);
                self.wait_for_observers(observer::longest_wait(self.terms.role));
                Err(Error::stopped(&self.path, stop))
            }
        }
    }

    /// Ends the hold and removes the file, if the lock is still ours. Whoever still works behind the gate passes no checkpoint.
    pub(crate) fn release(&self) -> Result<()> {
        self.release_as(End::Returned(None))
    }

    /// The same of a job that has ended like this.
    pub(crate) fn release_as(&self, end: End) -> Result<()> {
        if self.is_inherited() {
            return Err(Error::of_a_forked_child());
        }
        if self.duty().is_none() {
            return Err(Error::stopped(&self.path, Stop::Lost));
        }
        if let Some(stop) = self.obeyed() {
            self.abandon(Ended::Stopped);
            return match stop {
                Stop::Lost => Err(Error::stopped(&self.path, stop)),
                _ => Ok(()),
            };
        }
        self.gate.shut(Stop::Released);
        let duty = self.duty().take();
        detach(self);
        let Some(mut duty) = duty else {
            return Err(Error::stopped(&self.path, Stop::Lost));
        };
        if self.observers.are_there() {
            gate::harvest();
            duty.note(self.gate.take_passed());
            duty.note_end();
            self.observers.keep(&duty.record, duty.learned());
        }
        let held =
            Duration::from_nanos(duty.lease.now_ns().saturating_sub(duty.record.acquired_ns));
        // What stays of it says that it was released.
        duty.record.state = State::Kept;
        duty.record.stamp();
        let kept = duty.record.at_least().checked_sub(held);
        let released = match kept.filter(|kept| !kept.is_zero()) {
            Some(kept) => {
                gate::harvest();
                duty.note(self.gate.take_passed());
                let Duty { lease, record, .. } = duty;
                lease.end(Farewell::Kept(&record, kept))
            }
            None => duty.lease.end(Farewell::Released(&duty.record)),
        };
        self.observers.end(match &released {
            Err(error) if error.is_lost() => End::Stopped(Stop::Lost),
            _ => end,
        });
        released
    }

    /// Waits, at most so long, until all who are told of the run have heard of its end.
    pub(crate) fn wait_for_observers(&self, longest: Duration) {
        if self.goes_with_process.load(Ordering::Relaxed) {
            self.observers.wait_with_the_lock();
        } else {
            self.observers.wait(longest);
        }
    }

    /// Ends the hold of a job that was stopped or has panicked, and leaves the record for whoever comes next.
    pub(crate) fn abandon(&self, ended: Ended) {
        self.leave(ended, false);
    }

    /// The same, and ends what the process has started. What the record says, and how many processes that were.
    pub(crate) fn abandon_with_descendants(&self, ended: Ended) -> Option<(Record, usize)> {
        self.leave(ended, true)
    }

    fn leave(&self, ended: Ended, with_descendants: bool) -> Option<(Record, usize)> {
        if self.is_inherited() {
            return None;
        }
        self.gate.shut(Stop::Released);
        gate::harvest();
        let duty = self.duty().take();
        detach(self);
        let mut duty = duty?;
        duty.note(self.gate.take_passed());
        match (ended, self.gate.stop()) {
            (Ended::Panicked, _) => duty.record.state = State::Panicked,
            // It was hung, or has nothing to say any more; or whoever comes next has to go on with its probation.
            (_, None | Some(Stop::Lost)) => {}
            _ if duty.record.state == State::Probation => {}
            (_, Some(_)) => duty.record.state = State::Stopped,
        }
        let learned = duty.learned();
        let Duty {
            lease, mut record, ..
        } = duty;
        record.stamp();
        self.observers.keep(&record, learned);
        let with_descendants = with_descendants && lease.is_real();
        let end_descendants = || {
            if with_descendants {
                whereabouts::end_descendants(&record)
            } else {
                0
            }
        };
        // A file is not free before the process has ended, and nobody has to wait for its word. A lease is.
        let early = lease.courier().map(|_| end_descendants());
        // If it cannot be told, the lock says so by itself: free, or run out.
        let with_process = self.terms.role.is_the_process() || ended == Ended::WithProcess;
        self.goes_with_process
            .store(with_process, Ordering::Relaxed);
        let _ = lease.end(if with_process {
            Farewell::LeftWithProcess(&record)
        } else {
            Farewell::Left(&record)
        });
        let descendants = early.unwrap_or_else(end_descendants);
        self.observers.end(match ended {
            Ended::Panicked => End::Panicked,
            Ended::Stopped | Ended::WithProcess => {
                End::Stopped(self.gate.stop().unwrap_or(Stop::Released))
            }
        });
        Some((record, descendants))
    }

    /// Tells the job that its process was sent a signal; whether it is the first one.
    pub(crate) fn signal(&self, signal: u8) -> bool {
        if let Some(duty) = self.duty().as_mut()
            && !matches!(duty.phase, Phase::Leaving(_))
        {
            self.stop_on_duty(duty, Stop::Signal(signal));
        }
        !self.signalled.swap(true, Ordering::Relaxed)
    }

    /// Gives way at once to a newcomer that has found the job hung: for a job that can reach no checkpoint by itself.
    #[cfg(feature = "cli")]
    pub(crate) fn give_way(&self) {
        if let Some(duty) = self.duty().as_mut()
            && let (Phase::Closing(_), Tenure::Here(lease)) = (duty.phase, &duty.lease)
            && lease.requests().proof
        {
            self.gate.shut(Stop::Lost);
            duty.phase = Phase::Leaving(duty.record.grace());
        }
    }

    /// What the keeper of a run has to know of the lock, unless it is this that it knows.
    #[cfg(feature = "cli")]
    pub(crate) fn keepsake(&self, known: Option<FileId>) -> Option<Keepsake> {
        match &self.duty().as_ref()?.lease {
            Tenure::Here(lease) => {
                let (id, file) = lease.file(known)?;
                Some(Keepsake::File(id, file))
            }
            Tenure::Elsewhere(courier) => courier.lasts_until().map(Keepsake::Until),
            #[cfg(feature = "testing")]
            Tenure::Sandboxed(_) => None,
        }
    }

    pub(super) fn event<'a>(&'a self, outcome: Outcome, record: &'a Record) -> Event<'a> {
        Event::new(outcome, &self.path, Some(record))
    }

    fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    pub(super) fn stop_on_duty(&self, duty: &mut Duty, stop: Stop) {
        self.gate.shut(stop);
        self.observers
            .tell(&News::Stopping(stop), Some(&duty.record));
        let grace = duty.record.grace();
        let grace = match duty.time_left().filter(|_| !omits(FaultProtection::LEASE)) {
            // Whoever was about to be stopped by the end of its lease gets no more time than that.
            Some(left) if stop != Stop::Lost => grace.min(left),
            _ => grace,
        };
        duty.phase = Phase::Leaving(grace);
        // The acknowledgement for whoever waits for the lock. Who takes it from one on probation has to know that.
        if stop != Stop::Lost && duty.record.state != State::Probation {
            duty.record.state = State::Stopping;
            duty.write();
        }
        // Last: a reader of standard error may take its time.
        let has_command = self.terms.role.keeper().is_some();
        self.event(Outcome::Stopping, &duty.record)
            .say(&report::stopping(
                &self.path,
                &duty.record,
                stop,
                duty.lease.margin().is_some(),
                has_command,
            ));
    }

    /// Looks whether the lock is still ours, after a sleep.
    pub(super) fn look(&self) {
        if let Some(duty) = self.duty().as_mut() {
            self.look_at(duty, Tenure::look_after_a_sleep);
        }
    }

    /// Looks whether the lock is still ours; what others ask of us.
    pub(super) fn look_at(
        &self,
        duty: &mut Duty,
        look: impl FnOnce(&mut Tenure, &Record) -> Option<Standing>,
    ) -> Requests {
        let leaving = matches!(duty.phase, Phase::Leaving(_));
        if leaving && self.gate.stop() == Some(Stop::Lost) {
            return Requests::default();
        }
        // On the way out it is still put back where somebody has deleted it.
        match look(&mut duty.lease, &duty.record) {
            Some(Standing::Held(requests)) => requests,
            Some(Standing::Lost) if !leaving => {
                self.stop_on_duty(duty, Stop::Lost);
                Requests::default()
            }
            _ => Requests::default(),
        }
    }
}

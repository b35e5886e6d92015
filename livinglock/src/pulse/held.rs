//! One lock that this process holds, and what its pulse does in one tick.

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
    unit::Unit,
    whereabouts,
};
use crate::{
    error::{Error, Result},
    gate::{self, Gate},
    predecessor::Predecessor,
    process::Family,
    record::{Record, State},
    report::{self, Event, Outcome},
    stop::Stop,
    store::{
        Courier, Farewell, Requests, Standing, Tenure,
        file::{FaultProtection, omits, patience},
    },
    sys,
};

/// A lock that this process holds, under the care of the pulse until it is released, lost or given up.
#[derive(Debug)]
pub(crate) struct Held {
    gate: Arc<Gate>,
    terms: Terms,
    path: PathBuf,
    tick: Duration,
    fencing_token: u64,
    predecessor: Option<Predecessor>,
    /// Whom to tell of it outside.
    unit: Option<Unit>,
    /// A signal has told it to stop.
    signalled: AtomicBool,
    /// A forked child has a copy of this, but no part in it.
    process: u32,
    duty: Mutex<Option<Duty>>,
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
            duty: Mutex::new(Some(Duty::new(lease, record, terms.heartbeat))),
            path,
            predecessor,
            unit: Unit::of(terms.role),
            signalled: AtomicBool::new(false),
            process: std::process::id(),
        });
        if is_on_probation || !terms.role.attends_later() {
            held.attend()?;
        }
        if let Some(unit) = &held.unit {
            unit.is_ready();
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
            Error::io("start the pulse of", &self.path, error)
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
            .is_none_or(|duty| matches!(duty.lease, Tenure::Here(_)))
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

    fn duty(&self) -> MutexGuard<'_, Option<Duty>> {
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
            None => Ok(()),
            Some(stop) => {
                self.abandon(Ended::Stopped);
                Err(Error::stopped(&self.path, stop))
            }
        }
    }

    /// Ends the hold and removes the file, if the lock is still ours. Whoever still works behind the gate passes no checkpoint.
    pub(crate) fn release(&self) -> Result<()> {
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
        if let Some(unit) = &self.unit {
            unit.is_stopping();
        }
        let duty = self.duty().take();
        detach(self);
        let Some(mut duty) = duty else {
            return Err(Error::stopped(&self.path, Stop::Lost));
        };
        let held =
            Duration::from_nanos(sys::monotonic_ns().saturating_sub(duty.record.acquired_ns));
        // What stays of it says that it was released.
        duty.record.state = State::Kept;
        duty.record.stamp();
        let kept = duty.record.at_least().checked_sub(held);
        match kept.filter(|kept| !kept.is_zero()) {
            Some(kept) => {
                gate::harvest();
                duty.note(self.gate.take_passed());
                let Duty { lease, record, .. } = duty;
                lease.end(Farewell::Kept(&record, kept))
            }
            None => duty.lease.end(Farewell::Released(&duty.record)),
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
        let Duty {
            lease, mut record, ..
        } = duty;
        record.stamp();
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
        let _ = lease.end(
            if self.terms.role.is_the_process() || ended == Ended::WithProcess {
                Farewell::LeftWithProcess(&record)
            } else {
                Farewell::Left(&record)
            },
        );
        let descendants = early.unwrap_or_else(end_descendants);
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
        }
    }

    fn event<'a>(&'a self, outcome: Outcome, record: &'a Record) -> Event<'a> {
        Event::new(outcome, &self.path, Some(record))
    }

    fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    fn stop_on_duty(&self, duty: &mut Duty, stop: Stop) {
        self.gate.shut(stop);
        if let Some(unit) = &self.unit {
            unit.is_stopping();
        }
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
                duty.lease.courier().is_some(),
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
    fn look_at(
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

    /// One tick.
    pub(super) fn beat(&self) {
        let mut guard = self.duty();
        let Some(duty) = guard.as_mut() else {
            return;
        };
        duty.count(self.tick);
        let progressed = duty.note(self.gate.take_passed());
        if let (true, Some(unit)) = (progressed, &self.unit) {
            unit.has_progressed(&duty.record);
        }
        let asked = self.look_at(duty, Tenure::look);
        match duty.phase {
            Phase::Probation(left) => {
                duty.prove();
                self.work(duty, false, asked);
                if let Phase::Probation(_) = duty.phase {
                    match left.checked_sub(self.tick) {
                        Some(left) => duty.phase = Phase::Probation(left),
                        None => duty.end_probation(),
                    }
                }
            }
            Phase::Working => self.work(duty, progressed, asked),
            Phase::Closing(_) if self.gate.has_arrivals() => {
                if asked.proof {
                    self.gate.shut(Stop::Lost);
                    duty.phase = Phase::Leaving(duty.record.grace());
                } else {
                    // Alive after all, and nobody wants the lock any more.
                    duty.answer();
                    self.revive(duty);
                }
            }
            Phase::Closing(left) | Phase::Expiring(left) | Phase::Leaving(left)
                if left.is_zero() =>
            {
                // Others wait for the guard until the process has ended, if it does.
                if let Some(duty) = guard.take() {
                    self.give_up(duty);
                }
                drop(guard);
                detach(self);
            }
            Phase::Closing(left) => duty.phase = Phase::Closing(left.saturating_sub(self.tick)),
            Phase::Expiring(left) => self.expire(duty, left.saturating_sub(self.tick), progressed),
            Phase::Leaving(left) => duty.phase = Phase::Leaving(left.saturating_sub(self.tick)),
        }
    }

    /// Lets a job go on that was found hung.
    fn revive(&self, duty: &mut Duty) {
        duty.phase = Phase::Working;
        duty.silence = Duration::ZERO;
        self.gate.reopen();
    }

    /// The tick of a lock whose job works, as far as anybody knows.
    fn work(&self, duty: &mut Duty, progressed: bool, asked: Requests) {
        if asked.stop {
            return self.stop_on_duty(duty, Stop::Replaced);
        }
        let has_run = duty.begun.elapsed();
        let works = matches!(duty.phase, Phase::Working);
        if works && self.terms.at_most.is_some_and(|at_most| has_run > at_most) {
            return self.stop_on_duty(duty, Stop::AtMost);
        }
        if let Some(left) = duty.time_left().filter(|_| !omits(FaultProtection::LEASE)) {
            match left.checked_sub(duty.record.grace()) {
                None | Some(Duration::ZERO) => return self.begin_to_expire(duty, left),
                Some(left) => self.report_trouble(duty, left),
            }
        }
        if asked.proof && duty.silence > duty.record.stale() {
            return self.close(duty);
        }
        if asked.proof {
            duty.answer();
        } else {
            duty.beat_if_due(progressed);
        }
        if duty.silence > self.terms.warn && !duty.warned {
            duty.warned = true;
            let threads = whereabouts::threads(self.terms.role);
            self.event(Outcome::Silent, &duty.record)
                .after(duty.silence)
                .say(&report::silent(
                    &self.path,
                    &duty.record,
                    duty.silence,
                    &threads,
                ));
        }
    }

    /// A newcomer asks, and there is nothing to show.
    fn close(&self, duty: &mut Duty) {
        if !omits(FaultProtection::GATE) && !self.gate.hold() {
            // A checkpoint was passed at the last instant.
            duty.note(self.gate.take_passed());
            duty.answer();
            return;
        }
        duty.record.state = State::Closing;
        duty.write();
        duty.phase = Phase::Closing(duty.record.grace());
        // Last: a reader of standard error may take its time.
        self.event(Outcome::Closing, &duty.record)
            .after(duty.silence)
            .say(&report::closing(&self.path, &duty.record, duty.silence));
    }

    /// Holds the gate of a job whose lease will run out: it is hung, or the store cannot be reached.
    ///
    /// What was passed until now is still progress, and whoever comes to the gate is as well: the lease is renewed for that, and the
    /// gate opens once it is.
    fn begin_to_expire(&self, duty: &mut Duty, left: Duration) {
        self.gate.hold_anyway();
        duty.note(self.gate.take_passed());
        let grace = left.min(duty.record.grace());
        duty.phase = Phase::Expiring(grace);
        duty.record.state = State::Closing;
        duty.write();
        // Last: a reader of standard error may take its time.
        let trouble = duty.lease.courier().and_then(Courier::trouble);
        self.event(Outcome::Expiring, &duty.record)
            .after(duty.silence)
            .say(&report::expiring(
                &self.path,
                &duty.record,
                duty.silence,
                grace,
                trouble.as_deref(),
            ));
    }

    /// The tick of a lock whose lease is about to run out: half of what is left is for the store to answer, the rest to clean up.
    fn expire(&self, duty: &mut Duty, left: Duration, progressed: bool) {
        let grace = duty.record.grace();
        duty.phase = Phase::Expiring(left);
        if duty.time_left().is_some_and(|left| left > grace) {
            // Renewed.
            duty.record.state = State::Working;
            duty.write();
            return self.revive(duty);
        }
        if left <= grace / 2 {
            self.gate.shut(Stop::Lost);
            duty.phase = Phase::Leaving(left);
        } else if progressed || self.gate.has_arrivals() {
            duty.prove();
            duty.write();
        }
    }

    /// Says that the lease cannot be renewed, once half of it has passed.
    fn report_trouble(&self, duty: &mut Duty, left: Duration) {
        let Some(trouble) = duty.lease.courier().and_then(Courier::trouble) else {
            duty.troubled = false;
            return;
        };
        if !duty.troubled && left < duty.record.stale() / 2 {
            duty.troubled = true;
            self.event(Outcome::Troubled, &duty.record)
                .say(&report::cannot_renew(
                    &self.path,
                    &duty.record,
                    left,
                    &trouble,
                ));
        }
    }

    /// Ends a job that reaches no checkpoint: on `main` with its process, elsewhere by taking the lock from it.
    fn give_up(&self, mut duty: Duty) {
        let stop = self.gate.stop().unwrap_or(Stop::Lost);
        let with_its_process = self.terms.role.is_the_process();
        let family = with_its_process.then(|| Family::of(duty.record.process_id));
        duty.record.autopsy = Some(whereabouts::autopsy(
            self.terms.role,
            duty.silence,
            family.as_ref(),
        ));
        if duty.lease.is_held() {
            duty.write_down();
        }
        let Duty {
            lease,
            record,
            silence,
            ..
        } = duty;
        if let Some(family) = family {
            whereabouts::end(family, &record);
        }
        let obeyed = self.gate.is_obeyed();
        self.event(Outcome::GivenUp, &record)
            .after(silence)
            .say(&report::given_up(
                &self.path,
                &record,
                with_its_process,
                obeyed,
            ));
        if with_its_process {
            // If it cannot be told, the lease runs out.
            let _ = lease.end(Farewell::LeftWithProcess(&record));
            sys::exit_now(stop.exit_status());
        }
        self.gate.shut(Stop::Lost);
        lease.end_in_passing(Farewell::Left(&record));
    }
}

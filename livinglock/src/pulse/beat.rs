//! What the pulse does for one lock in one tick.

use std::time::Duration;

use super::{
    Held, detach,
    duty::{Duty, Phase},
    whereabouts,
};
use crate::{
    observer::{self, End, News},
    process::Family,
    record::State,
    report::{self, Outcome},
    stop::Stop,
    store::{
        Courier, Farewell, Requests, Tenure,
        file::{FaultProtection, omits},
    },
    sys,
};

impl Held {
    /// One tick.
    pub(super) fn beat(&self) {
        let mut guard = self.duty();
        let Some(duty) = guard.as_mut() else {
            return;
        };
        duty.count(self.tick);
        let learned = self.observers.recall();
        if !learned.is_empty() {
            duty.remember(&learned);
        }
        let progressed = duty.note(self.gate.take_passed());
        if progressed {
            self.observers.tell(&News::Progressed, Some(&duty.record));
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
        let has_run = duty.has_run();
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
        self.observers.tell(&News::Hung, Some(&duty.record));
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
        self.observers.tell(&News::Hung, Some(&duty.record));
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
        self.observers.keep(&duty.record, duty.learned());
        self.observers.end(End::GivenUp(stop));
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
            let longest = match stop {
                // Nobody has asked for its lock.
                Stop::AtMost | Stop::Signal(_) if lease.courier().is_none() => {
                    observer::longest_wait_with_the_lock(&record)
                }
                _ => observer::LAST_WORDS,
            };
            self.observers.wait(longest);
            // If it cannot be told, the lease runs out.
            let _ = lease.end(Farewell::LeftWithProcess(&record));
            sys::exit_now(stop.exit_status());
        }
        self.gate.shut(Stop::Lost);
        lease.end_in_passing(Farewell::Left(&record));
    }
}

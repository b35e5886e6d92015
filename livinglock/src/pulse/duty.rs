//! What the pulse keeps of one lock.

use std::time::Duration;

use super::pace::Pace;
use crate::{
    gate::Passed,
    predecessor::Predecessor,
    record::{Checkpoint, Habit, Record, State, milliseconds},
    store::Tenure,
};

#[derive(Debug)]
pub(super) struct Duty {
    pub(super) lease: Tenure,
    pub(super) record: Record,
    heartbeat: Duration,
    /// Time without a checkpoint, counted in ticks.
    pub(super) silence: Duration,
    pace: Pace,
    /// Time since the last heartbeat, counted in ticks.
    since_heartbeat: Duration,
    /// When the job began, by the clock of the lease; time in which the machine was suspended does not count.
    begun_ns: u64,
    /// Progress that no heartbeat has told yet.
    unwritten: bool,
    /// The silence was reported.
    pub(super) warned: bool,
    /// That the lease cannot be renewed was reported.
    pub(super) troubled: bool,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// The job has not begun: at least this much longer, a holder whose file was replaced has to notice.
    Probation(Duration),
    Working,
    /// Found hung, the gate held: until it reaches a checkpoint, at most this much longer.
    Closing(Duration),
    /// Its lease is about to run out, the gate held: until it is renewed for progress, at most this much longer.
    Expiring(Duration),
    /// Told to stop, the gate shut: until it has left, at most this much longer.
    Leaving(Duration),
}

impl Duty {
    pub(super) fn new(
        lease: Tenure,
        record: Record,
        predecessor: Option<&Predecessor>,
        heartbeat: Duration,
    ) -> Self {
        let probation = record.probation();
        let left = predecessor.and_then(|before| before.record()?.checkpoint.as_ref());
        Self {
            begun_ns: lease.now_ns(),
            lease,
            record,
            heartbeat,
            silence: Duration::ZERO,
            pace: left.map(Pace::of_the_run_before).unwrap_or_default(),
            since_heartbeat: Duration::ZERO,
            unwritten: false,
            warned: false,
            troubled: false,
            phase: if probation.is_zero() {
                Phase::Working
            } else {
                Phase::Probation(probation)
            },
        }
    }

    /// For how long the job has run.
    pub(super) fn has_run(&self) -> Duration {
        Duration::from_nanos(self.lease.now_ns().saturating_sub(self.begun_ns))
    }

    pub(super) fn count(&mut self, tick: Duration) {
        self.silence += tick;
        self.since_heartbeat += tick;
        self.pace.count(tick);
    }

    /// Takes note of progress; whether there was any.
    pub(super) fn note(&mut self, passed: Option<Passed>) -> bool {
        let Some(passed) = passed else {
            return false;
        };
        let mut checkpoint =
            Checkpoint::new(passed.site, passed.message.as_deref(), passed.progress);
        self.pace.learn(self.record.checkpoint.as_ref());
        checkpoint.usual_ms = self.usual(&checkpoint);
        self.record.checkpoint = Some(checkpoint);
        self.prove();
        self.warned = false;
        true
    }

    /// Takes note that the job is done, which is as good as a next checkpoint.
    pub(super) fn note_end(&mut self) {
        self.pace.learn(self.record.checkpoint.as_ref());
    }

    fn usual(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let usual = self.pace.usual(checkpoint)?;
        (usual >= self.shortest_gap()).then_some(usual)
    }

    /// In milliseconds: in less than that many have passed that nobody saw.
    fn shortest_gap(&self) -> u64 {
        milliseconds(self.record.tick() * 2)
    }

    /// What was seen at the slowest checkpoints.
    pub(super) fn learned(&self) -> Vec<Habit> {
        self.pace.slowest(self.shortest_gap())
    }

    /// Takes over what runs before have seen.
    pub(super) fn remember(&mut self, learned: &[Habit]) {
        for habit in learned {
            self.pace.remember(habit);
        }
        if let Some(mut checkpoint) = self.record.checkpoint.take() {
            checkpoint.usual_ms = self.usual(&checkpoint);
            self.record.checkpoint = Some(checkpoint);
        }
    }

    /// There is life in it now.
    pub(super) fn prove(&mut self) {
        self.record.progress_ns = self.lease.now_ns();
        self.silence = Duration::ZERO;
        self.unwritten = true;
    }

    /// The first progress, then again after `heartbeat`, and once when the job goes quiet: so the record of a hung job is exact.
    pub(super) fn beat_if_due(&mut self, progressed: bool) {
        let first = self.record.heartbeats == 0;
        if self.unwritten && (first || !progressed || self.since_heartbeat >= self.heartbeat) {
            self.record.heartbeats += 1;
            self.write();
        }
    }

    /// How long somebody may work still under a lease that runs out: until the margin before its end.
    ///
    /// A renewal that came late, because the store was away, gives a hung job no more time than `stale`.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let margin = self.lease.margin()?;
        let until_stale = self.record.stale().saturating_sub(self.silence);
        let until_stale = until_stale.saturating_sub(margin);
        Some(self.lease.left()?.min(until_stale))
    }

    pub(super) fn answer(&mut self) {
        self.record.answers += 1;
        if self.record.state == State::Closing {
            self.record.state = State::Working;
        }
        self.write();
    }

    /// The job may start.
    pub(super) fn end_probation(&mut self) {
        self.phase = Phase::Working;
        self.begun_ns = self.lease.now_ns();
        self.record.state = State::Working;
        self.record.probation_ms = 0;
        self.write();
    }

    /// Writes down what there is to say, and no more: nothing is renewed by it.
    pub(super) fn write_down(&mut self) {
        self.unwritten = false;
        self.write();
    }

    pub(super) fn write(&mut self) {
        self.record.stamp();
        // What cannot be written now stays unwritten, and the next tick tries again; whether the lock is lost, `check` tells.
        // A lease is renewed for progress alone.
        if self.lease.write(&self.record, self.unwritten) {
            self.unwritten = false;
            self.since_heartbeat = Duration::ZERO;
        }
    }
}

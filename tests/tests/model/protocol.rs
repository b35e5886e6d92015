//! What each step does, and when it can be taken.

use crate::{
    kernel::{Byte, Inode, Pid, Record},
    process::{Phase, Recreation, Stage, Verdict},
    state::{Foul, State},
    step::{Protection, Step},
};

/// One process about to take a step.
pub(crate) struct Actor<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) pid: Pid,
    /// The protection that is left out.
    pub(crate) omitted: Option<Protection>,
}

impl Actor<'_> {
    /// Takes a step; `None` if it cannot be taken now.
    pub(crate) fn take(&mut self, step: Step) -> Option<()> {
        let next = match self.state.process(self.pid).stage {
            Stage::Outside => self.enter(step)?,
            Stage::Opened | Stage::Judged | Stage::Asked => self.judge(step)?,
            Stage::Claiming => {
                self.wait_for_guard(step, Protection::GuardClaim, Stage::Guarded, Stage::Outside)?
            }
            Stage::Guarded => self.if_or_outside(
                self.state.kernel.holder(self.file(), Byte::Alive).is_none(),
                Self::hold,
            ),
            Stage::Held => self
                .if_or_outside(self.is_at_path() || self.omits(Protection::Compare), |_| {
                    Stage::Compared { woken: false }
                }),
            Stage::Compared { woken } => self.write_first_record(woken),
            Stage::Written(phase) => Stage::Holding(phase),
            Stage::Accusing => {
                self.wait_for_guard(step, Protection::GuardFence, Stage::Accused, Stage::Outside)?
            }
            Stage::Accused => {
                let unchanged = self.knows_record() && self.is_at_path();
                self.if_or_outside(unchanged, Self::prepare_fence)
            }
            Stage::Fencing => self.fence(),
            Stage::Holding(phase) => self.beat(step, phase)?,
            Stage::Recreated(phase, recreation) => self.recreate(step, phase, recreation)?,
            Stage::Leaving => match step {
                Step::Releasing => Stage::Releasing,
                _ => Stage::Outside,
            },
            Stage::Releasing => self.wait_for_guard(
                step,
                Protection::GuardUnlink,
                Stage::Releaser,
                Stage::Outside,
            )?,
            Stage::Releaser => self.if_or_outside(self.is_at_path(), |_| Stage::Unlinking),
            Stage::Unlinking => self.unlink(),
            Stage::Unlinked => self.let_go(),
            Stage::Late => Stage::Outside,
        };
        self.reach(next);
        Some(())
    }

    fn reach(&mut self, stage: Stage) {
        let process = self.state.process_mut(self.pid);
        process.stage = stage;
        if matches!(stage, Stage::Outside | Stage::Late) {
            for inode in [process.file.take(), process.other.take()] {
                if let Some(inode) = inode {
                    self.state.kernel.close(self.pid, inode);
                }
            }
        }
        let process = self.state.process_mut(self.pid);
        if !process.is_entitled() {
            process.owes_look = false;
        }
        if !self.state.kernel.has_locks(self.pid) || stage == Stage::Leaving {
            self.state.process_mut(self.pid).robbed = false;
        }
    }

    fn omits(&self, protection: Protection) -> bool {
        self.omitted == Some(protection)
    }

    fn file(&self) -> Inode {
        self.state.process(self.pid).file.expect("a file is open")
    }

    fn other(&self) -> Inode {
        self.state.process(self.pid).other.expect("a second file")
    }

    fn is_at_path(&self) -> bool {
        self.state.kernel.path() == Some(self.file())
    }

    fn knows_record(&self) -> bool {
        let known_to = self.state.kernel.known_to(self.file());
        known_to.contains(self.pid)
    }

    fn is_robbed(&self) -> bool {
        self.state.process(self.pid).robbed
    }

    /// Whether another process has a byte of the file.
    fn is_locked(&self, byte: Byte) -> bool {
        let holder = self.state.kernel.holder(self.file(), byte);
        holder.is_some_and(|holder| holder != self.pid)
    }

    fn blame(&mut self, guilty: bool, foul: Foul) {
        if guilty {
            self.state.foul = Some(foul);
        }
    }

    fn if_or_outside(&mut self, go_on: bool, then: impl FnOnce(&mut Self) -> Stage) -> Stage {
        if go_on { then(self) } else { Stage::Outside }
    }

    fn wait_for_guard(
        &mut self,
        step: Step,
        protection: Protection,
        then: Stage,
        tired: Stage,
    ) -> Option<Stage> {
        let inode = self.file();
        let taken =
            self.omits(protection) || self.state.kernel.try_lock(self.pid, inode, Byte::Guard);
        match step {
            Step::Guarded if taken => Some(then),
            Step::Tired if !taken => Some(tired),
            _ => None,
        }
    }

    fn enter(&mut self, step: Step) -> Option<Stage> {
        let kernel = &mut self.state.kernel;
        let (file, stage) = match step {
            Step::Opened => (kernel.open(self.pid)?, Stage::Opened),
            _ => (kernel.create(self.pid)?, Stage::Claiming),
        };
        self.state.process_mut(self.pid).file = Some(file);
        Some(stage)
    }

    /// The newcomer's side of a lock that somebody holds.
    fn judge(&mut self, step: Step) -> Option<Stage> {
        let file = self.file();
        let held = self.is_locked(Byte::Alive);
        let kernel = &mut self.state.kernel;
        let record = kernel.record(file);
        match step {
            Step::FoundFree if !held => Some(Stage::Claiming),
            Step::Judged if held => {
                kernel.read(self.pid, file);
                Some(Stage::Judged)
            }
            // Whether it is stale is for time to say: a starved pulse leaves its record old however hard the job works.
            Step::Asked => {
                kernel.try_lock(self.pid, file, Byte::Question);
                Some(Stage::Asked)
            }
            Step::Yielded if record != Record::Blank => Some(Stage::Outside),
            Step::Watched if !(held && self.is_at_path()) => Some(Stage::Outside),
            Step::Watched => self.watch(record),
            Step::Unanswered if held && self.is_at_path() && self.knows_record() => {
                let asker = self.state.kernel.holder(file, Byte::Question);
                if self.omits(Protection::Bystander) && asker != Some(self.pid) {
                    return None;
                }
                match record {
                    Record::Blank => Some(Stage::Outside),
                    _ => Some(Stage::Accusing),
                }
            }
            _ => None,
        }
    }

    fn watch(&mut self, record: Record) -> Option<Stage> {
        let file = self.file();
        let asker = self.state.kernel.holder(file, Byte::Question);
        if self.knows_record() {
            // Nothing new; without the rule a bystander waits until nobody asks.
            let may_ask = self.omits(Protection::Bystander) && asker.is_none();
            return may_ask.then_some(Stage::Outside);
        }
        if record == Record::Closing && asker == Some(self.pid) {
            self.state.kernel.read(self.pid, file);
            return Some(Stage::Asked);
        }
        // An answer: it yields. Or another owner, whom it has not asked: it starts again.
        Some(Stage::Outside)
    }

    fn hold(&mut self) -> Stage {
        let file = self.file();
        self.state.kernel.try_lock(self.pid, file, Byte::Alive);
        Stage::Held
    }

    fn write(&mut self, inode: Inode, record: Record) {
        let holder = self.state.kernel.holder(inode, Byte::Alive);
        self.blame(holder != Some(self.pid), Foul::Wrote);
        self.state.kernel.write(inode, record);
    }

    /// Writes the record, and drops the guard.
    fn write_first_record(&mut self, woken: bool) -> Stage {
        let file = self.file();
        let guilty = !self.is_at_path() && !self.is_robbed();
        self.blame(guilty, Foul::TookAnother);
        let inherited = self.state.kernel.record(file) == Record::Probation;
        let phase = if inherited && !self.omits(Protection::InheritedProbation) {
            Phase::Probation(Verdict::Pending)
        } else if woken {
            Phase::Woken(Verdict::Pending)
        } else {
            Phase::Working
        };
        self.write(file, phase.record());
        self.state.kernel.unlock(self.pid, file, Byte::Guard);
        Stage::Written(phase)
    }

    fn prepare_fence(&mut self) -> Stage {
        let kernel = &mut self.state.kernel;
        let new = kernel.create_aside(self.pid);
        kernel.try_lock(self.pid, new, Byte::Alive);
        self.state.process_mut(self.pid).other = Some(new);
        self.write(new, Record::Probation);
        Stage::Fencing
    }

    fn fence(&mut self) -> Stage {
        if !self.is_at_path() {
            // Deleted in mid-fence, and somebody came: then they are in the gap of that deletion too.
            self.blame(!self.is_robbed(), Foul::Replaced);
            self.state.delete();
        }
        let new = self.other();
        self.state.kernel.lead_path(Some(new));
        self.move_to_other();
        for pid in Pid::ALL {
            let process = self.state.process_mut(pid);
            process.owes_look |= pid != self.pid && !process.frozen && process.is_entitled();
        }
        if self.omits(Protection::Probation) {
            Stage::Holding(Phase::Working)
        } else {
            Stage::Holding(Phase::Probation(Verdict::Pending))
        }
    }

    /// Closes the old file for the new one.
    fn move_to_other(&mut self) {
        let old = self.file();
        self.state.kernel.close(self.pid, old);
        let process = self.state.process_mut(self.pid);
        process.file = process.other.take();
        process.robbed = false;
    }

    /// What the pulse does, and the end of the job.
    fn beat(&mut self, step: Step, phase: Phase) -> Option<Stage> {
        let asked = self.is_locked(Byte::Question);
        match (step, phase) {
            (Step::Checked | Step::Recreated, _) => self.check(step, phase),
            (Step::Heartbeat, _) if !asked => self.show_life(phase),
            (Step::Answered, _) if asked => self.show_life(phase),
            (Step::Closing, _) if asked => {
                self.write(self.file(), Record::Closing);
                Some(Stage::Holding(Phase::Closing(Verdict::Pending)))
            }
            (Step::Revived, Phase::Closing(Verdict::Ours)) if !asked => {
                self.write(self.file(), Record::Working);
                Some(Stage::Holding(Phase::Working))
            }
            (Step::GaveWay, _) if self.omits(Protection::GateFirst) => Some(Stage::Late),
            (Step::GaveWay, _) => Some(Stage::Leaving),
            (Step::Reopened, Phase::Woken(Verdict::Ours)) => Some(Stage::Holding(Phase::Working)),
            (Step::Probation, Phase::Probation(Verdict::Ours)) => {
                let over = self.state.processes.iter().all(|other| !other.owes_look);
                self.write(self.file(), Record::Working);
                over.then_some(Stage::Holding(Phase::Working))
            }
            (Step::Releasing, _) => Some(Stage::Releasing),
            _ => None,
        }
    }

    fn check(&mut self, step: Step, phase: Phase) -> Option<Stage> {
        if self.state.kernel.path().is_none() {
            if step == Step::Checked {
                return None;
            }
            self.state.process_mut(self.pid).other = self.state.kernel.create(self.pid);
            return Some(Stage::Recreated(phase, Recreation::Created));
        }
        match step {
            Step::Checked if self.is_at_path() => Some(self.keep(phase)),
            Step::Checked => Some(Stage::Leaving),
            _ => None,
        }
    }

    /// The path leads to our file.
    fn keep(&mut self, phase: Phase) -> Stage {
        let process = self.state.process_mut(self.pid);
        process.owes_look = false;
        process.robbed = false;
        Stage::Holding(phase.looked())
    }

    /// Writes a record that is new to whoever has read the last one.
    fn show_life(&mut self, phase: Phase) -> Option<Stage> {
        let file = self.file();
        if self.state.kernel.known_to(file).is_empty() {
            return None;
        }
        self.write(file, phase.record());
        Some(Stage::Holding(phase))
    }

    fn recreate(&mut self, step: Step, phase: Phase, recreation: Recreation) -> Option<Stage> {
        let (pid, new) = (self.pid, self.other());
        let lost = |actor: &mut Self| {
            actor.state.process_mut(pid).other = None;
            actor.state.kernel.close(pid, new);
            Some(Stage::Leaving)
        };
        match (step, recreation) {
            (Step::Guarded | Step::Tired, Recreation::Created) => {
                let taken = self.omits(Protection::GuardClaim)
                    || self.state.kernel.try_lock(pid, new, Byte::Guard);
                match step {
                    Step::Guarded if taken => Some(Stage::Recreated(phase, Recreation::Guarded)),
                    Step::Tired if !taken => lost(self),
                    _ => None,
                }
            }
            (Step::Held, Recreation::Guarded) => {
                let taken = self.state.kernel.try_lock(pid, new, Byte::Alive);
                if !(taken && self.state.kernel.path() == Some(new)) {
                    return lost(self);
                }
                if self.omits(Protection::RecordUnderGuard) {
                    self.state.kernel.unlock(pid, new, Byte::Guard);
                    return Some(Stage::Recreated(phase, Recreation::Blank));
                }
                Some(self.settle(phase))
            }
            (Step::Written, Recreation::Blank) => Some(self.settle(phase)),
            _ => None,
        }
    }

    /// The new file is the lock file.
    fn settle(&mut self, phase: Phase) -> Stage {
        let new = self.other();
        self.write(new, phase.record());
        self.state.kernel.unlock(self.pid, new, Byte::Guard);
        self.move_to_other();
        self.keep(phase)
    }

    fn unlink(&mut self) -> Stage {
        let kernel = &self.state.kernel;
        let others = kernel.path().is_some() && !self.is_at_path();
        let excused = self.is_robbed();
        self.blame(others && !excused, Foul::Unlinked);
        self.state.delete();
        Stage::Unlinked
    }

    fn let_go(&mut self) -> Stage {
        if self.omits(Protection::GateFirst) {
            Stage::Late
        } else {
            Stage::Outside
        }
    }
}

impl State {
    /// Removes what lies at the path, whoever has it.
    pub(crate) fn delete(&mut self) {
        if let Some(inode) = self.kernel.path() {
            let hands = [Byte::Alive, Byte::Guard].map(|byte| self.kernel.holder(inode, byte));
            for pid in Pid::ALL {
                let process = self.process_mut(pid);
                // Whoever was fenced: nobody waits for its look any more.
                process.robbed |= hands.contains(&Some(pid)) || process.owes_look;
            }
            self.kernel.lead_path(None);
        }
    }

    pub(crate) fn crash(&mut self, pid: Pid) {
        let process = std::mem::take(self.process_mut(pid));
        for inode in [process.file, process.other].into_iter().flatten() {
            self.kernel.close(pid, inode);
        }
    }

    pub(crate) fn freeze(&mut self, pid: Pid) {
        let process = self.process_mut(pid);
        process.frozen = true;
        // Probation is for those who are awake.
        process.owes_look = false;
    }

    /// SIGCONT: its handler holds the job before anything else of the process runs.
    pub(crate) fn wake(&mut self, pid: Pid, omitted: Option<Protection>) {
        let process = self.process_mut(pid);
        process.frozen = false;
        let early = omitted != Some(Protection::HoldFromAcquisition);
        if omitted == Some(Protection::HoldOnWake) {
            return;
        }
        let held = |phase| match phase {
            Phase::Woken(_) | Phase::Probation(_) | Phase::Closing(_)
                if omitted == Some(Protection::FreshVerdict) =>
            {
                phase
            }
            _ => phase.woken(),
        };
        process.stage = match process.stage {
            Stage::Compared { .. } if early => Stage::Compared { woken: true },
            Stage::Written(phase) if early => Stage::Written(held(phase)),
            Stage::Holding(phase) => Stage::Holding(held(phase)),
            Stage::Recreated(phase, recreation) => Stage::Recreated(held(phase), recreation),
            other => other,
        };
    }
}

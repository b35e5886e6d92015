//! What each step does, and when it can be taken.

use crate::{
    kernel::{Byte, Inode, Pid, Record},
    process::{Phase, Stage, Verdict},
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
        let next = match (self.state.process(self.pid).stage, step) {
            (Stage::Outside, _) => self.enter(step)?,
            (Stage::Opened, Step::Asked) => self.ask()?,
            (Stage::Opened, Step::Compared) => self.claim()?,
            (Stage::Asked, Step::Watched) => self.watch()?,
            (Stage::Asked, Step::Fencing) => self.prepare_fence()?,
            (Stage::Opened | Stage::Asked | Stage::Releasing, Step::Tired) => {
                self.is_stuck().then_some(Stage::Outside)?
            }
            (Stage::Compared { woken }, _) => self.write_first_record(woken),
            (Stage::Written(phase), _) => Stage::Holding(phase),
            (Stage::Fencing, _) => self.fence(),
            (Stage::Holding(phase), _) => self.beat(step, phase)?,
            (Stage::Recreated(phase), Step::PutBack) => self.put_back(phase)?,
            (Stage::Recreated(_), Step::Tired) => {
                let guard = self.state.kernel.holder(self.other(), Byte::Guard);
                guard.is_some().then_some(Stage::Leaving)?
            }
            (Stage::Unwritten(phase), _) => self.settle(phase),
            (Stage::Leaving, Step::Releasing) => Stage::Releasing,
            (Stage::Releasing, Step::Unlinking) => self.prepare_unlink()?,
            (Stage::Unlinking, _) => self.unlink(),
            (Stage::Leaving | Stage::Late, Step::Left) => Stage::Outside,
            _ => return None,
        };
        self.reach(next);
        Some(())
    }

    /// Is at this stage now, with no more than it needs there.
    fn reach(&mut self, stage: Stage) {
        let process = self.state.process_mut(self.pid);
        process.stage = stage;
        let (file, other) = match stage {
            Stage::Outside | Stage::Late => (process.file.take(), process.other.take()),
            Stage::Leaving => (None, process.other.take()),
            _ => (None, None),
        };
        for inode in [file, other].into_iter().flatten() {
            self.state.kernel.close(self.pid, inode);
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

    /// Whether the byte of the file is ours now.
    fn lock(&mut self, byte: Byte) -> bool {
        let inode = self.file();
        self.state.kernel.try_lock(self.pid, inode, byte)
    }

    /// Whether the guard of the file is ours now.
    fn guard(&mut self, protection: Protection) -> bool {
        self.omits(protection) || self.lock(Byte::Guard)
    }

    /// Whether the guard is taken, or the holder's record cannot be read.
    fn is_stuck(&self) -> bool {
        let blank = self.state.kernel.record(self.file()) == Record::Blank;
        self.is_locked(Byte::Guard) || blank && self.is_locked(Byte::Alive)
    }

    fn enter(&mut self, step: Step) -> Option<Stage> {
        let kernel = &mut self.state.kernel;
        let file = match step {
            Step::Opened => kernel.open(self.pid)?,
            _ => kernel.create(self.pid)?,
        };
        self.state.process_mut(self.pid).file = Some(file);
        Some(Stage::Opened)
    }

    fn ask(&mut self) -> Option<Stage> {
        let file = self.file();
        if !self.is_locked(Byte::Alive) {
            return None;
        }
        self.state.kernel.read(self.pid, file);
        self.lock(Byte::Question);
        Some(Stage::Asked)
    }

    fn is_asking(&self) -> bool {
        self.state.kernel.holder(self.file(), Byte::Question) == Some(self.pid)
    }

    fn watch(&mut self) -> Option<Stage> {
        let file = self.file();
        if !(self.is_locked(Byte::Alive) && self.is_at_path()) {
            return Some(Stage::Outside);
        }
        if self.knows_record() {
            // Nothing new. Without the rule a bystander waits until nobody asks.
            let waited = self.omits(Protection::Bystander)
                && !self.is_asking()
                && !self.is_locked(Byte::Question);
            return waited.then_some(Stage::Outside);
        }
        if self.is_asking() && self.state.kernel.record(file) == Record::Closing {
            self.state.kernel.read(self.pid, file);
            return Some(Stage::Asked);
        }
        // An answer: it yields. Or another owner, whom it has not asked: it starts again.
        Some(Stage::Outside)
    }

    fn claim(&mut self) -> Option<Stage> {
        if !self.guard(Protection::GuardClaim) {
            return None;
        }
        let ours = self.lock(Byte::Alive) && (self.is_at_path() || self.omits(Protection::Compare));
        Some(if ours {
            Stage::Compared { woken: false }
        } else {
            Stage::Outside
        })
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
        if self.omits(Protection::HoldFromAcquisition) {
            Stage::Written(phase)
        } else {
            Stage::Holding(phase)
        }
    }

    fn prepare_fence(&mut self) -> Option<Stage> {
        let readable = self.state.kernel.record(self.file()) != Record::Blank;
        let unchanged = self.knows_record() && self.is_at_path();
        let may = self.is_asking() || !self.omits(Protection::Bystander);
        if !(readable && unchanged && may && self.guard(Protection::GuardFence)) {
            return None;
        }
        let kernel = &mut self.state.kernel;
        let new = kernel.create_aside(self.pid);
        kernel.try_lock(self.pid, new, Byte::Alive);
        self.state.process_mut(self.pid).other = Some(new);
        self.write(new, Record::Probation);
        Some(Stage::Fencing)
    }

    fn fence(&mut self) -> Stage {
        self.clear_path(Foul::Replaced);
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

    /// Removes what lies at the path, be it our file or not.
    fn clear_path(&mut self, foul: Foul) {
        let others = self.state.kernel.path().is_some() && !self.is_at_path();
        if others && self.is_robbed() {
            // Ours was deleted after the comparison, and somebody came: then they are in the gap of that deletion too.
            self.state.delete();
        }
        self.blame(others && !self.is_robbed(), foul);
        self.state.kernel.lead_path(None);
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
                if self.state.processes.iter().any(|other| other.owes_look) {
                    return None;
                }
                self.write(self.file(), Record::Working);
                Some(Stage::Holding(Phase::Working))
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
            return Some(Stage::Recreated(phase.awaiting_look()));
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

    fn put_back(&mut self, phase: Phase) -> Option<Stage> {
        let (pid, new) = (self.pid, self.other());
        let omits_guard = self.omits(Protection::GuardClaim);
        let kernel = &mut self.state.kernel;
        if !(omits_guard || kernel.try_lock(pid, new, Byte::Guard)) {
            return None;
        }
        if !(kernel.try_lock(pid, new, Byte::Alive) && kernel.path() == Some(new)) {
            return Some(Stage::Leaving);
        }
        if self.omits(Protection::RecordUnderGuard) {
            self.state.kernel.unlock(pid, new, Byte::Guard);
            return Some(Stage::Unwritten(phase));
        }
        Some(self.settle(phase))
    }

    /// The new file is the lock file.
    fn settle(&mut self, phase: Phase) -> Stage {
        let new = self.other();
        self.write(new, phase.record());
        self.state.kernel.unlock(self.pid, new, Byte::Guard);
        self.move_to_other();
        self.keep(phase)
    }

    fn prepare_unlink(&mut self) -> Option<Stage> {
        if !self.guard(Protection::GuardUnlink) {
            return None;
        }
        Some(if self.is_at_path() {
            Stage::Unlinking
        } else {
            Stage::Outside
        })
    }

    fn unlink(&mut self) -> Stage {
        self.clear_path(Foul::Unlinked);
        if self.omits(Protection::GateFirst) {
            Stage::Late
        } else {
            Stage::Outside
        }
    }
}

//! What happens to processes and files from outside.

use crate::{
    kernel::{Byte, Pid},
    process::{Phase, Stage, Verdict},
    state::State,
    step::Protection,
};

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

    /// Kills a process; another one comes for it.
    pub(crate) fn crash(&mut self, pid: Pid) {
        let process = std::mem::take(self.process_mut(pid));
        for inode in [process.file, process.other].into_iter().flatten() {
            self.kernel.close(pid, inode);
        }
    }

    /// Stops a process until it is woken by SIGCONT, whose handler holds the job before anything else of the process runs.
    ///
    /// What that handler will do is done here already: nobody can tell, and the states are half as many.
    pub(crate) fn freeze(&mut self, pid: Pid, omitted: Option<Protection>) {
        let process = self.process_mut(pid);
        process.frozen = true;
        // Probation is for those who are awake.
        process.owes_look = false;
        let held = |phase: Phase| match (phase, omitted) {
            (_, Some(Protection::HoldOnWake)) => phase,
            (Phase::Working, _) => Phase::Woken(Verdict::Pending),
            (_, Some(Protection::FreshVerdict)) => phase,
            _ => phase.awaiting_look(),
        };
        let late = omitted == Some(Protection::HoldFromAcquisition);
        process.stage = match process.stage {
            Stage::Compared { .. } if !late => Stage::Compared {
                woken: held(Phase::Working) != Phase::Working,
            },
            Stage::Holding(phase) => Stage::Holding(held(phase)),
            Stage::Recreated(phase) => Stage::Recreated(held(phase)),
            Stage::Unwritten(phase) => Stage::Unwritten(held(phase)),
            other => other,
        };
    }
}

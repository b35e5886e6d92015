//! All processes and what they share.

use std::hash::{Hash, Hasher};

use crate::{
    kernel::{Byte, Kernel, Numbering, Pid, RENAMINGS, Renaming},
    process::{Process, Stage},
};

/// What nobody may ever do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Foul {
    /// Wrote a record into a file that another has.
    Wrote,
    /// Removed a file that was not its own.
    Unlinked,
    /// Replaced a file that was not the one under its guard.
    Replaced,
    /// Took a file that the path did not lead to.
    TookAnother,
}

/// One state. Two that differ only in the names of processes and files are the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) kernel: Kernel,
    pub(crate) processes: [Process; Pid::ALL.len()],
    pub(crate) foul: Option<Foul>,
}

impl State {
    pub(crate) fn process(&self, pid: Pid) -> &Process {
        &self.processes[pid.index()]
    }

    pub(crate) fn process_mut(&mut self, pid: Pid) -> &mut Process {
        &mut self.processes[pid.index()]
    }

    /// Who is frozen with the guard of the file at the path.
    pub(crate) fn frozen_in_guard(&self) -> bool {
        self.kernel
            .path()
            .and_then(|inode| self.kernel.holder(inode, Byte::Guard))
            .is_some_and(|pid| self.process(pid).frozen)
    }

    fn renamed(&self, renaming: Renaming) -> Named {
        let mut processes = [Process::default(); Pid::ALL.len()];
        for pid in Pid::ALL {
            processes[renaming[pid.index()].index()] = *self.process(pid);
        }
        let mut order = Numbering::default();
        order.number(self.kernel.path());
        for process in &processes {
            order.number(process.file);
            order.number(process.other);
        }
        for process in &mut processes {
            process.file = process.file.map(|inode| order.of(inode));
            process.other = process.other.map(|inode| order.of(inode));
        }
        Named {
            processes,
            foul: self.foul,
            kernel: self.kernel.renamed(renaming, &order),
        }
    }

    /// The same for all states that differ only in names.
    fn representative(&self) -> Named {
        let sorted = |renaming: &&Renaming| {
            let mut stages = [(Stage::Outside, false); Pid::ALL.len()];
            for pid in Pid::ALL {
                let process = self.process(pid);
                stages[renaming[pid.index()].index()] = (process.stage, process.frozen);
            }
            stages.is_sorted()
        };
        RENAMINGS
            .iter()
            .filter(sorted)
            .map(|renaming| self.renamed(*renaming))
            .min()
            .expect("there is an order in which they are sorted")
    }
}

/// A state whose names count.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Named {
    processes: [Process; Pid::ALL.len()],
    foul: Option<Foul>,
    kernel: Kernel,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.representative() == other.representative()
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.representative().hash(hasher);
    }
}

//! One process: how far it is in the protocol.

use crate::kernel::{Inode, Record};

/// How far a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    /// Not started, or about to try again. Whoever has ended is a new process here.
    #[default]
    Outside,
    /// Has the file open, or has created it.
    Opened,
    /// Has guard and byte 0 of the file, and has compared it with the path.
    Compared { woken: bool },
    /// Without the protection: owns the lock, and the gate knows nothing of waking yet.
    Written(Phase),
    /// Watches the holder's record, with byte 2 or beside somebody who has it.
    Asked,
    /// Has the guard of the holder's file; a new one lies aside, locked and written.
    Fencing,
    /// Owns the lock.
    Holding(Phase),
    /// Has created the deleted file anew, as `Process::other`.
    Recreated(Phase),
    /// Without the protection: has locked it, dropped the guard, and written nothing yet.
    Unwritten(Phase),
    /// The gate is shut for good, the job has not left yet.
    Leaving,
    /// The gate is shut for good, the job is done.
    Releasing,
    /// Has the guard, and has found the path to lead to its file.
    Unlinking,
    /// Without the protection: the lock is free, and the gate still open.
    Late,
}

/// A holder's gate, and why it stands so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// Open.
    Working,
    /// Held since the process was woken.
    Woken(Verdict),
    /// Held since this process, or the one that had the file before, has fenced the lock.
    Probation(Verdict),
    /// Held since the holder was found hung, as the record says.
    Closing(Verdict),
}

/// Whether the pulse has looked at the path since the gate was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Pending,
    /// It led to our file.
    Ours,
}

impl Phase {
    /// What the record says meanwhile.
    pub(crate) fn record(self) -> Record {
        match self {
            Self::Working | Self::Woken(_) => Record::Working,
            Self::Probation(_) => Record::Probation,
            Self::Closing(_) => Record::Closing,
        }
    }

    /// Whatever was seen before counts for nothing now.
    pub(crate) fn awaiting_look(self) -> Self {
        self.with(Verdict::Pending)
    }

    /// After a look at the path.
    pub(crate) fn looked(self) -> Self {
        self.with(Verdict::Ours)
    }

    fn with(self, verdict: Verdict) -> Self {
        match self {
            Self::Working => Self::Working,
            Self::Woken(_) => Self::Woken(verdict),
            Self::Probation(_) => Self::Probation(verdict),
            Self::Closing(_) => Self::Closing(verdict),
        }
    }
}

/// One process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Process {
    pub(crate) stage: Stage,
    /// Takes no step until woken.
    pub(crate) frozen: bool,
    /// The lock file that it has open.
    pub(crate) file: Option<Inode>,
    /// The one that shall become the lock file.
    pub(crate) other: Option<Inode>,
    /// Has not looked at the path since somebody fenced the lock, and was awake all the while.
    pub(crate) owes_look: bool,
    /// Somebody deleted its file, and it has not looked at the path since: the documented gap.
    pub(crate) robbed: bool,
}

impl Process {
    /// Whether it can pass a checkpoint now.
    pub(crate) fn works(&self) -> bool {
        let open = matches!(
            self.stage,
            Stage::Holding(Phase::Working) | Stage::Recreated(Phase::Working) | Stage::Late
        );
        open && !self.frozen
    }

    /// Whether it can come to work, or does, without comparing its file with the path before.
    pub(crate) fn is_entitled(&self) -> bool {
        matches!(
            self.stage,
            Stage::Compared { .. }
                | Stage::Written(_)
                | Stage::Holding(_)
                | Stage::Recreated(_)
                | Stage::Unwritten(_)
        )
    }
}

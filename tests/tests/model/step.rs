//! What can happen.

use crate::{
    kernel::Pid,
    process::{Phase, Stage},
};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A process goes on.
    Takes(Pid, Step),
    /// A process is stopped (SIGSTOP, a freezer), with a lock in its hands: without one nobody could tell it from a slow one.
    Freezes(Pid),
    /// It is continued by SIGCONT.
    Wakes(Pid),
    /// It is killed, and another one comes for it.
    Crashes(Pid),
    /// Somebody who knows nothing of locks deletes the file.
    Deleted,
}

/// A step of the protocol, by the name of the last seam of the code that it reaches, if there is one.
///
/// What nobody else can tell apart is one step. Where it stands for more than its name it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Opened,
    Created,
    /// Guarded, held and compared. Byte 0 need not have been looked at before: whoever finds it taken comes again.
    Compared,
    Written,
    /// Without the protection: the pulse starts, and with it the handler of SIGCONT.
    Started,
    /// Judged and asked: somebody has byte 0, and its record is old. Whether it is old is for time to say: a starved pulse leaves it
    /// so however hard the job works. (Finding it fresh is ending here, as a crash is.)
    Asked,
    /// Sees something new: an answer, the acknowledgement, another file, or nobody.
    Watched,
    /// Saw nothing new for too long: guarded, record and path still the same, the new file prepared.
    Fencing,
    /// Renamed over the path, the old file closed.
    Fenced,
    /// Probation is over: everybody who was awake has looked at the path. Begins to work.
    Probation,
    /// Waited for too long: for the guard, or for a record that can be read.
    Tired,
    /// Checked: the path leads to our file, or to another one and the lock is lost.
    Checked,
    /// Checked, no file there, created anew.
    Recreated,
    /// The new file was guarded, held, compared and written, and the old one closed; or somebody was quicker, and the lock is lost.
    PutBack,
    Heartbeat,
    Answered,
    /// The gate is held, then the record says so.
    Closing,
    /// The job left at a checkpoint or the grace is over, and the gate is shut for good.
    GaveWay,
    /// The job reached a checkpoint, and nobody asks any more: the record says so, the gate opens.
    Revived,
    /// The path was looked at since the process was woken: the gate opens.
    Reopened,
    /// The job is done, the gate is shut.
    Releasing,
    /// Guarded, and the path leads to our file; or to another, which is left alone.
    Unlinking,
    /// Unlinked and closed.
    Unlinked,
    /// Closed.
    Left,
}

impl Stage {
    /// The steps that may follow, in the order in which somebody who wants the lock to work tries them.
    pub(crate) fn steps(self) -> &'static [Step] {
        use Step::{
            Answered, Asked, Checked, Closing, Compared, Created, Fenced, Fencing, GaveWay,
            Heartbeat, Left, Opened, Probation, PutBack, Recreated, Releasing, Reopened, Revived,
            Started, Tired, Unlinked, Unlinking, Watched, Written,
        };
        match self {
            Self::Outside => &[Opened, Created],
            Self::Opened => &[Asked, Compared, Tired],
            Self::Compared { .. } => &[Written],
            Self::Written(_) => &[Started],
            Self::Asked => &[Watched, Fencing, Tired],
            Self::Fencing => &[Fenced],
            Self::Holding(phase) => match phase {
                Phase::Working => &[Checked, Recreated, Heartbeat, Answered, Closing, Releasing],
                Phase::Woken(_) => &[
                    Reopened, Checked, Recreated, Heartbeat, Answered, Closing, Releasing,
                ],
                Phase::Probation(_) => &[Probation, Checked, Recreated, Heartbeat, Answered],
                Phase::Closing(_) => &[Revived, GaveWay, Checked, Recreated, Releasing],
            },
            Self::Recreated(_) => &[PutBack, Tired],
            Self::Unwritten(_) => &[PutBack],
            Self::Leaving => &[Left, Releasing],
            Self::Releasing => &[Unlinking, Tired],
            Self::Unlinking => &[Unlinked],
            Self::Late => &[Left],
        }
    }
}

/// A protection that a variant of the model leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Comparing the open file with the path before it is ours.
    Compare,
    /// The guard while taking a lock.
    GuardClaim,
    /// The guard while fencing one.
    GuardFence,
    /// The guard while unlinking.
    GuardUnlink,
    /// Probation after a fence.
    Probation,
    /// Probation for whoever takes the file of a process that died in its own.
    InheritedProbation,
    /// Holding the job of a process that was woken.
    HoldOnWake,
    /// Doing that before the lock is ours, not only from the start of the job.
    HoldFromAcquisition,
    /// Forgetting a look at the path that was before the waking.
    FreshVerdict,
    /// Shutting the gate before the lock is free.
    GateFirst,
    /// Going on without byte 2.
    Bystander,
    /// Writing the record of a file that was put back under its guard.
    RecordUnderGuard,
}

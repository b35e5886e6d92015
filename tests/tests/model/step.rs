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

/// A step of the protocol. Those that the code names too have its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Opened,
    Created,
    /// Nobody has byte 0.
    FoundFree,
    /// Somebody has; reads the record.
    Judged,
    /// The record is fresh, or cannot be read for too long: the newcomer yields, and comes again.
    Yielded,
    Asked,
    /// Sees something new: an answer, the acknowledgement, another file, or nobody.
    Watched,
    /// Saw nothing new for too long.
    Unanswered,
    Guarded,
    /// Waited for the guard for too long.
    Tired,
    Held,
    Compared,
    Written,
    Started,
    Fencing,
    Fenced,
    /// Probation is over: everybody who was awake has looked at the path.
    Probation,
    Heartbeat,
    Answered,
    Closing,
    GaveWay,
    Revived,
    Checked,
    Recreated,
    Reopened,
    Releasing,
    Unlinking,
    Unlinked,
    /// Has let go of the file.
    Left,
}

impl Stage {
    /// The steps that may follow, in the order in which somebody who wants the lock to work tries them.
    pub(crate) fn steps(self) -> &'static [Step] {
        use Step::{
            Answered, Asked, Checked, Closing, Compared, Created, Fenced, Fencing, FoundFree,
            GaveWay, Guarded, Heartbeat, Held, Judged, Left, Opened, Probation, Recreated,
            Releasing, Reopened, Revived, Started, Tired, Unanswered, Unlinked, Unlinking, Watched,
            Written, Yielded,
        };
        match self {
            Self::Outside => &[Opened, Created],
            Self::Opened => &[FoundFree, Judged],
            Self::Claiming | Self::Accusing | Self::Releasing => &[Guarded, Tired],
            Self::Guarded => &[Held],
            Self::Held => &[Compared],
            Self::Compared { .. } => &[Written],
            Self::Written(_) => &[Started],
            Self::Judged => &[Asked, Yielded],
            Self::Asked => &[Watched, Unanswered],
            Self::Accused => &[Fencing],
            Self::Fencing => &[Fenced],
            Self::Holding(phase) => match phase {
                Phase::Working => &[Checked, Recreated, Heartbeat, Answered, Closing, Releasing],
                Phase::Woken(_) => &[
                    Reopened, Checked, Recreated, Heartbeat, Answered, Closing, Releasing,
                ],
                Phase::Probation(_) => &[Probation, Checked, Recreated, Heartbeat, Answered],
                Phase::Closing(_) => &[Revived, GaveWay, Checked, Recreated, Releasing],
            },
            Self::Recreated(..) => &[Guarded, Tired, Held, Written],
            Self::Leaving => &[Left, Releasing],
            Self::Releaser => &[Unlinking],
            Self::Unlinking => &[Unlinked],
            Self::Unlinked | Self::Late => &[Left],
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

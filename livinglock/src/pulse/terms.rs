//! On which terms a lock is held.

use std::time::Duration;

/// What the lock is for, which decides how a job that reaches no checkpoint is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The job is the process: it ends with it.
    Main,
    /// The job is a part of the process: it loses the lock and can pass no checkpoint any more.
    Function,
    /// The job is a command, which this child of the process has started and watches: it ends with the process.
    #[cfg(feature = "cli")]
    Runner { keeper: u32 },
}

impl Role {
    /// Whether the job and the process are one, as far as anybody outside can tell.
    pub(crate) fn is_the_process(self) -> bool {
        self != Self::Function
    }

    /// Whether the pulse begins when the job asks for it: it takes a thread, and most commands are short.
    pub(super) fn attends_later(self) -> bool {
        self.keeper().is_some()
    }

    /// The child that is a part of the process, and not of the job.
    pub(crate) fn keeper(self) -> Option<u32> {
        match self {
            Self::Main | Self::Function => None,
            #[cfg(feature = "cli")]
            Self::Runner { keeper } => Some(keeper),
        }
    }
}

/// How a job ended that did not release its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Because it was told to.
    Stopped,
    /// The same, and its process ends in this very place.
    WithProcess,
    Panicked,
}

/// On which terms a lock is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) role: Role,
    pub(crate) heartbeat: Duration,
    pub(crate) warn: Duration,
    pub(crate) at_most: Option<Duration>,
    pub(crate) graceful: bool,
}

//! What happens to a run, for whoever observes it.

use crate::{predecessor::Predecessor, record::Habit, stop::Stop};

/// What happens to a run.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "the features decide who listens, and to what")]
pub(crate) enum News {
    /// There is none: somebody else has the lock.
    Yielded,
    /// There is none: the lock cannot be had, for this reason.
    Failed(String),
    /// The job begins, and this run has held the lock before.
    Began(Option<Box<Predecessor>>),
    /// Checkpoints were passed.
    Progressed,
    /// Nothing was proven for longer than `stale`, and the lock is about to be taken from it.
    Hung,
    /// It was told to stop.
    Stopping(Stop),
    /// What was seen at the slowest checkpoints, up to the end of the run.
    Learned(Vec<Habit>),
    Ended(End),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself; a process with this exit status.
    Returned(Option<u8>),
    /// By itself, with an error: a function, which has no exit status.
    Failed,
    Panicked,
    Stopped(Stop),
    /// It reached no checkpoint in time after it was told to stop for this reason.
    GivenUp(Stop),
}

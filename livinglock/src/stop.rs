//! The request that a holder obeys at its next checkpoint.

use thiserror::Error;

use crate::exit_status;

/// Why a job has to stop at this checkpoint.
///
/// [`try_checkpoint!`](crate::try_checkpoint) returns it; [`checkpoint!`](crate::checkpoint) unwinds with it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The lock is not ours any more: another run owns it, or it was taken over after a silence longer than `stale`.
    #[error("the lock is lost; stop working and let its new owner run")]
    Lost,
    /// A new run with `replace`, or an operator by `livinglock stop`, asks for the lock.
    #[error("a new run or an operator asks for the lock; stop working and let go of it")]
    Replaced,
    /// The job has run for longer than `at_most`.
    #[error("the job has run for longer than `at_most`; stop working, the next run goes on")]
    AtMost,
    /// The process was sent this signal, and the job is `graceful`.
    #[error("the process was sent signal {0}; stop working and clean up")]
    Signal(u8),
    /// The batch has ended and released its lock while this thread still worked.
    #[error("the lock is released; join every thread before the batch ends")]
    Released,
}

impl Stop {
    /// The exit status of a batch that ends for this reason.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Lost | Self::Replaced | Self::Released => exit_status::LOST,
            Self::AtMost => exit_status::AT_MOST,
            Self::Signal(signal) => exit_status::SIGNAL.saturating_add(signal),
        }
    }
}

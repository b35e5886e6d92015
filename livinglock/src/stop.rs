//! The request that a holder obeys at its next checkpoint.

use std::{panic, thread};

use thiserror::Error;

/// Why a job has to stop at this checkpoint.
///
/// [`try_checkpoint!`](crate::try_checkpoint) returns it; [`checkpoint!`](crate::checkpoint) unwinds with it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The lock is not ours any more: another run owns it, or it was taken over after a silence longer than `stale`.
    #[error("the lock is lost; stop working and let its new owner run")]
    Lost,
    /// The batch has ended and released its lock while this thread still worked.
    #[error("the lock is released; join every thread before the batch ends")]
    Released,
}

impl Stop {
    /// The exit status of a batch that ends for this reason.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Lost | Self::Released => crate::exit_status::LOST,
        }
    }

    /// Leaves the job: unwinds without a panic message, so that destructors run, or ends the process where unwinding is not possible.
    pub(crate) fn unwind(self) {
        // A checkpoint in a destructor must not start a second unwinding: that would abort.
        if thread::panicking() {
            return;
        }
        if cfg!(panic = "abort") {
            std::process::exit(i32::from(self.exit_status()));
        }
        panic::resume_unwind(Box::new(self));
    }
}

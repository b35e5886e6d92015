//! How runs end, in the words of metrics and journals.

use serde::{Deserialize, Serialize};

use super::End;
use crate::{
    predecessor::{Fate, Predecessor},
    pulse::Role,
    record::Record,
    stop::Stop,
};

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It returned; a process with exit status 0.
    Succeeded,
    /// It returned with another exit status; a function with an error.
    Failed,
    Panicked,
    /// By a signal, by `at_most`, by a run with `replace`, by an operator; or its lock was lost while it worked.
    Stopped,
    /// It passed no checkpoint for longer than `stale`, and lost the lock.
    Hung,
    /// The same of one that could not even answer.
    Frozen,
    /// It ended without a word, as the next run has found.
    Crashed,
    /// It ended with its machine.
    Rebooted,
    /// Its lease in a store ran out, and more is not known.
    Lapsed,
    /// There was no run, because the lock could not be had.
    Refused,
    /// In the words of a later version.
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// Those of a run that has begun, as this version knows them.
    pub(crate) const OF_RUNS: [Self; 9] = [
        Self::Succeeded,
        Self::Failed,
        Self::Panicked,
        Self::Stopped,
        Self::Hung,
        Self::Frozen,
        Self::Crashed,
        Self::Rebooted,
        Self::Lapsed,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Stopped => "stopped",
            Self::Hung => "hung",
            Self::Frozen => "frozen",
            Self::Crashed => "crashed",
            Self::Rebooted => "rebooted",
            Self::Lapsed => "lapsed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// Of the run whose lock was taken over, as far as its record tells; `None` of one that was none of ours.
    pub(super) fn of_predecessor(before: &Predecessor) -> Option<(Self, &Record)> {
        let outcome = match before.fate() {
            Fate::Crashed => Self::Crashed,
            Fate::Hung => Self::Hung,
            Fate::Frozen => Self::Frozen,
            Fate::Rebooted => Self::Rebooted,
            Fate::Panicked => Self::Panicked,
            Fate::Stopped => Self::Stopped,
            Fate::Lapsed => Self::Lapsed,
            Fate::Foreign => return None,
        };
        Some((outcome, before.record()?))
    }
}

/// What an observer has to remember of a run, to say in the end how it went.
#[derive(Debug)]
pub(super) struct Course {
    /// Whether the run is a process, which has an exit status.
    has_status: bool,
    /// It was found hung, and has passed no checkpoint since.
    is_stalled: bool,
}

impl Course {
    pub(super) fn of(role: Role) -> Self {
        Self {
            has_status: role.is_the_process(),
            is_stalled: false,
        }
    }

    pub(super) fn stalls(&mut self) {
        self.is_stalled = true;
    }

    pub(super) fn progresses(&mut self) {
        self.is_stalled = false;
    }

    pub(super) fn outcome(&self, end: End) -> Outcome {
        match end {
            End::Returned(None | Some(0)) => Outcome::Succeeded,
            End::Returned(_) | End::Failed => Outcome::Failed,
            End::Panicked => Outcome::Panicked,
            End::Stopped(Stop::Lost) | End::GivenUp(Stop::Lost) if self.is_stalled => Outcome::Hung,
            End::Stopped(_) | End::GivenUp(_) => Outcome::Stopped,
        }
    }

    /// The exit status that its process has by that.
    pub(super) fn exit_status(&self, end: End) -> Option<u8> {
        /// As the standard library has it.
        const PANICKED: u8 = 101;
        self.has_status.then_some(())?;
        match end {
            End::Returned(status) => status,
            End::Failed => None,
            End::Panicked => Some(PANICKED),
            End::Stopped(stop) | End::GivenUp(stop) => Some(stop.exit_status()),
        }
    }
}

/// Whether the run leaves its record in the lock, from which the next run learns of its end.
pub(super) fn leaves_its_record(end: End) -> bool {
    !matches!(end, End::Returned(_) | End::Failed)
}

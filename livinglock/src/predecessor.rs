//! The run whose lock we took over.

use std::time::Duration;

use crate::{
    process::Identity,
    record::Autopsy,
    record::{Record, State},
};

/// The run that held the lock before and did not release it.
///
/// [`predecessor`](crate::predecessor) returns it, and [`Lock::predecessor`](crate::Lock::predecessor).
#[derive(Clone, Debug)]
pub struct Predecessor {
    record: Option<Record>,
    fate: Fate,
    how: Option<How>,
    waited: Option<Duration>,
}

/// What became of a run that did not release its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// Its process ended without releasing: it was killed, aborted, or left by `std::process::exit`.
    Crashed,
    /// It passed no checkpoint for longer than `stale`, was asked, and gave way.
    Hung,
    /// It was stopped or frozen, so that it could not even answer; it was ended, or its lock file replaced.
    Frozen,
    /// The machine went down, or was restarted, while it ran.
    Rebooted,
    /// It panicked.
    Panicked,
    /// It was stopped: by a signal, by `at_most`, or by a run with `replace`.
    Stopped,
    /// It left another library's record, such as the Go library's.
    Foreign,
    /// Its lease in a store ran out: it crashed, hung, or was cut off from the store, and nobody here can tell which.
    Lapsed,
}

/// How a lock came free while we tried to acquire it.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    /// Whose it was.
    pub(crate) owner: String,
    pub(crate) how: How,
    pub(crate) after: Duration,
    /// What the newcomer saw of it, of a holder that could not look at itself.
    pub(crate) autopsy: Option<Autopsy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Its holder was asked, and gave it up.
    GaveWay,
    /// Its holder did not answer, and was ended from outside.
    Ended,
    /// Its holder did not answer, and its file was replaced.
    Fenced,
    /// Its holder let the lease run out.
    Lapsed,
}

impl Predecessor {
    /// The run that has left this record in a store; `None` if the record says that it was released.
    #[must_use]
    pub fn left(record: Record) -> Option<Self> {
        (record.state != State::Kept).then(|| Self::new(Some(record), None))
    }

    /// The run that left this record, if it could be read, by a takeover of ours or before we came.
    pub(crate) fn new(mut record: Option<Record>, takeover: Option<Takeover>) -> Self {
        // Somebody else may have had the lock meanwhile, for an instant.
        let takeover = takeover.filter(|takeover| {
            record
                .as_ref()
                .is_none_or(|record| record.owner == takeover.owner)
        });
        let how = takeover.as_ref().map(|takeover| takeover.how);
        let waited = takeover.as_ref().map(|takeover| takeover.after);
        if let (Some(record), Some(seen)) = (&mut record, takeover.and_then(|it| it.autopsy)) {
            record.autopsy = Some(seen);
        }
        Self {
            fate: Fate::of(record.as_ref(), how),
            record,
            how,
            waited,
        }
    }

    /// The same run, whose lease ran out before we came, unless its record tells why it ended.
    pub(crate) fn lapsed(mut self) -> Self {
        if let (Fate::Crashed, None) = (self.fate, self.how) {
            (self.fate, self.how) = (Fate::Lapsed, Some(How::Lapsed));
        }
        self
    }

    /// The same run, which gave way when it was asked for the lock.
    pub(crate) fn gave_way(self, after: Duration) -> Self {
        let takeover = self.record.as_ref().map(|record| Takeover {
            owner: record.owner.clone(),
            how: How::GaveWay,
            after,
            autopsy: None,
        });
        Self::new(self.record, takeover)
    }

    /// What became of it.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        self.fate
    }

    /// Its record, unless that was damaged.
    ///
    /// The checkpoint in it is the last one that its pulse *wrote*, and the job may have done more than that. A run that hung,
    /// panicked or was stopped has written its very last one. Of one that was killed, or lost power, up to a `heartbeat` of work is
    /// missing: work that is resumed there must bear being done twice.
    #[must_use]
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Whether it may still be there, since only its lock file was replaced.
    pub(crate) const fn was_fenced(&self) -> bool {
        matches!(self.how, Some(How::Fenced))
    }

    /// How long we waited for it to end or to give way, if it did while we came.
    #[must_use]
    pub const fn waited(&self) -> Option<Duration> {
        self.waited
    }
}

impl Fate {
    #[cfg(feature = "cli")]
    /// What became of a run that left this record, as far as anybody can say who had no part in it.
    pub(crate) fn of_left(record: Option<&Record>) -> Self {
        Self::of(record, None)
    }

    fn of(record: Option<&Record>, how: Option<How>) -> Self {
        match (record, how) {
            (_, Some(How::Ended | How::Fenced)) => Self::Frozen,
            (_, Some(How::Lapsed)) => Self::Lapsed,
            (Some(record), _) if record.livinglock == 0 => Self::Foreign,
            (Some(record), how) => match record.state {
                State::Stopped | State::Stopping => Self::Stopped,
                State::Panicked => Self::Panicked,
                State::Closing => Self::Hung,
                State::Working | State::Probation | State::Kept if how.is_some() => Self::Hung,
                State::Working | State::Probation | State::Kept
                    if is_of_an_earlier_boot(record) =>
                {
                    Self::Rebooted
                }
                State::Working | State::Probation | State::Kept => Self::Crashed,
            },
            (None, Some(How::GaveWay)) => Self::Hung,
            (None, None) => Self::Crashed,
        }
    }
}

/// Of this machine, but before it was started last.
fn is_of_an_earlier_boot(record: &Record) -> bool {
    let own = Identity::own();
    record.host == own.host && record.boot_id != own.boot_id
}

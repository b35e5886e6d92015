//! What holds a lock, wherever it is.

use std::{path::Path, time::Duration};

use super::{Farewell, Lease, Standing, courier::Courier, file::FileLease};
#[cfg(feature = "testing")]
use crate::testing::SandboxedLease;
use crate::{error::Result, record::Record, sys};

/// What holds a lock: an open file, which answers at once, or a lease, which is tended by a thread of its own.
#[derive(Debug)]
pub(crate) enum Tenure {
    Here(FileLease),
    Elsewhere(Courier),
    #[cfg(feature = "testing")]
    Sandboxed(SandboxedLease),
}

impl Tenure {
    pub(crate) fn place(&self) -> &Path {
        match self {
            Self::Here(lease) => lease.path(),
            Self::Elsewhere(courier) => courier.place(),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.place(),
        }
    }

    /// Looks whether the lock is ours; `None` if that cannot be said now.
    pub(crate) fn look(&mut self, record: &Record) -> Option<Standing> {
        match self {
            Self::Here(lease) => lease.look(record).ok(),
            Self::Elsewhere(courier) => Some(courier.look(record)),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.look(record),
        }
    }

    /// The same after a sleep.
    pub(crate) fn look_after_a_sleep(&mut self, record: &Record) -> Option<Standing> {
        match self {
            Self::Here(lease) => lease.look_after_a_sleep(record).ok(),
            Self::Elsewhere(courier) => Some(courier.standing()),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.look(record),
        }
    }

    /// Writes the record, or has it written; whether there is nothing more to do about it.
    pub(crate) fn write(&mut self, record: &Record, progress: bool) -> bool {
        match self {
            // The pulse looks in every tick anyway.
            Self::Here(lease) => lease.write(record).is_ok(),
            Self::Elsewhere(courier) if progress => {
                courier.renew(record);
                true
            }
            Self::Elsewhere(courier) => {
                courier.note(record);
                true
            }
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.write(record, progress),
        }
    }

    /// Whether the lock is ours as far as can be said in an instant.
    pub(crate) fn is_held(&self) -> bool {
        match self {
            Self::Here(lease) => lease.is_held(),
            Self::Elsewhere(courier) => courier.standing() != Standing::Lost,
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.is_held(),
        }
    }

    pub(crate) fn end(self, farewell: Farewell<'_>) -> Result<()> {
        match self {
            Self::Here(lease) => Box::new(lease).end(farewell),
            Self::Elsewhere(courier) => courier.end(farewell),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.end(farewell),
        }
    }

    /// The same, for somebody whom others wait for: a store is told, but not listened to.
    pub(crate) fn end_in_passing(self, farewell: Farewell<'_>) {
        match self {
            // If it cannot be written, the lock is free all the same.
            Self::Here(lease) => drop(Box::new(lease).end(farewell)),
            Self::Elsewhere(courier) => drop(courier.begin_to_end(farewell)),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => drop(lease.end(farewell)),
        }
    }

    /// The lease that runs out, if it is one.
    pub(crate) fn courier(&self) -> Option<&Courier> {
        match self {
            Self::Here(_) => None,
            Self::Elsewhere(courier) => Some(courier),
            #[cfg(feature = "testing")]
            Self::Sandboxed(_) => None,
        }
    }

    /// How long before its end nobody may work under it any more, if it runs out.
    pub(crate) fn margin(&self) -> Option<Duration> {
        match self {
            Self::Here(_) => None,
            Self::Elsewhere(courier) => Some(courier.margin()),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.margin(),
        }
    }

    /// How long somebody may work still; `None`: as long as they like.
    pub(crate) fn left(&self) -> Option<Duration> {
        match self {
            Self::Here(_) => None,
            Self::Elsewhere(courier) => courier.left(),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.left(),
        }
    }

    /// The time by which its holder counts, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(crate) fn now_ns(&self) -> u64 {
        match self {
            Self::Here(_) | Self::Elsewhere(_) => sys::monotonic_ns(),
            #[cfg(feature = "testing")]
            Self::Sandboxed(lease) => lease.now_ns(),
        }
    }

    /// Who is told of the passes under it, in a test.
    #[cfg(feature = "testing")]
    pub(crate) fn watch(&self) -> Option<crate::testing::Watch> {
        match self {
            Self::Here(_) | Self::Elsewhere(_) => None,
            Self::Sandboxed(lease) => Some(lease.watch()),
        }
    }

    /// Whether anybody outside of a test can see it.
    pub(crate) fn is_real(&self) -> bool {
        match self {
            Self::Here(_) | Self::Elsewhere(_) => true,
            #[cfg(feature = "testing")]
            Self::Sandboxed(_) => false,
        }
    }
}

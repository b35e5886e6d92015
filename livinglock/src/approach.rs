//! The way to a lock: where it is, and how it is waited for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

#[cfg(feature = "testing")]
use crate::testing::SandboxedPlace;
use crate::{
    error::{Error, Result},
    pulse::Hold,
    store::{
        self, Claim, Courier, Store, Tenure, ToStore,
        file::{FileAcquired, FileStore},
    },
    sys,
};

/// Where a lock is to be had.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    File(&'a Path),
    Store(&'a dyn ToStore),
}

/// The same, without borrowing from anybody.
pub(crate) enum OwnPlace {
    File(PathBuf),
    Store(Arc<dyn Store>),
}

impl OwnPlace {
    pub(crate) fn as_place(&self) -> Place<'_> {
        match self {
            Self::File(path) => Place::File(path),
            Self::Store(store) => Place::Store(store),
        }
    }
}

/// The way to a lock.
pub(crate) enum Approach {
    File(FileStore),
    Store(Courier),
    #[cfg(feature = "testing")]
    Sandbox(SandboxedPlace),
}

impl Approach {
    pub(crate) fn place(&self) -> &Path {
        match self {
            Self::File(file) => Store::place(file),
            Self::Store(courier) => courier.place(),
            #[cfg(feature = "testing")]
            Self::Sandbox(place) => place.path(),
        }
    }

    /// Acquires the lock, and waits at most so long for it to come free, or for its store to answer.
    pub(crate) fn acquire_within(self, wait: Duration, claim: &Claim) -> Result<Hold> {
        const LONGEST_PAUSE: Duration = Duration::from_millis(200);
        let begun_ns = self.now_ns();
        let mut approach = self;
        let mut pause = approach.shortest_pause();
        loop {
            let error = match approach.acquire(claim) {
                Ok(hold) => return Ok(hold),
                Err((back, error)) if error.is_busy() || error.is_of_the_store() => {
                    approach = back;
                    error
                }
                Err((_, error)) => return Err(error),
            };
            let waited = Duration::from_nanos(approach.now_ns().saturating_sub(begun_ns));
            let left = wait.saturating_sub(waited);
            if left.is_zero() {
                approach.give_up(claim, &error);
                return Err(error);
            }
            approach.sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE.max(approach.shortest_pause()));
        }
    }

    /// How soon to come back to a busy lock: an engine has others to serve.
    fn shortest_pause(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_millis(2),
            Self::Store(_) => Duration::from_millis(250),
            #[cfg(feature = "testing")]
            Self::Sandbox(_) => Duration::from_millis(250),
        }
    }

    /// The time by which it is waited, in nanoseconds of `CLOCK_MONOTONIC`.
    fn now_ns(&self) -> u64 {
        match self {
            Self::File(_) | Self::Store(_) => sys::monotonic_ns(),
            #[cfg(feature = "testing")]
            Self::Sandbox(place) => place.now_ns(),
        }
    }

    fn sleep(&self, pause: Duration) {
        match self {
            Self::File(_) | Self::Store(_) => thread::sleep(pause),
            #[cfg(feature = "testing")]
            Self::Sandbox(place) => place.sleep(pause),
        }
    }

    /// Whether anybody outside of a test can see the lock.
    pub(crate) fn is_real(&self) -> bool {
        match self {
            Self::File(_) | Self::Store(_) => true,
            #[cfg(feature = "testing")]
            Self::Sandbox(_) => false,
        }
    }

    /// Sees to it that a lock is not ours which we may have got, without being told.
    fn give_up(self, claim: &Claim, error: &Error) {
        if let (Self::Store(courier), true) = (self, error.is_of_the_store()) {
            courier.withdraw(claim.clone());
        }
    }

    /// Tries once; the way back if that fails.
    fn acquire(self, claim: &Claim) -> std::result::Result<Hold, (Self, Error)> {
        match self {
            Self::File(file) => match file.take(claim) {
                Ok(FileAcquired {
                    lease,
                    record,
                    predecessor,
                }) => Ok(Hold {
                    lease: Tenure::Here(lease),
                    record,
                    predecessor,
                }),
                Err(error) => Err((Self::File(file), error)),
            },
            Self::Store(courier) => match store::acquire(&courier, claim) {
                Ok((record, predecessor)) => Ok(Hold {
                    lease: Tenure::Elsewhere(courier),
                    record: *record,
                    predecessor,
                }),
                Err(error) => Err((Self::Store(courier), error)),
            },
            #[cfg(feature = "testing")]
            Self::Sandbox(place) => match place.acquire(claim) {
                Ok(hold) => Ok(hold),
                Err(error) => Err((Self::Sandbox(place), error)),
            },
        }
    }
}

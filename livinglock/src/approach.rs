//! The way to a lock: where it is, and how it is waited for.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    pulse::Hold,
    store::{
        self, Claim, Courier, Store, Tenure, ToStore,
        file::{FileAcquired, FileStore},
    },
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
}

impl Approach {
    pub(crate) fn place(&self) -> &Path {
        match self {
            Self::File(file) => Store::place(file),
            Self::Store(courier) => courier.place(),
        }
    }

    /// Acquires the lock, and waits at most so long for it to come free, or for its store to answer.
    pub(crate) fn acquire_within(self, wait: Duration, claim: &Claim) -> Result<Hold> {
        const LONGEST_PAUSE: Duration = Duration::from_millis(200);
        let begun = Instant::now();
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
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                approach.give_up(claim, &error);
                return Err(error);
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE.max(approach.shortest_pause()));
        }
    }

    /// How soon to come back to a busy lock: an engine has others to serve.
    fn shortest_pause(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_millis(2),
            Self::Store(_) => Duration::from_millis(250),
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
        }
    }
}

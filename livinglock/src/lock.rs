//! The API without macros.

use std::{panic::Location, path::Path, sync::Arc, thread};

use crate::{
    Options, Predecessor,
    error::{Error, Result},
    observer,
    pulse::{Ended, Held},
    site::Site,
};

/// A held lock that is kept by calls of [`heartbeat`](Lock::heartbeat) instead of checkpoints.
///
/// Dropping it releases it.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("livinglock-doc-lock-{}", std::process::id()));
/// let lock = livinglock::Lock::acquire(&path)?;
/// for _unit in 0..3 {
///     lock.heartbeat()?; // an error once the lock is lost: stop working
/// }
/// assert!(livinglock::Lock::acquire(&path).unwrap_err().is_busy());
/// lock.release()?;
/// # Ok::<(), livinglock::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a lock is released when dropped"]
pub struct Lock {
    pub(crate) held: Arc<Held>,
}

impl Lock {
    /// The options with their defaults.
    pub fn options() -> Options {
        Options::default()
    }

    /// Acquires a lock with the default options.
    ///
    /// # Errors
    ///
    /// See [`Options::acquire`].
    pub fn acquire(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().acquire(path)
    }

    /// Proves that the job works, at the caller's place in the source.
    ///
    /// Cheap enough for every unit of work: nothing is written here; the pulse does that, at most once in `heartbeat`.
    ///
    /// # Errors
    ///
    /// [`Error::stop`] says why the job has to stop. [`Error::is_lost`] if the lock is lost: another run may own it.
    #[track_caller]
    pub fn heartbeat(&self) -> Result<()> {
        self.held
            .gate()
            .pass(Site::from(Location::caller()).into())
            .map_err(|stop| Error::stopped(self.held.path(), self.held.reason(stop)))
    }

    /// Releases the lock and removes its file, or its record from the store.
    ///
    /// That stays, but free, after a stop, for whoever comes next; and for the rest of `at_least`.
    ///
    /// # Errors
    ///
    /// [`Error::is_lost`] if it was lost before; otherwise the file could not be removed, and the lock is free all the same; or
    /// the store could not be told, and the lock is free at the latest when its lease has run out.
    pub fn release(self) -> Result<()> {
        let released = self.held.release();
        self.held.wait_for_observers(observer::LONGEST_WAIT);
        released
    }

    /// The run that held the lock before, if it did not release it.
    #[must_use]
    pub fn predecessor(&self) -> Option<&Predecessor> {
        self.held.predecessor()
    }

    /// The number that grows from one owner of this lock to the next: see [`fencing_token`](crate::fencing_token).
    #[must_use]
    pub fn fencing_token(&self) -> u64 {
        self.held.fencing_token()
    }

    /// The path of the lock file; of a lock in a store its URL, without user and password.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.held.path()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if thread::panicking() && self.held.obeyed().is_none() {
            self.held.abandon(Ended::Panicked);
        } else {
            // After `release` there is nothing left to do, and of a failure nobody could be told.
            let _ = self.held.release();
        }
        self.held.wait_for_observers(observer::LONGEST_WAIT);
    }
}

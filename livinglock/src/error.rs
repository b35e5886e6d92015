//! Why a lock could not be acquired or kept.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{
    record::Record,
    report::{self, Busy, Event, Outcome},
    stop::Stop,
};

/// Why a lock could not be acquired or kept.
///
/// Its text is one sentence with the path and, where there is one, the remedy; the cause is in [`source`](std::error::Error::source).
pub struct Error(Box<Kind>);

/// A result with this crate's error.
pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{}", report::busy(path, why, holder.as_deref()))]
    Busy {
        path: PathBuf,
        why: Busy,
        holder: Option<Box<Record>>,
    },
    #[error("failed to {action} {}{remedy}", report::path(path))]
    Io {
        action: &'static str,
        path: PathBuf,
        remedy: &'static str,
        source: io::Error,
    },
    #[error("failed to {action} {}", report::path(place))]
    Store {
        action: &'static str,
        place: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{} {what}", report::path(path))]
    Unfit { path: PathBuf, what: String },
    #[error("{}: {stop}", report::path(path))]
    Stopped { path: PathBuf, stop: Stop },
    #[error("{0}")]
    Setting(&'static str),
}

impl Error {
    /// Whether somebody else holds the lock, so that this run should yield.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(*self.0, Kind::Busy { .. })
    }

    /// Whether the lock was held and is lost, so that this run should stop.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.stop() == Some(Stop::Lost)
    }

    /// Why this run has to stop, if it held the lock.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        match *self.0 {
            Kind::Stopped { stop, .. } => Some(stop),
            _ => None,
        }
    }

    /// The record of the run that holds the busy lock, if it could be read.
    #[must_use]
    pub fn holder(&self) -> Option<&Record> {
        match &*self.0 {
            Kind::Busy { holder, .. } => holder.as_deref(),
            _ => None,
        }
    }

    /// What it is about, for whoever collects events.
    pub(crate) fn event(&self) -> Event<'_> {
        let (place, holder): (&Path, _) = match &*self.0 {
            Kind::Busy { path, holder, .. } => (path, holder.as_deref()),
            Kind::Io { path, .. } | Kind::Unfit { path, .. } | Kind::Stopped { path, .. } => {
                (path, None)
            }
            Kind::Store { place, .. } => (place, None),
            Kind::Setting(_) => (Path::new(""), None),
        };
        let outcome = if self.is_busy() {
            Outcome::Busy
        } else {
            Outcome::Failed
        };
        Event::new(outcome, place, holder)
    }

    /// Of a store whose engine cannot be asked, or has refused: what could not be done there, such as "acquire" or "look at", and why.
    ///
    /// The place and the cause are shown to people, so neither may contain a password.
    #[must_use]
    pub fn in_store(
        action: &'static str,
        place: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Kind::Store {
            action,
            place: place.to_owned(),
            source: source.into(),
        }
        .into()
    }

    /// Whether the store could not be asked just now, and might be the next time.
    pub(crate) fn is_of_the_store(&self) -> bool {
        matches!(*self.0, Kind::Store { .. })
    }

    pub(crate) fn busy(path: &Path, why: Busy, holder: Option<Record>) -> Self {
        Kind::Busy {
            path: path.to_owned(),
            why,
            holder: holder.map(Box::new),
        }
        .into()
    }

    pub(crate) fn unfit(path: &Path, what: impl Into<String>) -> Self {
        Kind::Unfit {
            path: path.to_owned(),
            what: what.into(),
        }
        .into()
    }

    /// Of a file that has somebody's content.
    pub(crate) fn foreign(path: &Path) -> Self {
        Self::unfit(
            path,
            "is not a lock file: it has other content, which is left as it is; use another path, or move it away",
        )
    }

    pub(crate) fn stopped(path: &Path, stop: Stop) -> Self {
        Kind::Stopped {
            path: path.to_owned(),
            stop,
        }
        .into()
    }

    pub(crate) fn of_a_forked_child() -> Self {
        Kind::Setting("a forked child has no part in its parent's lock; acquire one of its own")
            .into()
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as K;
        let remedy = match source.kind() {
            K::NotFound => "; create its folder first",
            K::NotADirectory => "; a part of the path before the last is a file",
            K::PermissionDenied => {
                "; use a path that this user may write, or remove the file that another user left there"
            }
            K::ReadOnlyFilesystem => {
                "; use a path on a writable file system, such as /run or /var/lib"
            }
            K::StorageFull | K::QuotaExceeded => "; make room on its file system",
            // From the standard library; of the kernel it means something else.
            K::InvalidInput if source.raw_os_error().is_none() => {
                "; use a path without NUL characters"
            }
            K::InvalidFilename => "; use a shorter path",
            _ => "",
        };
        Kind::Io {
            action,
            path: path.to_owned(),
            remedy,
            source,
        }
        .into()
    }
}

/// For functions that return `std::io::Result`: a busy lock is [`ResourceBusy`](io::ErrorKind::ResourceBusy).
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &*error.0 {
            Kind::Busy { .. } => io::ErrorKind::ResourceBusy,
            Kind::Io { source, .. } => source.kind(),
            Kind::Setting(_) => io::ErrorKind::InvalidInput,
            Kind::Store { .. } | Kind::Unfit { .. } | Kind::Stopped { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

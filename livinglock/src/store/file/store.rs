//! The lock file as a store like any other.

use std::{
    io, mem,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    FileClaim, FileLease,
    lease::Vigil,
    opened::{DEFAULT_MODE, Opened, STOP, open, why_not_open},
};
use crate::{
    error::{Error, Result},
    record::{Content, Record},
    store::{
        Acquired, Attempt, Claim, Farewell, Lease, Request, Requests, Sighting, Standing, Store,
    },
    sys,
};

/// A lock in a local file: kernel locks on single bytes decide, and go with their process.
///
/// [`Lock::acquire`](crate::Lock::acquire) uses it by itself; this is for whoever wants it as a [`Store`].
///
/// ```
/// use livinglock::store::{FileStore, Store};
///
/// # let path = std::env::temp_dir().join(format!("livinglock-doc-file-{}", std::process::id()));
/// let store = FileStore::new(path);
/// assert!(!store.look()?.is_held);
/// # Ok::<(), livinglock::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    mode: u32,
    network_fs: bool,
}

impl FileStore {
    /// The lock whose file is, or will be, at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: DEFAULT_MODE,
            network_fs: false,
        }
    }

    /// The permission bits of the lock file; `0o600` unless set.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Whether the lock file may live on a network file system, where a partition makes two owners; not unless set.
    #[must_use]
    pub fn network_fs(mut self, allowed: bool) -> Self {
        self.network_fs = allowed;
        self
    }

    /// Acquires the lock, from a hung holder after asking it; does not wait for a working one.
    pub(crate) fn take(&self, claim: &Claim) -> Result<super::FileAcquired> {
        FileClaim {
            path: &self.path,
            mode: self.mode,
            network_fs: self.network_fs,
            on_stale: claim.on_stale,
            replace: claim.replace,
            around: &claim.around,
            record: &claim.record,
        }
        .acquire()
    }

    /// The file, if there is one.
    fn open(&self) -> Result<Option<Opened>> {
        loop {
            let file = match open(&self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(why_not_open(&self.path, error)),
            };
            // Unless it was unlinked meanwhile.
            if let Some(opened) = Opened::inspect(&self.path, file, false)? {
                return Ok(Some(opened));
            }
        }
    }
}

impl Store for FileStore {
    fn place(&self) -> &Path {
        &self.path
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        let acquired = self.take(claim)?;
        Ok(Attempt::Acquired(Acquired {
            lease: Box::new(acquired.lease),
            record: acquired.record,
            predecessor: acquired.predecessor,
        }))
    }

    fn look(&self) -> Result<Sighting> {
        let Some(opened) = self.open()? else {
            return Ok(Sighting::default());
        };
        let is_asked_to_stop = sys::is_byte_locked(&opened.file, STOP)
            .map_err(|error| Error::io("look at", &self.path, error))?;
        Ok(Sighting {
            is_held: opened.is_held(&self.path)?,
            record: match opened.settled_content(&self.path)? {
                Content::Record(record) => Some(record),
                _ => None,
            },
            is_asked_to_stop,
            ..Sighting::default()
        })
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request> {
        let asked = self.open()?.filter(|opened| {
            matches!(opened.content(&self.path), Ok(Content::Record(record)) if record.owner == owner)
        });
        let Some(opened) = asked else {
            return Ok(Request::standing());
        };
        // Somebody else's request does as well.
        sys::try_lock_byte(&opened.file, STOP)
            .map_err(|error| Error::io("lock", &self.path, error))?;
        Ok(Request::borne_by(opened))
    }
}

impl Lease for FileLease {
    fn length(&self) -> Option<Duration> {
        None
    }

    fn look(&mut self, record: &Record) -> Result<Standing> {
        Ok(self.standing(record, Vigil::Awake))
    }

    fn look_after_a_sleep(&mut self, record: &Record) -> Result<Standing> {
        Ok(self.standing(record, Vigil::Slept))
    }

    fn renew(&mut self, record: &Record) -> Result<Standing> {
        self.note(record)
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        let standing = self.standing(record, Vigil::Awake);
        if let Standing::Held(_) = standing {
            self.write(record)
                .map_err(|error| Error::io("write the lock file", self.path(), error))?;
        }
        Ok(standing)
    }

    fn end(mut self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        let ended = match farewell {
            // The file is free by then, as its record says.
            Farewell::Kept(record, _) if self.is_held() => self.keep(record),
            Farewell::Kept(record, _) | Farewell::Released(record) => self.release(record),
            Farewell::Left(record) | Farewell::LeftWithProcess(record) => self.leave(record),
        };
        let ended = ended.map_err(|error| Error::io("release the lock file", self.path(), error));
        if let Farewell::LeftWithProcess(_) = farewell {
            // The kernel frees the lock after the last thread of the process: until then some may be in mid-unit.
            mem::forget(self);
        }
        ended
    }
}

impl FileLease {
    fn standing(&mut self, record: &Record, vigil: Vigil) -> Standing {
        if self.is_kept(record, vigil) {
            Standing::Held(self.requests())
        } else {
            Standing::Lost
        }
    }

    pub(crate) fn requests(&self) -> Requests {
        Requests {
            proof: self.is_asked(),
            stop: self.is_asked_to_stop(),
        }
    }
}

//! Whether a place is fit for a lock file: what a newcomer would find there, and a file to try it on.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::opened::{
    ALIVE, DEFAULT_MODE, Opened, network_file_system, open, unfit_kind, why_not_open,
};
use crate::{
    error::{Error, Result},
    process::{self, FileId},
    record::{self, Content},
    sys,
};

/// A lock file as a newcomer finds it, which has taken and changed nothing yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survey {
    /// The permission bits.
    pub(crate) mode: u32,
}

impl Survey {
    /// Looks at the file as a newcomer does; `None` if there is none.
    ///
    /// # Errors
    ///
    /// For what a newcomer would refuse the file.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>> {
        loop {
            match path.symlink_metadata() {
                // Even to open one of these may do something to it.
                Ok(found) if !found.is_file() && !found.is_symlink() => {
                    return Err(Error::unfit(path, unfit_kind(found.file_type())));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                _ => {}
            }
            let file = match open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(why_not_open(path, error)),
            };
            let Some(opened) = Opened::inspect(path, file, false)? else {
                continue;
            };
            if opened.settled_content(path)? == Content::Foreign && !opened.is_held(path)? {
                return Err(Error::foreign(path));
            }
            let mode = opened.file.metadata().map_or(0, |found| found.mode());
            return Ok(Some(Self {
                mode: mode & 0o7777,
            }));
        }
    }
}

/// The other processes that hold a lock by a descriptor of theirs, as far as we may see them.
pub(crate) fn holders(path: &Path) -> Vec<(u32, String)> {
    path.symlink_metadata().map_or_else(
        |_| Vec::new(),
        |found| process::byte_holders(FileId::of(&found), ALIVE),
    )
}

/// A file beside a lock file on which its place can be tried out; removed when dropped.
#[derive(Debug)]
pub(crate) struct Probe {
    opened: Opened,
    path: PathBuf,
}

impl Probe {
    /// Creates one, as a newcomer creates a lock file.
    ///
    /// # Errors
    ///
    /// It cannot be created, or written.
    pub(crate) fn beside(lock: &Path) -> Result<Self> {
        let failed = |error| Error::io("create a file beside", lock, error);
        let unique = sys::random_u128().map_err(failed)?;
        let path = lock.with_file_name(format!(".livinglock-doctor-{unique:032x}"));
        let Some(opened) = Opened::create_at(&path, DEFAULT_MODE)? else {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        };
        let probe = Self { opened, path };
        // As large as a record, so that a full disk shows.
        probe
            .opened
            .write(&[b' '; record::SIZE])
            .map_err(|error| Error::io("write to a file beside", lock, error))?;
        Ok(probe)
    }

    pub(crate) fn file(&self) -> &File {
        &self.opened.file
    }

    /// Whether two openings of the file exclude each other, as those of two processes must.
    ///
    /// # Errors
    ///
    /// The file system has no such locks.
    pub(crate) fn excludes(&self) -> io::Result<bool> {
        let other = open(&self.path)?;
        let ours = sys::try_lock_byte(self.file(), ALIVE)?;
        let refused = sys::is_byte_locked(&other, ALIVE)? && !sys::try_lock_byte(&other, ALIVE)?;
        sys::unlock_byte(self.file(), ALIVE)?;
        Ok(ours && refused && sys::try_lock_byte(&other, ALIVE)?)
    }

    /// Whether its permissions are those that were asked for.
    pub(crate) fn is_private(&self) -> bool {
        let found = self.file().metadata();
        found.is_ok_and(|found| found.mode() & 0o7777 == DEFAULT_MODE)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Somebody has removed it already, or the folder with it.
        let _: io::Result<()> = fs::remove_file(&self.path);
    }
}

/// The kind of file system that a file or folder lives on: its name if other machines may share it.
pub(crate) fn shared_file_system(place: &File) -> io::Result<Option<&'static str>> {
    sys::file_system_type(place).map(network_file_system)
}

//! The holder's side: one held lock file.

use std::{
    fmt, fs, io, mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

#[cfg(feature = "cli")]
use std::os::fd::OwnedFd;

use super::{
    faults::{Protection, Step, reach},
    opened::{ALIVE, Opened, QUESTION, STOP, open},
};
#[cfg(feature = "cli")]
use crate::process::FileId;
use crate::{record::Record, sys};

/// One held lock file. Dropped, it is free, and the record stays for whoever comes next.
pub(crate) struct FileLease {
    path: PathBuf,
    mode: u32,
    /// Other machines may see the file, and change what its path means.
    network_fs: bool,
    opened: Opened,
    /// What the file has to say.
    written: Vec<u8>,
    /// The file system failed: on a network the lock is another machine's by now.
    failed: bool,
}

impl fmt::Debug for FileLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileLease").field(&self.path).finish()
    }
}

/// What the holder did since it looked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vigil {
    Awake,
    /// It slept for so long that somebody may have replaced its file, worked and released meanwhile.
    Slept,
}

impl FileLease {
    /// A lease on a file that has just been written.
    pub(super) fn new(
        path: &Path,
        mode: u32,
        network_fs: bool,
        opened: Opened,
        written: Vec<u8>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            mode,
            network_fs,
            opened,
            written,
            failed: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the lock is still ours; puts the file back if it was only deleted, and its content if that was overwritten.
    ///
    /// Otherwise nobody could judge a hung holder, which writes no more heartbeats.
    pub(super) fn is_kept(&mut self, record: &Record, vigil: Vigil) -> bool {
        reach(Step::CHECKED);
        if self.failed {
            return false;
        }
        match self.found() {
            Ok(found) if self.opened.is(&found) => {
                // On a full disk the next tick tries again.
                !self.mend(found.size()).is_err_and(|error| is_gone(&error))
            }
            // Somebody else's file.
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => match vigil {
                Vigil::Awake => self.recreate(record),
                Vigil::Slept => false,
            },
            // A folder that we may not look into just now: nobody else can have changed what we cannot reach either.
            Err(error) => !is_gone(&error),
        }
    }

    /// What the path leads to now.
    fn found(&self) -> io::Result<fs::Metadata> {
        if self.network_fs {
            // A look at the path may be answered from a cache; to open it asks the server.
            return open(&self.path)?.metadata();
        }
        self.path.symlink_metadata()
    }

    /// Puts back what somebody overwrote in a file that is so large now.
    fn mend(&self, size: u64) -> io::Result<()> {
        if !self.opened.says(&self.written) {
            self.opened.write(&self.written)?;
        }
        self.opened.cut(size, self.written.len())
    }

    /// Creates the deleted file anew, unless somebody else is quicker.
    fn recreate(&mut self, record: &Record) -> bool {
        let opened = match Opened::create_at(&self.path, self.mode) {
            Ok(Some(opened)) => opened,
            Ok(None) => return false,
            // No folder, no room, no permission: then nobody else can create it now. The next tick tries again.
            Err(_) => return true,
        };
        reach(Step::RECREATED);
        let written = record.sealed();
        let taken = opened
            .guard(&self.path, Protection::GUARD_CLAIM)
            .is_ok_and(|_guard| {
                let is_ours = sys::try_lock_byte(&opened.file, ALIVE).unwrap_or(false)
                    && opened.is_at(&self.path).unwrap_or(false);
                if is_ours {
                    // Under the guard: frozen without a record, we could be neither asked nor fenced. On a full disk the next tick
                    // tries again; until then the holder is unknown, but a holder.
                    let _ = opened.write(&written);
                }
                is_ours
            });
        if taken {
            self.opened = opened;
            self.written = written;
        }
        taken
    }

    /// Whether a newcomer asks for proof of work. Whoever may only read the file cannot.
    pub(super) fn is_asked(&self) -> bool {
        sys::is_byte_owned(&self.opened.file, QUESTION).unwrap_or(false)
    }

    /// Whether a newcomer asks the job to stop. Whoever may only read the file cannot.
    pub(super) fn is_asked_to_stop(&self) -> bool {
        sys::is_byte_owned(&self.opened.file, STOP).unwrap_or(false)
    }

    /// Writes the record in place.
    ///
    /// Without the guard: a holder that is frozen inside it would block everybody.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        self.written = record.sealed();
        let result = self.opened.write(&self.written);
        self.failed |= result.as_ref().is_err_and(is_gone);
        result
    }

    /// Another descriptor of the open file that holds the lock, unless this is the one that is known.
    #[cfg(feature = "cli")]
    pub(crate) fn file(&self, known: Option<FileId>) -> Option<(FileId, OwnedFd)> {
        self.opened.duplicate(known)
    }

    /// Whether this moment the path leads to our file.
    pub(crate) fn is_held(&self) -> bool {
        self.opened.is_at(&self.path).unwrap_or(false)
    }

    /// Removes the lock file and lets go. Where it cannot be removed, it gets this record, so that it says that it was released.
    pub(super) fn release(&self, record: &Record) -> io::Result<()> {
        reach(Step::RELEASING);
        self.remove().inspect_err(|_| {
            let _ = self.opened.write(&record.sealed());
        })
    }

    fn remove(&self) -> io::Result<()> {
        let guard = self
            .opened
            .guard(&self.path, Protection::GUARD_UNLINK)
            .map_err(io::Error::other)?;
        if self.opened.is_at(&self.path)? {
            reach(Step::UNLINKING);
            fs::remove_file(&self.path)?;
        }
        reach(Step::UNLINKED);
        // Every lock goes with the file, now.
        mem::forget(guard);
        Ok(())
    }

    /// Lets go, but leaves a record by which the lock is kept for the rest of `at_least`.
    pub(super) fn keep(&mut self, record: &Record) -> io::Result<()> {
        reach(Step::RELEASING);
        self.write(record)
    }

    /// Leaves a record for whoever comes next, unless the file is another owner's by now.
    pub(super) fn leave(&mut self, record: &Record) -> io::Result<()> {
        if self.is_held() {
            self.write(record)?;
        }
        Ok(())
    }
}

/// Whether an error says that the file is out of our reach: a server that is cut off, or a file that it does not know any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::ESTALE))
}

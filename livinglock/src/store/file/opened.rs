//! A lock file that is open, and fit to be one.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

#[cfg(feature = "cli")]
use std::os::fd::OwnedFd;

use super::faults::{Protection, Step, omits, reach};
use crate::{
    error::{Error, Result},
    process::{self, FileId},
    record::{self, Content},
    report::Busy,
    sys,
};

/// Held by the holder, as long as it holds.
pub(super) const ALIVE: i64 = 0;
/// Held for microseconds by whoever changes what the path means.
const GUARD: i64 = 1;
/// Held by a newcomer that finds the holder stale.
pub(super) const QUESTION: i64 = 2;
/// Held by a newcomer that wants the holder to stop.
pub(super) const STOP: i64 = 3;

/// The permissions of a lock file unless asked otherwise: it names places in the source and messages of the job.
pub(crate) const DEFAULT_MODE: u32 = 0o600;

/// An open lock file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    id: FileId,
    /// How large the file was when it was opened, in bytes.
    pub(super) size: u64,
    /// We created it just now.
    pub(super) created: bool,
}

/// The guard byte of a file, until dropped.
pub(super) struct Guard<'a>(Option<&'a File>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            // It goes with the file at the latest.
            let _ = sys::unlock_byte(file, GUARD);
        }
    }
}

impl Opened {
    /// Opens the lock file, creating it if there is none; `None` if it changed meanwhile and has to be opened again.
    pub(super) fn at(path: &Path, mode: u32) -> Result<Option<Self>> {
        // Opening before creating: `fs.protected_regular` refuses `O_CREAT` on another user's file in /tmp, but not a plain opening.
        let (file, created) = match open(path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match create(path, mode) {
                Ok(file) => (file, true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // Somebody was quicker; but a dangling symlink is there for ever.
                    return match path.symlink_metadata() {
                        Ok(found) if found.is_symlink() => Err(Error::unfit(path, SYMLINK)),
                        _ => Ok(None),
                    };
                }
                Err(error) => return Err(Error::io("create the lock file", path, error)),
            },
            Err(error) => return Err(why_not_open(path, error)),
        };
        reach(if created { Step::CREATED } else { Step::OPENED });
        Self::inspect(path, file, created)
    }

    /// Creates the lock file anew; `None` if somebody else was quicker.
    pub(super) fn create_at(path: &Path, mode: u32) -> Result<Option<Self>> {
        match create(path, mode) {
            Ok(file) => Self::inspect(path, file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(Error::io("create the lock file", path, error)),
        }
    }

    #[cfg(feature = "cli")]
    /// A file that somebody only looks at, whoever it belongs to; `None` if it was unlinked meanwhile.
    pub(super) fn seen(path: &Path, file: File) -> Result<Option<Self>> {
        let found = inspect_kind(path, &file)?;
        Ok((found.nlink() > 0).then(|| Self::new(file, &found, false)))
    }

    fn new(file: File, found: &fs::Metadata, created: bool) -> Self {
        Self {
            id: FileId::of(found),
            size: found.size(),
            file,
            created,
        }
    }

    pub(super) fn inspect(path: &Path, file: File, created: bool) -> Result<Option<Self>> {
        let found = inspect_kind(path, &file)?;
        match found.nlink() {
            // Unlinked between our opening and our look.
            0 => return Ok(None),
            1 => {}
            links => {
                return Err(Error::unfit(
                    path,
                    format!(
                        "has {links} hard links, so that other names lead to it; remove it or use another path"
                    ),
                ));
            }
        }
        let user = sys::effective_user();
        if found.uid() != user && found.uid() != 0 {
            return Err(Error::unfit(
                path,
                format!(
                    "belongs to user {}, not to us (user {user}) or root; remove it or use another path",
                    found.uid()
                ),
            ));
        }
        Ok(Some(Self::new(file, &found, created)))
    }

    /// Refuses file systems that other machines see, since their locks end with a network partition.
    pub(super) fn insist_on_local(&self, path: &Path) -> Result<()> {
        let kind = sys::file_system_type(&self.file)
            .map_err(|error| Error::io("inspect the file system of", path, error))?;
        match network_file_system(kind) {
            Some(name) => Err(Error::unfit(
                path,
                format!(
                    "is on a network file system ({name}), where a partition makes two owners; use a local path such as /run, or accept that with `network_fs = true`"
                ),
            )),
            None => Ok(()),
        }
    }

    /// Whether this is what was found.
    pub(super) fn is(&self, found: &fs::Metadata) -> bool {
        FileId::of(found) == self.id
    }

    /// Another descriptor of it, unless this is the one that is known. Its locks last until both are closed.
    #[cfg(feature = "cli")]
    pub(super) fn duplicate(&self, known: Option<FileId>) -> Option<(FileId, OwnedFd)> {
        if known == Some(self.id) {
            return None;
        }
        let file = self.file.try_clone().ok()?;
        Some((self.id, file.into()))
    }

    /// Whether the path still leads to this very file.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match path.symlink_metadata() {
            Ok(found) => Ok(self.is(&found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the file says now. A write under way may show as torn.
    pub(super) fn content(&self, path: &Path) -> Result<Content> {
        let failed = |error| Error::io("read the lock file", path, error);
        let bytes = self.read(record::SIZE).map_err(failed)?;
        // So ends a record of the usual size.
        if bytes.len() < record::SIZE || bytes.ends_with(b"\n") && self.size <= record::SIZE as u64
        {
            return Ok(Content::of(&bytes));
        }
        // Foreign, or with an autopsy: as large as it is now, within bounds.
        let size = self.file.metadata().map_err(failed)?.size();
        if size > record::LONGEST {
            return Ok(Content::Foreign);
        }
        let size = usize::try_from(size).unwrap_or(record::SIZE);
        Ok(Content::of(&self.read(size).map_err(failed)?))
    }

    /// The first bytes, at most so many.
    fn read(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// What the file says, once no write is under way.
    pub(super) fn settled_content(&self, path: &Path) -> Result<Content> {
        let mut content = self.content(path)?;
        // A write takes less than a microsecond.
        for _ in 0..5 {
            if !matches!(content, Content::Torn | Content::Blank) {
                break;
            }
            thread::sleep(Duration::from_micros(200));
            content = self.content(path)?;
        }
        Ok(content)
    }

    /// Takes the guard: alone until dropped among all who change what the path means.
    pub(super) fn guard(&self, path: &Path, protection: Protection) -> Result<Guard<'_>> {
        if omits(protection) {
            return Ok(Guard(None));
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let taken = sys::try_lock_byte(&self.file, GUARD)
                .map_err(|error| Error::io("lock", path, error))?;
            if taken {
                reach(Step::GUARDED);
                return Ok(Guard(Some(&self.file)));
            }
            if Instant::now() >= deadline {
                return Err(Error::busy(path, self.guarded(), None));
            }
            thread::sleep(Duration::from_micros(500));
        }
    }

    /// Whether a process has this file open and holds byte 0 by it, as `/proc/PID/fdinfo` shows.
    pub(super) fn is_held_by(&self, process_id: u32) -> io::Result<bool> {
        process::holds_byte(process_id, self.id, ALIVE)
    }

    /// The other processes that hold byte 0 of this file: its holder, and children that inherited the descriptor.
    pub(super) fn holders(&self) -> Vec<(u32, String)> {
        process::byte_holders(self.id, ALIVE)
    }

    /// Whether somebody is changing what the path means, which takes microseconds unless it is stopped.
    pub(super) fn is_guarded(&self, path: &Path) -> Result<bool> {
        sys::is_byte_locked(&self.file, GUARD).map_err(|error| Error::io("look at", path, error))
    }

    /// Busy because of whoever is stopped in that.
    pub(super) fn guarded(&self) -> Busy {
        Busy::Guarded(process::byte_holders(self.id, GUARD))
    }

    /// Whether the file begins with these bytes.
    pub(super) fn says(&self, bytes: &[u8]) -> bool {
        let mut found = vec![0; bytes.len()];
        self.file.read_exact_at(&mut found, 0).is_ok() && found == bytes
    }

    /// Takes from others what this mode does not give them, if the file is ours: another tool may have left it, or a wider mode.
    pub(super) fn narrow(&self, mode: u32) -> io::Result<()> {
        let found = self.file.metadata()?;
        if found.uid() == sys::effective_user() && found.mode() & 0o7777 & !mode != 0 {
            // It fails where files have no permissions of their own (FAT).
            let _: io::Result<()> = self.file.set_permissions(fs::Permissions::from_mode(mode));
        }
        Ok(())
    }

    /// Writes a record over whatever is there.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, 0)
    }

    /// Cuts off what was written behind a record of this length, in a file that is so large now.
    pub(super) fn cut(&self, size: u64, length: usize) -> io::Result<()> {
        if size > length as u64 {
            self.file.set_len(length as u64)?;
        }
        Ok(())
    }
}

const SYMLINK: &str = "is a symbolic link; use the path that it leads to, or remove it";

pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(sys::OPEN_FLAGS)
        .open(path)
}

/// What there is to know of a file, which is a regular one.
fn inspect_kind(path: &Path, file: &File) -> Result<fs::Metadata> {
    let found = file
        .metadata()
        .map_err(|error| Error::io("inspect the lock file", path, error))?;
    if !found.is_file() {
        return Err(Error::unfit(path, unfit_kind(found.file_type())));
    }
    Ok(found)
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(sys::OPEN_FLAGS)
        .open(path)?;
    // The umask must not take away what was asked for, nor from the owner: a set-uid program has its caller's.
    if mode & !file.metadata()?.mode() != 0 {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(file)
}

pub(super) fn why_not_open(path: &Path, error: io::Error) -> Error {
    // Some kinds cannot even be opened; then their name is a better answer than the kernel's.
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Error::unfit(path, SYMLINK),
        Ok(found) if !found.is_file() => Error::unfit(path, unfit_kind(found.file_type())),
        _ => Error::io("open the lock file", path, error),
    }
}

pub(super) fn unfit_kind(kind: fs::FileType) -> String {
    let name = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    format!("is {name}, not a lock file; use a path of its own for the lock")
}

/// The name of a file system that several machines may share, by its magic number (`statfs(2)` and `linux/magic.h`).
pub(super) fn network_file_system(kind: i64) -> Option<&'static str> {
    const KINDS: [(i64, &str); 14] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xfe53_4d42, "SMB2"),
        (0xff53_4d42, "CIFS"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "Ceph"),
        (0x6573_5546, "FUSE"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x0116_1970, "GFS2"),
        (0x7461_636f, "OCFS2"),
        (0x1983_0326, "BeeGFS"),
    ];
    // Sign-extended on some targets.
    let kind = kind & 0xffff_ffff;
    KINDS
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::network_file_system;

    #[test]
    fn network_file_systems_are_known_by_their_magic_numbers() {
        assert_eq!(network_file_system(0x6969), Some("NFS"));
        assert_eq!(
            network_file_system(i64::from(0xff53_4d42_u32.cast_signed())),
            Some("CIFS")
        );
        // ext4, tmpfs, btrfs, xfs, overlayfs
        for local in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert_eq!(network_file_system(local), None);
        }
    }
}

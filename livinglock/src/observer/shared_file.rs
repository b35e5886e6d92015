//! A file that many runs write: one at a time, and so that a reader never sees half of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    report::{self, Event, Outcome},
    sys,
};

/// A file that the runs of one job, or of several, write in turn.
#[derive(Clone, Debug)]
pub(super) struct SharedFile {
    path: PathBuf,
    folder: PathBuf,
    /// What it is called in messages: "write the metrics file".
    action: &'static str,
}

impl SharedFile {
    pub(super) fn new(path: &Path, action: &'static str) -> Self {
        // Where the job goes meanwhile, it is still this file. Without a current folder its path is as good as any.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        Self {
            path,
            folder,
            action,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the turn of this run, at most so long.
    ///
    /// The runs that write a file lock its folder meanwhile, by `flock(2)`. The folder is there before the file, and stays when the file
    /// is replaced; nothing lies about when all are done; and the kernel gives the lock back, however somebody ends who has it. All files
    /// of one folder share it, but each takes a millisecond. Whoever may read the folder can lock it for ever: that, and a writer that
    /// is stopped, cost others what they would have written, and nothing else, since nobody waits for longer than he wants to.
    pub(super) fn turn(&self, patience: Duration) -> Result<Turn<'_>> {
        const PAUSE: Duration = Duration::from_millis(1);
        let deadline = Instant::now() + patience;
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(sys::FOLDER_FLAGS)
            .open(&self.folder)
            .map_err(|error| self.failed(error))?;
        loop {
            if sys::try_lock_whole(&folder).map_err(|error| self.failed(error))? {
                return Ok(Turn { file: self, folder });
            }
            if Instant::now() >= deadline {
                return Err(Error::unfit(
                    &self.path,
                    "is not written, because somebody has locked its folder for too long; find out who with fuser(1)",
                ));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Says on standard error why it was not written.
    pub(super) fn tell(&self, error: &Error) {
        Event::new(Outcome::Untold, &self.path, None).say(&report::chain(error));
    }

    pub(super) fn failed(&self, error: io::Error) -> Error {
        Error::io(self.action, &self.path, error)
    }

    /// A file in the same folder, for what is to replace it. What a writer that was killed has left there is the next one's to remove.
    fn aside(&self) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        // `node_exporter` reads whatever ends in `.prom`.
        name.push(".new");
        self.folder.join(name)
    }
}

/// How long a run waits for its turn, by what came of the last time.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// The last time nothing could be written.
    is_gone: bool,
    /// That was told.
    is_told: bool,
}

impl Patience {
    /// A little less than the end of a job waits for its observers; once nothing could be written, as long as others take who are at it.
    pub(super) fn left(&self) -> Duration {
        Duration::from_millis(if self.is_gone { 100 } else { 900 })
    }

    /// Somebody wrote: whatever was in the way has gone.
    pub(super) fn returns(&mut self) {
        self.is_gone = false;
    }

    /// Nothing could be written. Whether to tell: once in a run.
    pub(super) fn ends(&mut self) -> bool {
        self.is_gone = true;
        !std::mem::replace(&mut self.is_told, true)
    }
}

/// The right to write the file, until dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    file: &'a SharedFile,
    folder: File,
}

impl Turn<'_> {
    /// The open file, if there is one, and what there is to know of it: a regular file, and no symlink.
    pub(super) fn open(&self, options: &mut OpenOptions) -> Result<Option<(File, fs::Metadata)>> {
        let path = &self.file.path;
        let file = match options.custom_flags(sys::OPEN_FLAGS).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) if is_symlink(path) => return Err(Error::unfit(path, SYMLINK)),
            Err(error) => return Err(self.file.failed(error)),
        };
        let found = file.metadata().map_err(|error| self.file.failed(error))?;
        if !found.is_file() {
            return Err(Error::unfit(
                path,
                "is not a regular file; use another path, or remove it",
            ));
        }
        Ok(Some((file, found)))
    }

    /// All that the file has, which is not read if it is longer than this. Nothing, if there is no file.
    pub(super) fn read(&self, longest: u64) -> Result<Vec<u8>> {
        let Some((file, found)) = self.open(OpenOptions::new().read(true))? else {
            return Ok(Vec::new());
        };
        let mut bytes = Vec::new();
        let read = file.take(longest + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.file.failed(error))?;
        if bytes.len() as u64 > longest {
            let what = format!(
                "has {} bytes, which is more than ours ever have; use another path, or move it away",
                found.len()
            );
            return Err(Error::unfit(&self.file.path, what));
        }
        Ok(bytes)
    }

    /// Puts another file in its place at once, with these permissions.
    ///
    /// It is not forced to the disk: who waits for that in the end is the job. A power failure may leave an older file, or none.
    pub(super) fn replace(&self, content: &[u8], mode: u32) -> Result<()> {
        let aside = self.file.aside();
        let written = write_aside(&aside, content, mode);
        let replaced = written.and_then(|()| fs::rename(&aside, &self.file.path));
        replaced.map_err(|error| {
            // Half a file helps nobody. Where it cannot be removed, the next writer cannot either, and says so.
            let _ = fs::remove_file(&aside);
            self.file.failed(error)
        })
    }

    /// Creates the file, which is not there.
    pub(super) fn create(&self, mode: u32) -> Result<File> {
        create(&self.file.path, mode).map_err(|error| self.file.failed(error))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // It goes with the folder's descriptor at the latest.
        let _ = sys::unlock_whole(&self.folder);
    }
}

const SYMLINK: &str = "is a symbolic link; use the path that it leads to, or remove it";

fn is_symlink(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| found.is_symlink())
}

fn write_aside(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // A new file, and so nobody else's, whatever somebody puts there: neither a symlink nor a FIFO is followed.
    let mut file = create(path, mode)?;
    file.write_all(content)
}

/// Creates a file that is not there, with exactly these permissions, whatever the umask.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(sys::OPEN_FLAGS)
        .open(path)?;
    if file.metadata()?.mode() & 0o777 != mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(file)
}

//! The surroundings of a measurement that need cleaning up: a folder of lock files, a process that holds one.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
};

/// A temporary folder, removed with all that is in it when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Creates the folder of one benchmark under [`env::temp_dir`], so that `TMPDIR` chooses the file system.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn temporary(benchmark: &str) -> io::Result<Self> {
        let path = env::temp_dir().join(format!("livinglock-bench-{benchmark}-{}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// Another process that holds a lock until this is dropped.
pub struct Holder(Child);

impl Holder {
    /// Starts `program`, the `holder` of this package, and waits until it holds the lock at `path`.
    ///
    /// # Errors
    ///
    /// The process cannot be started, or ends without the lock.
    pub fn of(program: &str, path: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let holder = Self(child);
        if line == "held\n" {
            Ok(holder)
        } else {
            Err(io::Error::other("the holder ended without its lock"))
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Its standard input ends, and so does it; nobody is interested in its status any more.
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("failed to wait for the holder: {error}");
        }
    }
}

//! The witness: who works at this moment, as told by the kernel and by no code of livinglock.
//!
//! Whoever works holds a marker file exclusively. A marker made with `O_EXCL` and removed afterwards would do, if nobody were ever
//! killed: it would outlive its owner. So the exclusiveness is that of `flock(2)`, which ends with the process. (livinglock uses
//! `fcntl(2)` locks on another file; on a local file system the two do not know of each other.)

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process,
};

use nix::fcntl::{Flock, FlockArg};

/// Somebody who is about to work.
#[derive(Debug)]
pub struct Witness {
    marker: File,
    folder: PathBuf,
}

/// Somebody's work, from the beginning until dropped.
#[derive(Debug)]
#[must_use = "the work is over when this is dropped"]
pub struct Stay {
    _marker: Option<Flock<File>>,
}

impl Witness {
    /// Opens the marker of a scene.
    ///
    /// Do it before the lock under test is opened: the kernel closes the files of a dying process in the order of their numbers, and
    /// a marker that goes after the lock would show an overlap that is none.
    ///
    /// # Panics
    ///
    /// The marker cannot be opened.
    #[must_use]
    pub fn open(scene: &Path) -> Self {
        let marker = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(scene.join("marker"))
            .expect("open the marker");
        Self {
            marker,
            folder: scene.to_owned(),
        }
    }

    /// Begins to work; an overlap if somebody else works.
    ///
    /// # Panics
    ///
    /// What was seen cannot be written down.
    pub fn enter(self) -> Stay {
        append(&self.folder, "owners", &process::id().to_string());
        let marker = Flock::lock(self.marker, FlockArg::LockExclusiveNonblock);
        if marker.is_err() {
            append(&self.folder, "overlaps", &process::id().to_string());
        }
        Stay {
            _marker: marker.ok(),
        }
    }
}

/// Adds a line to a list that many processes write.
///
/// # Panics
///
/// It cannot be written.
pub(crate) fn append(folder: &Path, list: &str, line: &str) {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(list))
        // One write, so that lines of several writers do not mix.
        .and_then(|mut list| list.write_all(format!("{line}\n").as_bytes()))
        .expect("append a line");
}

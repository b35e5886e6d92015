//! The witness: who works at this moment, as told by the kernel and by no code of livinglock.
//!
//! Whoever works holds a marker file exclusively. A marker made with `O_EXCL` and removed afterwards would do, if nobody were ever
//! killed: it would outlive its owner. So the exclusiveness is that of `flock(2)`, which ends with the process. (livinglock uses
//! `fcntl(2)` locks on another file; on a local file system the two do not know of each other.)
//!
//! A process that is killed works no more, but the kernel takes its files from it one after the other, and in no order to rely on:
//! those opened last go first on Linux 6.18. In between the lock can be free while the marker is still held. So the marker names its
//! holder, and the hold of a process that is ending is nobody's work: one waits until it is over.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    process, thread,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

use crate::running::stat;

/// In the marker: whoever had it has let go of it in order.
const NOBODY: u32 = 0;

/// Somebody's work, from the beginning until dropped.
#[derive(Debug)]
#[must_use = "the work is over when this is dropped"]
pub struct Stay {
    marker: Option<Flock<File>>,
}

impl Stay {
    /// Begins to work in a scene; an overlap if somebody else works there.
    ///
    /// # Panics
    ///
    /// The marker cannot be used, or what was seen cannot be written down.
    pub fn begin(scene: &Path) -> Self {
        append(scene, "owners", &process::id().to_string());
        let mut marker = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(scene.join("marker"))
            .expect("open the marker");
        loop {
            match Flock::lock(marker, FlockArg::LockExclusiveNonblock) {
                Ok(ours) => {
                    write_name(&ours, process::id());
                    return Self { marker: Some(ours) };
                }
                Err((refused, Errno::EWOULDBLOCK)) => marker = refused,
                Err((_, error)) => panic!("lock the marker: {error}"),
            }
            // Nobody is a holder that has just let go, or has not written its name yet: either of them worked beside us.
            let holder = read_name(&marker).expect("read the marker");
            if holder == NOBODY || !is_ending(holder) {
                append(scene, "overlaps", &format!("{} {holder}", process::id()));
                return Self { marker: None };
            }
            thread::yield_now();
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if let Some(marker) = &self.marker {
            write_name(marker, NOBODY);
        }
    }
}

fn write_name(marker: &File, process_id: u32) {
    marker
        .write_all_at(&process_id.to_ne_bytes(), 0)
        .expect("write to the marker");
}

fn read_name(marker: &File) -> io::Result<u32> {
    let mut name = NOBODY.to_ne_bytes();
    match marker.read_exact_at(&mut name, 0) {
        Ok(()) => Ok(u32::from_ne_bytes(name)),
        // Its first holder is about to write.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(NOBODY),
        Err(error) => Err(error),
    }
}

/// Whether a process is past its last instruction: gone, or with `PF_EXITING` among its flags (`/proc/PID/stat`).
fn is_ending(process_id: u32) -> bool {
    const PF_EXITING: u32 = 0x4;
    stat(process_id).is_none_or(|fields| {
        let flags = fields.get(6).expect("the flags");
        flags.parse::<u32>().expect("a number") & PF_EXITING != 0
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait_until;

    #[test]
    fn a_process_that_is_not_reaped_yet_works_no_more_and_we_do() {
        let mut child = process::Command::new("true").spawn().expect("start true");
        wait_until("it ends", || is_ending(child.id()));
        child.wait().expect("reap it");
        assert!(!is_ending(process::id()));
    }

    #[test]
    fn a_second_one_at_work_is_an_overlap_until_the_first_has_gone() {
        let scene = crate::Scene::new();
        let first = Stay::begin(scene.folder());
        drop(Stay::begin(scene.folder()));
        assert_eq!(scene.overlaps(), 1);
        drop(first);
        drop(Stay::begin(scene.folder()));
        assert_eq!((scene.owners().len(), scene.overlaps()), (3, 1));
    }
}

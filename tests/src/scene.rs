//! A folder in which jobs meet.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    fcntl::{Flock, FlockArg},
    time::{ClockId, clock_gettime},
};
use tempfile::TempDir;

use crate::{Ended, Job, Running, signals, wait_until, witness::append};

/// A folder with a lock file, the witness's marker, and the lists of what happened.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// An empty scene.
    ///
    /// # Panics
    ///
    /// No folder can be made.
    #[must_use]
    pub fn new() -> Self {
        signals::ignore_none_in_children();
        Self {
            folder: tempfile::tempdir().expect("make a folder"),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in the scene.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The path of the lock file.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.file("lock")
    }

    /// A job that will run `program` in this scene, with a behaviour and its arguments.
    pub fn job(&self, program: &str, behaviour: &[&str]) -> Job {
        Job::new(self.folder(), program, behaviour)
    }

    /// The lines of a list; none if there is no list yet.
    ///
    /// # Panics
    ///
    /// It cannot be read.
    #[must_use]
    pub fn lines(&self, list: &str) -> Vec<String> {
        match fs::read_to_string(self.file(list)) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("{list}: {error}"),
        }
    }

    /// The process ids of all who worked, in their order.
    #[must_use]
    pub fn owners(&self) -> Vec<String> {
        self.lines("owners")
    }

    /// How many began to work while somebody else did.
    #[must_use]
    pub fn overlaps(&self) -> usize {
        self.lines("overlaps").len()
    }

    /// Adds a line to a list.
    pub fn note(&self, list: &str, line: &str) {
        append(self.folder(), list, line);
    }

    /// Makes a file that somebody waits for.
    pub fn give(&self, name: &str) {
        self.note(name, "");
    }

    /// Waits until somebody has begun to work.
    pub fn wait_for_owners(&self, count: usize) {
        wait_until("a job works", || self.owners().len() >= count);
    }

    /// Waits until the lock file says this.
    pub fn wait_for_record(&self, text: &str) {
        wait_until(&format!("the record says {text}"), || {
            self.record_says(text)
        });
    }

    /// Waits until a newcomer would find the holder stale.
    pub fn wait_until_stale(&self) {
        wait_until("the holder is stale", || self.is_stale());
    }

    /// Whether a newcomer would find the holder stale now.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        is_stale(&self.lock())
    }

    /// Puts another process id into the record, with the right checksum.
    pub fn rename_holder(&self, from: u32, to: u32) {
        let name = |process_id| format!("\"process_id\":{process_id},");
        self.forge(|json| json.replace(&name(from), &name(to)));
    }

    /// Changes the record, whose JSON is given without its closing brace, and seals it again.
    ///
    /// # Panics
    ///
    /// There is no sealed record, or it cannot be written.
    pub fn forge(&self, change: impl FnOnce(&str) -> String) {
        let text = fs::read_to_string(self.lock()).expect("read the lock file");
        let (json, _) = text.split_once(",\"checksum\"").expect("a sealed record");
        let json = change(json);
        let checksum = crc32fast::hash(json.as_bytes());
        let mut bytes = format!("{json},\"checksum\":\"{checksum:08x}\"}}").into_bytes();
        bytes.resize(text.len(), b' ');
        File::options()
            .write(true)
            .open(self.lock())
            .and_then(|file| file.write_all_at(&bytes, 0))
            .expect("write the lock file");
    }

    /// Whether the lock file says this now.
    #[must_use]
    pub fn record_says(&self, text: &str) -> bool {
        fs::read(self.lock()).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
    }

    /// Starts all these jobs at one instant: each gets ready, then they are let go together.
    ///
    /// # Panics
    ///
    /// One of them ends before.
    #[must_use]
    pub fn start_together(&self, jobs: impl IntoIterator<Item = Job>) -> Vec<Running> {
        // Another name each time: a straggler of the last time must not count.
        let gate = format!("gate-{}", fastrand::u64(..));
        let file = File::create(self.file(&gate)).expect("make the gate");
        let closed = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .expect("close the gate");
        let running: Vec<Running> = jobs
            .into_iter()
            .map(|job| job.set("GATE", &gate).spawn())
            .collect();
        let ready = format!("{gate}-ready");
        wait_until("all are ready", || {
            self.lines(&ready).len() == running.len()
        });
        drop(closed);
        running
    }

    /// Has a run of the program `observed` hang, and the next one take over from it.
    ///
    /// # Panics
    ///
    /// One of them ends in another way.
    pub fn take_over_from_a_hung_run(&self, observed: &str) {
        let job = |behaviour: &[&str]| self.job(observed, behaviour).stale(300);
        let hung = job(&["hang"]).grace(100).spawn();
        self.wait_for_record("about to hang");
        self.wait_until_stale();
        // It may come a little before the holder itself counts so far.
        let next = job(&["exit", "0"]).wait(20_000).spawn();
        assert_eq!(next.wait().code, Some(0));
        assert_eq!(hung.wait().code, Some(75));
    }

    /// Waits until all of these but one have ended, and then gives the file for which that one works on. All, the last one first.
    #[must_use]
    pub fn outlast(&self, mut running: Vec<Running>, end: &str) -> Vec<Ended> {
        let mut ended = Vec::new();
        wait_until("all but one have ended", || {
            let gone = running.extract_if(.., Running::has_ended);
            ended.extend(gone.map(Running::wait));
            running.len() <= 1
        });
        self.give(end);
        let mut all: Vec<Ended> = running.into_iter().map(Running::wait).collect();
        all.extend(ended);
        all
    }
}

/// Whether the last proof of work that the record of a lock tells of is older than it allows.
///
/// # Panics
///
/// There is no clock.
#[must_use]
pub fn is_stale(lock: &Path) -> bool {
    let text = fs::read(lock).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let number = |key: &str| -> Option<u128> {
        let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
        rest[..rest.find(|c: char| !c.is_ascii_digit())?]
            .parse()
            .ok()
    };
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("read the clock");
    let now = Duration::from(now).as_nanos();
    matches!(
        (number("progress_ns"), number("stale_ms")),
        (Some(progress), Some(stale)) if now > progress + stale * 1_000_000
    )
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

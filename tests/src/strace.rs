//! The system calls of one thread, watched by strace(1), which can also kill its process at one of them or make it fail.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

pub use nix::errno::Errno;

use crate::{Scene, wait_until};

/// What befalls a process at one system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It is killed, before the call has done anything.
    Kill,
    /// The call does nothing, and fails with this.
    Fail(Errno),
}

/// One system call of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// The how manieth of this name since strace was attached, from 1.
    pub nth: usize,
    /// The call with what it was given: paths, commands and flags, without numbers and folders that differ from one run to the next.
    pub place: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}) #{}", self.place, self.nth)
    }
}

/// A thread under strace(1), until dropped.
#[derive(Debug)]
pub struct Strace {
    child: Child,
    folder: String,
    log: PathBuf,
}

impl Strace {
    /// Attaches to a thread of a job, and has it struck at one call.
    ///
    /// When this returns the thread makes no call unseen.
    ///
    /// # Errors
    ///
    /// strace(1) is not there, or may not attach.
    ///
    /// # Panics
    ///
    /// What it says cannot be written down.
    pub fn attach(scene: &Scene, thread: u32, strike: Option<(&Call, Blow)>) -> io::Result<Self> {
        let log = scene.file("strace-calls");
        let words = scene.file("strace-words");
        let mut command = Command::new("strace");
        // Paths of descriptors, but nothing of what is read and written.
        command.args(["--decode-fds=path", "--string-limit=0", "--output"]);
        command.arg(&log).arg(format!("--attach={thread}"));
        if let Some((Call { name, nth, .. }, blow)) = strike {
            let blow = match blow {
                Blow::Kill => "signal=SIGKILL".to_owned(),
                Blow::Fail(errno) => format!("error={errno:?}"),
            };
            command.arg(format!("--inject={name}:{blow}:when={nth}"));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&words)?)
            .spawn()?;
        let is_attached = || fs::read_to_string(&words).is_ok_and(|said| said.contains("attached"));
        wait_until("strace is attached", || {
            is_attached() || child.try_wait().expect("look at strace").is_some()
        });
        // It may have ended since: with a thread that was struck at once.
        if !is_attached() {
            return Err(io::Error::other(fs::read_to_string(&words)?));
        }
        Ok(Self {
            child,
            folder: scene.folder().display().to_string(),
            log,
        })
    }

    /// All calls of the thread, which has ended or will, and the one that was struck.
    ///
    /// # Panics
    ///
    /// The thread does not end within [`PATIENCE`](crate::PATIENCE).
    #[must_use]
    pub fn finish(mut self) -> (Vec<Call>, Option<Call>) {
        wait_until("strace ends", || {
            self.child.try_wait().expect("look at strace").is_some()
        });
        self.calls()
    }

    /// The calls so far, and the one that was struck.
    #[must_use]
    pub fn calls(&self) -> (Vec<Call>, Option<Call>) {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let mut calls: Vec<Call> = Vec::new();
        let mut struck = None;
        for line in text.lines() {
            if line.starts_with("+++ killed by SIGKILL") {
                struck = calls.len().checked_sub(1);
            }
            let Some((name, _)) = line
                .split_once('(')
                .filter(|_| !line.starts_with(['-', '+']))
            else {
                continue;
            };
            if line.ends_with("(INJECTED)") {
                struck = Some(calls.len());
            }
            calls.push(Call {
                name: name.to_owned(),
                nth: calls.iter().filter(|call| call.name == name).count() + 1,
                place: place(line, &self.folder),
            });
        }
        let struck = struck.and_then(|index| calls.get(index).cloned());
        (calls, struck)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It has ended, unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The beginning of a line that is the same whether the call succeeds, fails, or is never made: what it was given.
fn place(line: &str, folder: &str) -> String {
    let mut line = line.replace(folder, "");
    // What a call gives back follows what it was given, and an address stands for it when the call has failed.
    let given_in_full = line.contains("F_OFD_SETLK");
    let ends = [" = ", " <", "0x", "\"\"", "/stderr-", "{"];
    for end in &ends[..ends.len() - usize::from(given_in_full)] {
        line.truncate(line.find(end).unwrap_or(line.len()));
    }
    let mut place = String::new();
    for character in line.trim_end_matches([' ', ',', ')']).chars() {
        // Descriptors, process ids and threads.
        match (place.chars().last(), character.is_ascii_digit()) {
            (Some('(' | '/'), true) => place.push('#'),
            (Some('#'), true) => {}
            _ => place.push(character),
        }
    }
    place
}

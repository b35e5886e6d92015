//! A job that runs, and how it ended.

use std::{
    fmt::Display,
    fs,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ExitStatus},
};

pub use nix::sys::signal::Signal;
use nix::{sys::signal, unistd::Pid};

use crate::wait_until;

/// A process that was started; dropped, it is killed and reaped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stderr: PathBuf,
}

/// How a process ended.
#[derive(Debug)]
#[must_use = "a test that does not look at the end of a job proves little"]
pub struct Ended {
    /// Its exit status, if no signal has ended it.
    pub code: Option<i32>,
    /// The signal that has ended it.
    pub signal: Option<i32>,
    /// What it said on standard error.
    pub stderr: String,
}

/// Whether a process runs. Zombies do not: who reaps orphans is not for us to say.
#[must_use]
pub fn is_running(process_id: &str) -> bool {
    !matches!(state(process_id), None | Some('Z' | 'X'))
}

/// The state letter of a process.
fn state(process_id: impl Display) -> Option<char> {
    stat(process_id)?.first()?.chars().next()
}

/// What `/proc/PID/stat` has after the name, which may contain anything: state, parent, group, session, terminal, its group, flags.
pub(crate) fn stat(process_id: impl Display) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

impl Running {
    pub(crate) fn new(child: Child, stderr: PathBuf) -> Self {
        Self { child, stderr }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far on standard error.
    ///
    /// # Panics
    ///
    /// That cannot be read.
    #[must_use]
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).expect("read what the job said")
    }

    /// Waits until it has said this on standard error.
    pub fn wait_until_it_says(&self, text: &str) {
        wait_until(&format!("the job says {text:?}"), || {
            self.stderr().contains(text)
        });
    }

    /// Sends it a signal, unless it has ended.
    ///
    /// # Panics
    ///
    /// The signal cannot be sent.
    pub fn signal(&mut self, signal: Signal) {
        if self.has_ended() {
            // Reaped, so that the number may be somebody else's.
            return;
        }
        let id = i32::try_from(self.id()).expect("a process id");
        signal::kill(Pid::from_raw(id), signal).expect("send a signal");
    }

    /// Waits until it is stopped by a signal.
    pub fn wait_until_stopped(&self) {
        wait_until("the job is stopped", || state(self.id()) == Some('T'));
    }

    /// Whether it is stopped by a signal now.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        // Small under a tracer.
        matches!(state(self.id()), Some('T' | 't'))
    }

    /// The number of one of its threads, by its name.
    ///
    /// # Panics
    ///
    /// There is no such thread.
    #[must_use]
    pub fn thread(&self, name: &str) -> u32 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("list its threads");
        tasks
            .flatten()
            .find_map(|task| {
                let task = task.path();
                let comm = fs::read_to_string(task.join("comm")).ok()?;
                let number = task.file_name()?.to_str()?.parse().ok()?;
                (comm.trim_end() == name).then_some(number)
            })
            .unwrap_or_else(|| panic!("no thread {name} in {}", self.id()))
    }

    /// Whether it has ended.
    ///
    /// # Panics
    ///
    /// The kernel does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("look at the job")
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// It does not end within [`PATIENCE`](crate::PATIENCE).
    pub fn wait(mut self) -> Ended {
        let mut status = None;
        wait_until("the job ends", || {
            status = self.status();
            status.is_some()
        });
        let status = status.expect("it has ended");
        Ended {
            code: status.code(),
            signal: status.signal(),
            stderr: self.stderr(),
        }
    }

    /// Waits for its end as long as this goes on changing.
    ///
    /// # Panics
    ///
    /// Nothing changes for [`PATIENCE`](crate::PATIENCE).
    pub fn wait_while<T: PartialEq>(mut self, progress: impl Fn() -> T) -> Ended {
        while !self.has_ended() {
            let before = progress();
            wait_until("something changes", || {
                self.has_ended() || progress() != before
            });
        }
        self.wait()
    }

    /// Continues it as often as it stops itself, and waits for its end.
    pub fn go_on(mut self) -> Ended {
        wait_until("the job has gone on to its end", || {
            if self.is_stopped() {
                self.signal(Signal::SIGCONT);
            }
            self.has_ended()
        });
        self.wait()
    }

    /// Kills it, and waits for its end.
    pub fn kill(mut self) -> Ended {
        self.signal(Signal::SIGKILL);
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, and been reaped, before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.stderr);
    }
}

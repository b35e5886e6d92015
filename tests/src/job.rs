//! A job that is about to be started.

use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Running;

/// A program with its behaviour and its lock's settings.
#[derive(Debug)]
#[must_use = "a job does nothing until it is started"]
pub struct Job {
    command: Command,
    scene: PathBuf,
}

impl Job {
    pub(crate) fn new(scene: &Path, program: &str, behaviour: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(behaviour)
            .env("SCENE", scene)
            .env_remove("LIVINGLOCK_FAULTS")
            // It takes longer than a hung job has.
            .env("RUST_BACKTRACE", "0")
            .env_remove("STOPPED")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self {
            command,
            scene: scene.to_owned(),
        }
    }

    /// Sets an environment variable: `LOCK`, `BUSY`, `ON_STALE`, or one of the times.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn time(self, name: &str, milliseconds: u64) -> Self {
        self.set(name, &milliseconds.to_string())
    }

    /// The silence that means hung, in milliseconds.
    pub fn stale(self, milliseconds: u64) -> Self {
        self.time("STALE_MS", milliseconds)
    }

    /// The least time between heartbeats, in milliseconds.
    pub fn heartbeat(self, milliseconds: u64) -> Self {
        self.time("HEARTBEAT_MS", milliseconds)
    }

    /// The time from a stop request to the end, in milliseconds.
    pub fn grace(self, milliseconds: u64) -> Self {
        self.time("GRACE_MS", milliseconds)
    }

    /// The silence that the holder reports, in milliseconds.
    pub fn warn(self, milliseconds: u64) -> Self {
        self.time("WARN_MS", milliseconds)
    }

    /// How long to wait for a busy lock, in milliseconds.
    pub fn wait(self, milliseconds: u64) -> Self {
        self.time("WAIT_MS", milliseconds)
    }

    /// What goes wrong in the lock, in the words of `LIVINGLOCK_FAULTS`.
    pub fn faults(self, faults: &str) -> Self {
        self.set("LIVINGLOCK_FAULTS", faults)
    }

    /// Stopped by itself, just before it looks for the lock file.
    pub fn stopped(self) -> Self {
        self.set("STOPPED", "1")
    }

    /// What the unit of a service has to say to start it, by systemd; what it says goes to `said` in the scene.
    ///
    /// # Panics
    ///
    /// Not all of it is UTF-8.
    #[must_use]
    pub fn as_service(&self) -> String {
        let text = |word: &OsStr| word.to_str().expect("UTF-8").to_owned();
        let program = [self.command.get_program()].into_iter();
        let words: Vec<_> = program.chain(self.command.get_args()).map(text).collect();
        let variables = self.command.get_envs().filter_map(|(name, value)| {
            Some(format!("Environment={}={}\n", text(name), text(value?)))
        });
        format!(
            "[Service]\nType=notify\nExecStart={}\n{}StandardError=append:{}\nLimitCORE=0\n",
            words.join(" "),
            variables.collect::<String>(),
            self.scene.join("said").display()
        )
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    #[must_use]
    pub fn spawn(mut self) -> Running {
        let stderr = self
            .scene
            .join(format!("stderr-{:016x}", fastrand::u64(..)));
        let file = File::create_new(&stderr).expect("make a file for what the job says");
        let child = self.command.stderr(file).spawn().expect("start the job");
        Running::new(child, stderr)
    }
}

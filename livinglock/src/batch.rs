//! One run of one batch.
use std::{
    path::Path,
    process::{ExitCode, Termination},
    time::Duration,
};

use crate::Error;

/// What to do with a stale holder that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStale {
    /// End the process.
    Terminate,
    /// Replace the lock file.
    Fence,
    /// Report it, and yield.
    Report,
}

/// The arguments of one `#[livinglock::batch]`, in a form that fits a constant.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    path: Where<'a>,
    name: Option<&'a str>,
    stale: Option<Duration>,
    heartbeat: Option<Duration>,
    wait: Option<Duration>,
    grace: Option<Duration>,
    warn: Option<Duration>,
    busy: u8,
    quiet: bool,
    on_stale: Option<OnStale>,
    mode: Option<u32>,
    network_fs: bool,
}

#[derive(Clone, Copy, Debug)]
enum Where<'a> {
    Literal(&'a str),
    Path(&'a Path),
}

impl<'a> Job<'a> {
    /// A job locked by the file at a literal path.
    #[must_use]
    pub const fn new(path: &'a str) -> Self {
        Self::with(Where::Literal(path))
    }

    /// A job locked by the file at a computed path.
    #[must_use]
    pub fn at<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
        Self::with(Where::Path(path.as_ref()))
    }

    const fn with(path: Where<'a>) -> Self {
        Self {
            path,
            name: None,
            stale: None,
            heartbeat: None,
            wait: None,
            grace: None,
            warn: None,
            busy: 0,
            quiet: false,
            on_stale: None,
            mode: None,
            network_fs: false,
        }
    }

    /// The name shown in records and reports.
    #[must_use]
    pub const fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// The package name that cargo gave the compiler, as the name, where there is one.
    #[must_use]
    pub const fn package(mut self, package: Option<&'a str>) -> Self {
        self.name = package;
        self
    }

    /// No checkpoint for this long means hung.
    #[must_use]
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = Some(stale);
        self
    }

    /// The least time between two heartbeats written.
    #[must_use]
    pub const fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// How long to wait for a busy lock before yielding.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// The time from a stop request to the end.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// The silent stretch that the holder itself reports.
    #[must_use]
    pub const fn warn(mut self, warn: Duration) -> Self {
        self.warn = Some(warn);
        self
    }

    /// The exit status when yielding.
    #[must_use]
    pub const fn busy(mut self, status: u8) -> Self {
        self.busy = status;
        self
    }

    /// Whether to yield without a line.
    #[must_use]
    pub const fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// What to do with a stale holder that does not answer.
    #[must_use]
    pub const fn on_stale(mut self, on_stale: OnStale) -> Self {
        self.on_stale = Some(on_stale);
        self
    }

    /// The permission bits of the lock file.
    #[must_use]
    pub const fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Whether the lock file may live on a network file system.
    #[must_use]
    pub const fn network_fs(mut self, allowed: bool) -> Self {
        self.network_fs = allowed;
        self
    }
}

/// Runs the body of a `main` under its lock.
pub fn run<T: Termination>(_job: &Job<'_>, body: impl FnOnce() -> T) -> ExitCode {
    body().report()
}

/// Holds the lock of a function until dropped.
#[derive(Debug)]
pub struct Guard(());

/// Enters a function that says itself why it could not run.
///
/// # Errors
///
/// The lock is busy or cannot be had.
pub fn enter(_job: &Job<'_>) -> Result<Guard, Error> {
    Ok(Guard(()))
}

/// Enters a function that is skipped, after a line on stderr, when its lock cannot be had.
pub fn try_enter(_job: &Job<'_>) -> Option<Guard> {
    Some(Guard(()))
}

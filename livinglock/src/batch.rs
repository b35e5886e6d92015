//! One run of one batch.
use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{ExitCode, Termination},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{
    Error, OnStale, Options, Predecessor, Stop,
    approach::Place,
    checkpoint, exit_status,
    gate::{self, Gate, ThreadScope},
    observer::{self, Audience, Discreet},
    pulse::{self, Ended, Held, Role},
    report::{self, Event, Outcome},
    store::ToStore,
};

/// The arguments of one `#[livinglock::batch]`, in a form that fits a constant.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each argument")]
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
    at_most: Option<Duration>,
    at_least: Option<Duration>,
    replace: bool,
    graceful: bool,
    margin: Option<Duration>,
    progress: bool,
    metrics: Option<FilePath<'a>>,
    history: Option<FilePath<'a>>,
    ping: Option<Discreet<&'a str>>,
}

#[derive(Clone, Copy, Debug)]
enum FilePath<'a> {
    Literal(&'a str),
    Path(&'a Path),
}

impl FilePath<'_> {
    fn to_owned(self) -> PathBuf {
        match self {
            Self::Literal(path) => path.into(),
            Self::Path(path) => path.into(),
        }
    }
}

#[derive(Clone, Copy)]
enum Where<'a> {
    Literal(&'a str),
    Path(&'a Path),
    Url(&'a str),
    Store(&'a dyn ToStore),
}

/// A URL may have a password.
impl fmt::Debug for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(path) => path.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Url(_) | Self::Store(_) => f.write_str("store"),
        }
    }
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

    /// A job locked in the store at a literal URL.
    #[must_use]
    pub const fn by_url(url: &'a str) -> Self {
        Self::with(Where::Url(url))
    }

    /// A job locked in a store.
    #[must_use]
    pub fn in_store<S: ToStore>(store: &'a S) -> Self {
        Self::with(Where::Store(store))
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
            at_most: None,
            at_least: None,
            replace: false,
            graceful: false,
            margin: None,
            progress: false,
            metrics: None,
            history: None,
            ping: None,
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

    /// The longest run.
    #[must_use]
    pub const fn at_most(mut self, at_most: Duration) -> Self {
        self.at_most = Some(at_most);
        self
    }

    /// The shortest hold, however short the run.
    #[must_use]
    pub const fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = Some(at_least);
        self
    }

    /// Whether to ask a working holder to stop instead of yielding to it.
    #[must_use]
    pub const fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Whether SIGTERM, SIGINT and SIGHUP stop the job at its next checkpoint.
    #[must_use]
    pub const fn graceful(mut self, graceful: bool) -> Self {
        self.graceful = graceful;
        self
    }

    /// How long before a lease can run out nobody works under it any more.
    #[must_use]
    pub const fn margin(mut self, margin: Duration) -> Self {
        self.margin = Some(margin);
        self
    }

    /// Whether a job that counts its work shows a bar on a terminal.
    #[must_use]
    pub const fn progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// The file at a literal path that metrics are written to.
    #[must_use]
    pub const fn metrics(mut self, path: &'a str) -> Self {
        self.metrics = Some(FilePath::Literal(path));
        self
    }

    /// The file at a computed path that metrics are written to.
    #[must_use]
    pub fn metrics_at<P: AsRef<Path> + ?Sized>(mut self, path: &'a P) -> Self {
        self.metrics = Some(FilePath::Path(path.as_ref()));
        self
    }

    /// The journal of runs at a literal path.
    #[must_use]
    pub const fn history(mut self, path: &'a str) -> Self {
        self.history = Some(FilePath::Literal(path));
        self
    }

    /// The journal of runs at a computed path.
    #[must_use]
    pub fn history_at<P: AsRef<Path> + ?Sized>(mut self, path: &'a P) -> Self {
        self.history = Some(FilePath::Path(path.as_ref()));
        self
    }

    /// The URL that is pinged when a run begins and ends; an empty one is nobody's.
    #[must_use]
    pub const fn ping(mut self, url: &'a str) -> Self {
        self.ping = Some(Discreet(url));
        self
    }
}

impl Job<'_> {
    fn place(&self) -> Place<'_> {
        match &self.path {
            Where::Literal(path) => Place::File(Path::new(path)),
            Where::Path(path) => Place::File(path),
            Where::Url(url) => Place::Store(url),
            Where::Store(store) => Place::Store(*store),
        }
    }

    fn options(&self) -> Options {
        let defaults = Options::default();
        Options {
            stale: self.stale.unwrap_or(defaults.stale),
            heartbeat: self.heartbeat,
            wait: self.wait.unwrap_or(defaults.wait),
            grace: self.grace.unwrap_or(defaults.grace),
            warn: self.warn,
            name: self.name.map(str::to_owned),
            mode: self.mode.unwrap_or(defaults.mode),
            network_fs: self.network_fs,
            on_stale: self.on_stale.unwrap_or(defaults.on_stale),
            at_most: self.at_most,
            at_least: self.at_least.unwrap_or(defaults.at_least),
            replace: self.replace,
            graceful: self.graceful,
            margin: self.margin,
            audience: self.audience(),
        }
    }

    fn audience(&self) -> Audience {
        Audience {
            progress: self.progress,
            metrics: self.metrics.map(FilePath::to_owned),
            history: self.history.map(FilePath::to_owned),
            ping: self.ping.map(|Discreet(url)| Discreet(url.to_owned())),
        }
    }

    /// Acquires the lock, and says what became of the run before.
    fn hold(&self, gate: Arc<Gate>, role: Role) -> Result<Arc<Held>, Error> {
        hold(&self.options(), self.place(), gate, role)
    }

    /// What acquires the lock, and says what became of the run before, on whichever thread.
    pub(crate) fn later(
        &self,
        gate: Arc<Gate>,
        role: Role,
    ) -> Result<impl FnOnce() -> Result<Arc<Held>, Error> + Send + use<>, Error> {
        let options = self.options();
        let place = options.settle(self.place())?;
        Ok(move || hold(&options, place.as_place(), gate, role))
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

fn hold(
    options: &Options,
    place: Place<'_>,
    gate: Arc<Gate>,
    role: Role,
) -> Result<Arc<Held>, Error> {
    let held = options.hold(place, gate, role)?;
    if let Some(predecessor) = held.predecessor() {
        Event::new(Outcome::Predecessor, held.path(), predecessor.record())
            .say(&report::predecessor(held.path(), predecessor));
    }
    held.wait_for_the_start()?;
    Ok(held)
}

/// Says why a job does not run, unless nobody wants to know.
pub(crate) fn decline(error: &Error, quiet: bool) {
    if error.is_busy() {
        if !quiet {
            error.event().say(&format!("{error}; yielding"));
        }
    } else {
        error.event().say(&report::chain(error));
    }
}

/// Runs the body of a `main` under its lock.
pub fn run<T: Termination>(job: &Job<'_>, body: impl FnOnce() -> T) -> ExitCode {
    run_as(Role::Main, job, |_| body())
}

/// Runs the body of a process that plays this role, and shows it its lock.
pub(crate) fn run_as<T: Termination>(
    role: Role,
    job: &Job<'_>,
    body: impl FnOnce(&Arc<Held>) -> T,
) -> ExitCode {
    match hold_main(role, job) {
        Ok(held) => {
            #[cfg(feature = "tracing")]
            let _span = crate::span::of(&held).entered();
            #[cfg(feature = "testing")]
            let _scope = held.is_sandboxed().then(|| ThreadScope::enter(held.gate()));
            // A panic goes on below, and a stop ends the process: neither lets anybody see a broken invariant.
            let ended = panic::catch_unwind(AssertUnwindSafe(|| body(&held).report()));
            leave_main(&held, ended)
        }
        Err(status) => ExitCode::from(status),
    }
}

fn hold_main(role: Role, job: &Job<'_>) -> Result<Arc<Held>, u8> {
    let gate = Gate::apart();
    match job.hold(gate.clone(), role) {
        // In a test it is the lock of this thread: others test other things.
        #[cfg(feature = "testing")]
        Ok(held) if held.is_sandboxed() => Ok(held),
        Ok(held) => {
            gate.become_root();
            Ok(held)
        }
        Err(error) => {
            decline(&error, job.quiet);
            Err(if error.is_busy() {
                job.busy
            } else {
                // Lost, or told to stop, before the body began.
                error
                    .stop()
                    .map_or(exit_status::CANNOT_LOCK, Stop::exit_status)
            })
        }
    }
}

fn leave_main(held: &Held, ended: thread::Result<ExitCode>) -> ExitCode {
    let ended = end_main(held, ended);
    held.wait_for_observers(observer::LONGEST_WAIT);
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Ends the hold; the exit status, unless the body has panicked.
fn end_main(held: &Held, ended: thread::Result<ExitCode>) -> thread::Result<ExitCode> {
    // Whatever the body made of it: a thread that unwound, an error of `try_checkpoint!`, or a last unit that was finished.
    if let Some(stop) = held.obeyed() {
        end_stopped(held, stop);
        return Ok(ExitCode::from(stop.exit_status()));
    }
    match ended {
        Ok(status) => {
            if let Err(error) = held.release_as(exit_status::of(status)) {
                error.event().say(&report::chain(&error));
                if error.is_lost() {
                    return Ok(ExitCode::from(exit_status::LOST));
                }
            }
            Ok(status)
        }
        Err(panic) => {
            if let Some(&stop) = panic.downcast_ref::<Stop>() {
                // Of a locked function, and nobody caught it.
                end_stopped(held, stop);
                return Ok(ExitCode::from(stop.exit_status()));
            }
            held.abandon(Ended::Panicked);
            Err(panic)
        }
    }
}

fn end_stopped(held: &Held, stop: Stop) {
    if let Some((record, descendants)) = held.abandon_with_descendants(Ended::Stopped) {
        Event::new(Outcome::Stopped, held.path(), Some(&record)).say(&report::stopped(
            held.path(),
            &record,
            stop,
            descendants,
        ));
    }
}

/// The run whose lock the calling thread's batch took over, if that one did not release it.
///
/// On a thread that is in a locked function it is that function's, on any other one that of `main`.
///
/// ```
/// // Resume where the run before was cut off: see `Predecessor::record` for what that number guarantees.
/// let done = livinglock::predecessor()
///     .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
///     .unwrap_or(0);
/// # assert_eq!(done, 0);
/// ```
#[must_use]
pub fn predecessor() -> Option<Predecessor> {
    pulse::held_behind(&gate::innermost()?)?
        .predecessor()
        .cloned()
}

/// The fencing token of the lock that the calling thread works under: a number that grows from one owner of a lock to the next.
///
/// No lock can stop a process that is frozen in the midst of a unit of work and goes on after its lease has run out. The place where the
/// data is can: it keeps the greatest token that it has seen, and refuses to write for a smaller one. In a
/// [store](crate::store) it is kept across releases, crashes and restarts of the server; what each engine guarantees there, and how a
/// table checks it, is in the [README](crate#more-than-one-machine). `None` with no lock held.
///
/// ```
/// assert_eq!(livinglock::fencing_token(), None);
/// ```
#[must_use]
pub fn fencing_token() -> Option<u64> {
    Some(pulse::held_behind(&gate::innermost()?)?.fencing_token())
}

/// Why the job has to stop at its next checkpoint, if it has to: for loops that want to finish a unit first.
///
/// A job that has seen a reason here counts as stopped, with the exit status of the reason, however its body ends.
///
/// ```
/// # let batches: [&[u32]; 0] = [];
/// for batch in batches {
///     if livinglock::stop_requested().is_some() {
///         break; // and write down how far we came
///     }
///     // a unit that is worth finishing
/// }
/// ```
#[must_use]
pub fn stop_requested() -> Option<Stop> {
    gate::stop_requested()
}

/// Holds the lock of a function until dropped.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct Guard {
    held: Arc<Held>,
    /// Dropped after the lock is released.
    _scope: ThreadScope,
    #[cfg(feature = "tracing")]
    _span: tracing::span::EnteredSpan,
}

/// Enters a function that says itself why it could not run.
///
/// # Errors
///
/// The lock is busy or cannot be had.
pub fn enter(job: &Job<'_>) -> Result<Guard, Error> {
    let gate = Gate::in_scope();
    let held = job.hold(gate.clone(), Role::Function)?;
    checkpoint::begin();
    Ok(Guard {
        #[cfg(feature = "tracing")]
        _span: crate::span::of(&held).entered(),
        held,
        _scope: ThreadScope::enter(&gate),
    })
}

/// Enters a function that is skipped, after a line on standard error, when its lock cannot be had.
#[must_use = "the lock is released when the guard is dropped"]
pub fn try_enter(job: &Job<'_>) -> Option<Guard> {
    enter(job)
        .inspect_err(|error| decline(error, job.quiet))
        .ok()
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.held.obeyed().is_some() {
            self.held.abandon(Ended::Stopped);
        } else if thread::panicking() {
            self.held.abandon(if checkpoint::is_leaving() {
                Ended::Stopped
            } else {
                Ended::Panicked
            });
        } else if let Err(error) = self.held.release() {
            error.event().say(&report::chain(&error));
        }
        self.held
            .wait_for_observers(observer::LONGEST_WAIT_OF_A_FUNCTION);
    }
}

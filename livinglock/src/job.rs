//! What a batch is asked for by the arguments of its attribute.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    Error, OnStale, Options,
    approach::Place,
    gate::Gate,
    observer::{Audience, Discreet},
    pulse::{Held, Role},
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
    pub(crate) fn hold(&self, gate: Arc<Gate>, role: Role) -> Result<Arc<Held>, Error> {
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

    /// The exit status of a `main` that yields.
    pub(crate) fn status_of_yielding(&self) -> u8 {
        self.busy
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

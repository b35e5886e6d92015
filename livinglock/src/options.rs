//! How a lock is acquired and kept.

#[cfg(feature = "metrics")]
use std::path::PathBuf;
use std::{path::Path, sync::Arc, time::Duration};

#[cfg(feature = "testing")]
use crate::testing;
use crate::{
    Lock, OnStale,
    approach::{Approach, OwnPlace, Place},
    error::{Error, Kind, Result},
    gate::{self, Gate},
    observer::{self, Audience},
    process::Identity,
    pulse::{self, Held, Hold, Role, Terms},
    record::{self, Record, milliseconds},
    report, signals,
    store::{
        Claim, Courier, DEFAULT_TIMEOUT, ToStore,
        file::{DEFAULT_MODE, FileStore, patience},
    },
    sys,
};

/// How a lock is acquired and kept.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("livinglock-doc-options-{}", std::process::id()));
/// use std::time::Duration;
///
/// let lock = livinglock::Lock::options()
///     .stale(Duration::from_secs(2 * 60 * 60))
///     .heartbeat(Duration::from_secs(60))
///     .acquire(&path)?;
/// lock.release()?;
/// # Ok::<(), livinglock::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a lock is acquired with them"]
pub struct Options {
    pub(crate) stale: Duration,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) wait: Duration,
    pub(crate) grace: Duration,
    pub(crate) warn: Option<Duration>,
    pub(crate) name: Option<String>,
    pub(crate) mode: u32,
    pub(crate) network_fs: bool,
    pub(crate) on_stale: OnStale,
    pub(crate) at_most: Option<Duration>,
    pub(crate) at_least: Duration,
    pub(crate) replace: bool,
    pub(crate) graceful: bool,
    pub(crate) margin: Option<Duration>,
    pub(crate) audience: Audience,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stale: Duration::from_secs(60 * 60),
            heartbeat: None,
            wait: Duration::ZERO,
            grace: Duration::from_secs(10),
            warn: None,
            name: None,
            mode: DEFAULT_MODE,
            network_fs: false,
            on_stale: OnStale::Fence,
            at_most: None,
            at_least: Duration::ZERO,
            replace: false,
            graceful: false,
            margin: None,
            audience: Audience::default(),
        }
    }
}

impl Options {
    /// How long the holder may prove no work before it counts as hung; 1 hour unless set.
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// The least time between two heartbeats written to the lock file, or the store; 1 minute unless set, or a tenth of `stale` if that is shorter.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// How long to wait for a busy lock; not at all unless set.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a holder has, once it is told to stop or asked in vain to prove work, until it loses the lock; 10 seconds unless set.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The silence after which the holder itself reports on standard error; half of `stale` unless set.
    pub fn warn(mut self, warn: Duration) -> Self {
        self.warn = Some(warn);
        self
    }

    /// The name of the job in records and reports; the program's file name unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The permission bits of the lock file; `0o600` unless set.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Whether the lock file may live on a network file system, where a partition makes two owners; not unless set.
    pub fn network_fs(mut self, allowed: bool) -> Self {
        self.network_fs = allowed;
        self
    }

    /// What to do with a stale holder that does not answer; [`OnStale::Fence`] unless set.
    pub fn on_stale(mut self, on_stale: OnStale) -> Self {
        self.on_stale = on_stale;
        self
    }

    /// The longest run: after it the job is stopped at its next checkpoint, and after `grace` all the same; unlimited unless set.
    pub fn at_most(mut self, at_most: Duration) -> Self {
        self.at_most = Some(at_most);
        self
    }

    /// The shortest hold: a lock that is released earlier is kept for the rest of it, even when the process has ended.
    pub fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = at_least;
        self
    }

    /// Whether to ask a working holder to stop, and then to run, instead of yielding to it; not unless set.
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Whether SIGTERM, SIGINT and SIGHUP stop the job at its next checkpoint, and a second one ends the process; not unless set.
    pub fn graceful(mut self, graceful: bool) -> Self {
        self.graceful = graceful;
        self
    }

    /// For a lock in a [store](crate::store): how long before the lease can run out anywhere nobody works under it any more.
    ///
    /// It is for clocks that run at different speeds, for a machine that is too busy to notice the time, and for the end of the process.
    /// Unless set, eight ticks of the pulse, at least a second, and a thousandth of `stale` more, and two seconds in which the processes
    /// end that the job has started, or `grace` if that is shorter. Two ticks at least, whatever is set.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = Some(margin);
        self
    }

    /// Whether a job that counts its work shows a bar, where standard error is a terminal; not unless set.
    #[cfg(feature = "progress")]
    pub fn progress(mut self, progress: bool) -> Self {
        self.audience.progress = progress;
        self
    }

    /// The file that metrics are written to, for the textfile collector of `node_exporter`; none unless set, or if it is empty.
    ///
    /// Its name has to end in `.prom`, or the lock is not acquired. What cannot be written is told on standard error, once in a run, and
    /// changes nothing else. The runs of several jobs may share a file: each has its [name](Options::name) as a label.
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, path: impl Into<PathBuf>) -> Self {
        self.audience.metrics = Some(path.into());
        self
    }

    /// The journal of runs, which `livinglock history` shows: one line of JSON for each; none unless set, or if it is empty.
    ///
    /// It is created with the permissions of the lock file, and does not grow beyond a mebibyte: then its older half goes.
    #[cfg(feature = "metrics")]
    pub fn history(mut self, path: impl Into<PathBuf>) -> Self {
        self.audience.history = Some(path.into());
        self
    }

    /// The URL that is pinged when a run begins, and how it ends, as healthchecks.io knows it; nobody unless set, or if it is empty.
    ///
    /// `/start`, `/fail` or the exit status is put at its end. A run never fails because of it: a URL that cannot be pinged is told in a
    /// line on standard error. Nobody knows the exit status of a lock that is held without the attribute on `main`, so its release counts
    /// as success. See the [README](crate#what-others-are-told).
    ///
    /// ```
    /// # let path = std::env::temp_dir().join(format!("livinglock-doc-ping-{}", std::process::id()));
    /// let lock = livinglock::Lock::options()
    ///     .ping(std::env::var("PING_URL").unwrap_or_default())
    ///     .acquire(&path)?;
    /// # lock.release()?;
    /// # Ok::<(), livinglock::Error>(())
    /// ```
    #[cfg(feature = "ping")]
    pub fn ping(mut self, url: impl Into<String>) -> Self {
        self.audience.ping = Some(observer::Discreet(url.into()));
        self
    }

    /// Acquires the lock whose file is at this path.
    ///
    /// A holder that proved no work for longer than its `stale` is asked to, and loses the lock if it cannot.
    /// A relative path is taken from the current folder.
    ///
    /// # Errors
    ///
    /// [`Error::is_busy`] if somebody holds the lock and works; otherwise the options contradict each other, or the file cannot be
    /// created, read or trusted.
    pub fn acquire(&self, path: impl AsRef<Path>) -> Result<Lock> {
        self.acquire_at(Place::File(path.as_ref()))
    }

    /// Acquires a lock in a store that many machines share: a URL such as `postgres://db1/app#nightly`, or a
    /// [`Store`](crate::store::Store).
    ///
    /// A URL without a name after `#` means the lock with the [name](Options::name) of the job. The lease is as long as
    /// [`stale`](Options::stale), and renewed by proof of work alone.
    ///
    /// # Errors
    ///
    /// [`Error::is_busy`] if somebody holds the lock; otherwise the options contradict each other, or the store cannot be asked.
    ///
    /// ```
    /// let refused = livinglock::Lock::options().acquire_in("mysql://db1/app");
    /// assert!(refused.unwrap_err().to_string().contains("unknown scheme"));
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a text can be given as it is"
    )]
    pub fn acquire_in(&self, store: impl ToStore) -> Result<Lock> {
        self.acquire_at(Place::Store(&store))
    }

    /// Where the lock is, said in a way that outlives what it was said by.
    pub(crate) fn settle(&self, place: Place<'_>) -> Result<OwnPlace> {
        Ok(match place {
            Place::File(path) => OwnPlace::File(path.to_owned()),
            Place::Store(store) => {
                let name = self.job_name();
                OwnPlace::Store(store.to_store(&name)?)
            }
        })
    }

    fn acquire_at(&self, place: Place<'_>) -> Result<Lock> {
        let held = self.hold(place, Gate::apart(), Role::Function)?;
        held.wait_for_the_start()?;
        Ok(Lock { held })
    }

    /// Acquires the lock and puts it under the care of the pulse.
    pub(crate) fn hold(&self, place: Place<'_>, gate: Arc<Gate>, role: Role) -> Result<Arc<Held>> {
        #[cfg(feature = "testing")]
        if testing::is_in_sandbox() {
            return self.hold_in_sandbox(place, gate);
        }
        let observers = self.audience.gather(role, &self.job_name(), self.mode);
        match self.get_hold(place, &gate, role) {
            Ok((terms, hold, wakes)) => Held::new(gate, terms, observers, hold, wakes),
            Err(error) => {
                observers.decline(&error);
                observers.wait(observer::longest_wait(role));
                Err(error)
            }
        }
    }

    /// The same in a test: the job is no process, hears no signals, and nobody outside is told of it.
    #[cfg(feature = "testing")]
    fn hold_in_sandbox(&self, place: Place<'_>, gate: Arc<Gate>) -> Result<Arc<Held>> {
        let (mut terms, acquired, wakes) = self.get_hold(place, &gate, Role::Function)?;
        terms.graceful = false;
        let watch = acquired.lease.watch();
        let observers = Audience::default().gather(Role::Function, "", self.mode);
        let held = Held::new(gate, terms, observers, acquired, wakes)?;
        if let Some(watch) = watch {
            watch.begin(&held);
        }
        Ok(held)
    }

    /// Acquires the lock: on which terms, and how often the process had woken up before.
    fn get_hold(
        &self,
        place: Place<'_>,
        gate: &Arc<Gate>,
        role: Role,
    ) -> Result<(Terms, Hold, u32)> {
        let heartbeat = self.checked_times()?;
        self.audience.check()?;
        let name = self.job_name();
        let approach = self.approach(place, &name, heartbeat)?;
        let claim = self.claim(approach.place(), &name, heartbeat, role, gate)?;
        // Before the lock is ours: a stop after that has to show.
        let wakes = gate::heed_waking();
        if self.graceful && approach.is_real() {
            // Before the lock is ours: afterwards a signal would end us with it.
            signals::listen()
                .map_err(|error| Error::io("listen to signals for", approach.place(), error))?;
        }
        let terms = Terms {
            role,
            heartbeat,
            warn: self.warn.unwrap_or(self.stale / 2),
            at_most: self.at_most,
            graceful: self.graceful,
        };
        Ok((terms, approach.acquire_within(self.wait, &claim)?, wakes))
    }

    fn job_name(&self) -> String {
        self.name.clone().unwrap_or_else(program_name)
    }

    fn approach(&self, place: Place<'_>, name: &str, heartbeat: Duration) -> Result<Approach> {
        let store = match place {
            Place::File(path) => {
                let path = std::path::absolute(path)
                    .map_err(|error| Error::io("find the folder of the lock file", path, error))?;
                #[cfg(feature = "testing")]
                if let Some(sandbox) = testing::sandbox() {
                    return Ok(Approach::Sandbox(sandbox.place(&path, None)));
                }
                let file = FileStore::new(path)
                    .mode(self.mode)
                    .network_fs(self.network_fs);
                return Ok(Approach::File(file));
            }
            Place::Store(store) => store.to_store(name)?,
        };
        let tick = self.tick(heartbeat);
        let margin = self.margin.unwrap_or_else(|| {
            patience(tick) + self.grace.min(pulse::LONGEST_FAREWELL) + self.stale / 1000
        });
        // The pulse notices once in a tick, and then it may be late.
        let margin = margin.max(tick * 2);
        let worked = self.stale.saturating_sub(self.grace.saturating_add(margin));
        if worked < heartbeat * 2 {
            return Err(Error::unfit(
                store.place(),
                report::lease_too_short(self.stale, self.grace, margin, heartbeat),
            ));
        }
        #[cfg(feature = "testing")]
        if let Some(sandbox) = testing::sandbox() {
            return Ok(Approach::Sandbox(
                sandbox.place(store.place(), Some(margin)),
            ));
        }
        // So that a renewal that fails can be tried again.
        let timeout = DEFAULT_TIMEOUT.min(worked / 3);
        Courier::start(store, timeout, margin, tick).map(Approach::Store)
    }

    fn tick(&self, heartbeat: Duration) -> Duration {
        pulse::tick(self.stale, heartbeat, self.grace)
    }

    fn claim(
        &self,
        place: &Path,
        name: &str,
        heartbeat: Duration,
        role: Role,
        gate: &Arc<Gate>,
    ) -> Result<Claim> {
        let owner = sys::random_u128()
            .map_err(|error| Error::io("draw a random owner for", place, error))?;
        let mut record = Record {
            name: record::bounded_name(name),
            owner: format!("{owner:032x}"),
            stale_ms: milliseconds(self.stale),
            grace_ms: milliseconds(self.grace),
            tick_ms: milliseconds(self.tick(heartbeat)),
            at_least_ms: milliseconds(self.at_least),
            keeper_id: role.keeper().unwrap_or_default(),
            ..Record::new()
        };
        Identity::own().sign(&mut record);
        Ok(Claim {
            around: pulse::owners_around(gate),
            replace: self.replace,
            on_stale: self.on_stale,
            ..Claim::new(record)
        })
    }

    fn checked_times(&self) -> Result<Duration> {
        if self.stale.is_zero() {
            return Err(Kind::Setting("`stale` must be longer than zero").into());
        }
        let longest_default = Duration::from_secs(60);
        let heartbeat = self
            .heartbeat
            .unwrap_or_else(|| longest_default.min(self.stale / 10));
        if heartbeat.is_zero() && self.heartbeat.is_some() {
            return Err(Kind::Setting("`heartbeat` must be longer than zero").into());
        }
        if heartbeat >= self.stale / 2 {
            return Err(Kind::Setting("`heartbeat` must be shorter than half of `stale`").into());
        }
        if self.at_most.is_some_and(|at_most| at_most <= self.at_least) {
            return Err(Kind::Setting("`at_most` must be longer than `at_least`").into());
        }
        Ok(heartbeat)
    }
}

fn program_name() -> String {
    std::env::args_os()
        .next()
        .as_deref()
        .map(Path::new)
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

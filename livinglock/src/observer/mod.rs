//! Whoever is told how a run goes, outside of the lock: a service manager, a terminal, a file, a server.
//!
//! They are told what has happened, and decide nothing.

#[cfg(feature = "metrics")]
mod clock;
mod desk;
#[cfg(feature = "metrics")]
pub(crate) mod history;
#[cfg(feature = "metrics")]
mod metrics;
mod news;
#[cfg(feature = "metrics")]
mod outcome;
#[cfg(feature = "ping")]
mod ping;
#[cfg(feature = "progress")]
pub(crate) mod progress;
#[cfg(feature = "metrics")]
mod shared_file;
mod unit;

use std::{
    fmt, mem,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

#[cfg(feature = "cli")]
pub(crate) use metrics::check as check_metrics;
pub(crate) use news::{End, News};
#[cfg(feature = "cli")]
pub(crate) use outcome::Outcome;

use self::{desk::Desk, unit::Unit};
use crate::{
    error::{Error, Result},
    pulse::Role,
    record::{Habit, Record},
    report,
};

/// Whom a job asks to be told of its runs.
#[derive(Clone, Debug, Default)]
#[allow(dead_code, reason = "the features decide who can be told")]
pub(crate) struct Audience {
    pub(crate) progress: bool,
    pub(crate) metrics: Option<PathBuf>,
    pub(crate) history: Option<PathBuf>,
    pub(crate) ping: Option<Discreet<String>>,
}

/// What is for the one who is told alone: nobody else is shown it.
#[derive(Clone, Copy)]
pub(crate) struct Discreet<T>(pub(crate) T);

impl<T> fmt::Debug for Discreet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl Audience {
    /// Checks that everybody can be told who is asked for.
    #[allow(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the features decide who can be told"
    )]
    pub(crate) fn check(&self) -> Result<()> {
        #[cfg(feature = "metrics")]
        if let Some(path) = named(self.metrics.as_ref()) {
            return metrics::check(path);
        }
        Ok(())
    }

    /// Those who are told of a run of the job with this name that plays this role. Where they make files of its own, those have the
    /// permissions of its lock file.
    #[allow(
        clippy::unused_self,
        unused_mut,
        unused_variables,
        reason = "the features decide who can be told"
    )]
    pub(crate) fn gather(&self, role: Role, name: &str, mode: u32) -> Observers {
        let mut desks = Vec::new();
        let memory = Memory::default();
        #[cfg(feature = "progress")]
        if self.progress {
            let bar = progress::Bar::on_the_terminal();
            desks.extend(bar.map(|bar| Desk::new("livinglock-bar", SHORT, bar)));
        }
        #[cfg(feature = "metrics")]
        if let Some(path) = named(self.metrics.as_ref()).filter(|_| self.check().is_ok()) {
            let metrics = metrics::Metrics::new(path, name, role);
            desks.push(Desk::new("livinglock-prom", SHORT, metrics));
        }
        #[cfg(feature = "metrics")]
        if let Some(path) = named(self.history.as_ref()) {
            let history = history::History::new(path, name, role, mode, memory.clone());
            desks.push(Desk::new("livinglock-hist", SHORT, history));
        }
        #[cfg(feature = "ping")]
        if let Some(Discreet(url)) = &self.ping {
            let pings = ping::Pings::to(url, role, name);
            desks.extend(pings.map(|pings| Desk::new("livinglock-ping", LONGEST_WAIT, pings)));
        }
        Observers {
            unit: Unit::of(role),
            desks,
            memory,
            last: Mutex::new(None),
        }
    }
}

/// The path of a file, unless it is empty: then it is that of none, so that it can come from a variable that is not set.
#[cfg(feature = "metrics")]
fn named(path: Option<&PathBuf>) -> Option<&PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty())
}

/// What an observer has found that runs before have learned, until the pulse takes it.
type Memory = Arc<Mutex<Vec<Habit>>>;

/// Whoever is told how one run goes.
#[derive(Debug)]
pub(crate) struct Observers {
    unit: Option<Unit>,
    desks: Vec<Desk>,
    memory: Memory,
    /// The run as it was left, for those who are told of its end.
    last: Mutex<Option<Record>>,
}

/// How long the end of a job waits for those who have only this machine to do with.
#[allow(dead_code, reason = "the features decide who can be told")]
const SHORT: Duration = Duration::from_secs(1);

/// No job waits for longer at its end.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Nor a function, whose caller has others to serve.
pub(crate) const LONGEST_WAIT_OF_A_FUNCTION: Duration = Duration::from_secs(1);

/// Nor a process that takes its lock with it, which is nobody's until then.
pub(crate) const LONGEST_WAIT_WITH_THE_LOCK: Duration = Duration::from_secs(2);

/// Nor a process that has to go at once: others wait for that, or its lease runs out.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(250);

/// How long a run that plays this role waits after it has let go of its lock.
pub(crate) fn longest_wait(role: Role) -> Duration {
    if role.is_the_process() {
        LONGEST_WAIT
    } else {
        LONGEST_WAIT_OF_A_FUNCTION
    }
}

/// How long a process waits whose lock is free only once it has gone: no longer than the `grace` that whoever waits for it knows.
pub(crate) fn longest_wait_with_the_lock(record: &Record) -> Duration {
    record.grace().clamp(LAST_WORDS, LONGEST_WAIT_WITH_THE_LOCK)
}

impl Observers {
    /// Tells why there is no run.
    pub(crate) fn decline(&self, error: &Error) {
        if error.is_busy() {
            self.tell(&News::Yielded, error.holder());
        } else {
            self.tell(&News::Failed(report::chain(error)), None);
        }
    }

    /// Tells the news, and waits for nobody.
    pub(crate) fn tell(&self, news: &News, record: Option<&Record>) {
        if let Some(unit) = &self.unit {
            unit.hear(news, record);
        }
        for desk in &self.desks {
            desk.tell(news, record);
        }
    }

    /// Whether anybody wants to know how a run was left.
    pub(crate) fn are_there(&self) -> bool {
        !self.desks.is_empty()
    }

    /// What they know of runs before, once.
    pub(crate) fn recall(&self) -> Vec<Habit> {
        mem::take(&mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps how the run was left, until it is told how it ended; and tells what it has learned.
    pub(crate) fn keep(&self, record: &Record, learned: Vec<Habit>) {
        if self.are_there() {
            self.tell(&News::Learned(learned), Some(record));
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(record.clone());
        }
    }

    /// Tells the end of the run.
    pub(crate) fn end(&self, end: End) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell(&News::Ended(end), last.as_ref());
    }

    /// Waits as a process does that takes its lock with it.
    pub(crate) fn wait_with_the_lock(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = last.as_ref().map(longest_wait_with_the_lock);
        drop(last);
        self.wait(longest.unwrap_or_default());
    }

    /// Waits until they have heard it all, each as long as it may take, and none for longer than this.
    pub(crate) fn wait(&self, longest: Duration) {
        let begun = Instant::now();
        for desk in &self.desks {
            desk.wait(longest.min(desk.patience()).saturating_sub(begun.elapsed()));
        }
    }
}

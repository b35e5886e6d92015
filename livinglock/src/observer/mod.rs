//! Whoever is told how a run goes, outside of the lock: a service manager, a terminal, a file, a server.
//!
//! They are told what has happened, and decide nothing.

mod desk;
mod news;
#[cfg(feature = "progress")]
pub(crate) mod progress;
mod unit;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use news::{End, News};

use self::{desk::Desk, unit::Unit};
use crate::{error::Error, pulse::Role, record::Record, report};

/// Whom a job asks to be told of its runs.
#[derive(Clone, Debug, Default)]
#[allow(dead_code, reason = "the features decide who can be told")]
pub(crate) struct Audience {
    pub(crate) progress: bool,
}

impl Audience {
    /// Those who are told of a run that plays this role.
    #[allow(
        clippy::unused_self,
        unused_mut,
        reason = "the features decide who can be told"
    )]
    pub(crate) fn gather(&self, role: Role) -> Observers {
        let mut desks = Vec::new();
        #[cfg(feature = "progress")]
        if self.progress {
            let bar = progress::Bar::on_the_terminal();
            desks.extend(bar.map(|bar| Desk::new("livinglock-bar", SHORT, bar)));
        }
        Observers {
            unit: Unit::of(role),
            desks,
            last: Mutex::new(None),
        }
    }
}

/// Whoever is told how one run goes.
#[derive(Debug)]
pub(crate) struct Observers {
    unit: Option<Unit>,
    desks: Vec<Desk>,
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

    /// Keeps how the run was left, until it is told how it ended.
    pub(crate) fn keep(&self, record: &Record) {
        if self.are_there() {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(record.clone());
        }
    }

    /// Tells the end of the run.
    pub(crate) fn end(&self, end: End) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell(&News::Ended(end), last.as_ref());
    }

    /// Waits until they have heard it all, each as long as it may take, and none for longer than this.
    pub(crate) fn wait(&self, longest: Duration) {
        let begun = Instant::now();
        for desk in &self.desks {
            desk.wait(longest.min(desk.patience()).saturating_sub(begun.elapsed()));
        }
    }
}

//! An operator's request: the holder is asked to stop as by a newcomer with `replace`, but nobody wants its lock.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Attempt, FileClaim,
    opened::{DEFAULT_MODE, Opened, open, why_not_open},
    question::{Demand, LONGEST_GRACE, UNKNOWN_TICK, end, patience},
};
use crate::{
    OnStale,
    error::{Error, Result},
    process,
    record::{Content, Record},
    report::{self, Busy},
};

/// That whoever holds a lock stops, and lets go of it.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) path: &'a Path,
    /// How long we wait for it to stop; as long as it may take by its own record, unless set.
    pub(crate) grace: Option<Duration>,
    /// Its process is ended if it has not stopped by then, and SIGKILL comes so long after SIGTERM.
    pub(crate) force: Option<Duration>,
}

/// What a request has led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nobody held the lock any more.
    NotHeld,
    /// The holder has let go of it.
    Gone {
        record: Option<Box<Record>>,
        after: Duration,
        forced: bool,
    },
    /// The lease of the holder has run out, which has not let go of it.
    Lapsed {
        record: Box<Record>,
        after: Duration,
    },
    /// The holder has it still.
    Stays {
        record: Option<Box<Record>>,
        after: Duration,
        why: Stay,
    },
}

/// Why a holder has not gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    Busy(Busy),
    /// Its process cannot be ended.
    Immune(String),
}

/// Whom we have asked.
struct Asked {
    opened: Opened,
    record: Option<Box<Record>>,
}

impl Request<'_> {
    /// Asks the holder, and waits until it has gone; whoever comes after it is left alone.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for writing, read, or locked.
    pub(crate) fn put(&self) -> Result<Outcome> {
        let begun = Instant::now();
        let unused = Record::new();
        let mut before: Option<Asked> = None;
        loop {
            let found = self.holder()?;
            if let Some(asked) = &before
                && !asked.is_same_run(found.as_ref())
            {
                if found.is_some() || !asked.opened.is_held(self.path)? {
                    return Ok(asked.gone(self.path, begun));
                }
                // Its file was deleted; one that is awake puts it back within a tick.
                if begun.elapsed() < self.patience(asked) {
                    thread::sleep(Duration::from_millis(5));
                } else if let Some(outcome) =
                    self.stays(asked, asked.record.clone(), Busy::Unanswered, begun)?
                {
                    return Ok(outcome);
                }
                continue;
            }
            let Some(asked) = found else {
                return Ok(Outcome::NotHeld);
            };
            let left = self.patience(&asked).saturating_sub(begun.elapsed());
            let demand = Demand::Stop { within: left };
            let attempt = self
                .claim(&unused)
                .ask(&asked.opened, asked.record.clone(), demand)?;
            match attempt {
                // Of one that has gone `holder` finds nothing, or another run.
                Attempt::Acquired(_) | Attempt::Again(_) => {}
                Attempt::Busy(why, record)
                    if !left.is_zero() && self.waits_on(&why, record.as_deref()) => {}
                Attempt::Busy(why, record) => {
                    if let Some(outcome) = self.stays(&asked, record, why, begun)? {
                        return Ok(outcome);
                    }
                }
            }
            before = Some(asked);
        }
    }

    /// Of a claim the questions are used alone: this one is never acquired.
    fn claim<'a>(&'a self, unused: &'a Record) -> FileClaim<'a> {
        FileClaim {
            path: self.path,
            mode: DEFAULT_MODE,
            network_fs: true,
            on_stale: OnStale::Report,
            replace: true,
            around: &[],
            record: unused,
        }
    }

    /// Who holds the lock now.
    fn holder(&self) -> Result<Option<Asked>> {
        loop {
            let file = match open(self.path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                    ) =>
                {
                    return Err(Error::unfit(self.path, report::stop::may_not_ask(&error)));
                }
                Err(error) => return Err(why_not_open(self.path, error)),
            };
            let Some(opened) = Opened::seen(self.path, file)? else {
                continue;
            };
            if !opened.is_held(self.path)? {
                return Ok(None);
            }
            let record = match opened.settled_content(self.path)? {
                Content::Record(record) => Some(record),
                _ => None,
            };
            return Ok(Some(Asked { opened, record }));
        }
    }

    fn patience(&self, asked: &Asked) -> Duration {
        self.grace.unwrap_or_else(|| match &asked.record {
            Some(record) => patience(record.tick()) * 2 + record.grace().min(LONGEST_GRACE),
            None => patience(UNKNOWN_TICK) * 2,
        })
    }

    /// Whether there is any use in asking once more, of a holder that has not gone.
    fn waits_on(&self, why: &Busy, record: Option<&Record>) -> bool {
        match why {
            // Somebody else has asked first, and we wait with them.
            Busy::TakeoverInProgress => true,
            _ => self.grace.is_some() && record.and_then(process::standstill).is_none(),
        }
    }

    /// What is left to do with a holder that has not gone; `None` if it has, meanwhile.
    fn stays(
        &self,
        asked: &Asked,
        record: Option<Box<Record>>,
        why: Busy,
        begun: Instant,
    ) -> Result<Option<Outcome>> {
        let stays = |record, why| {
            let after = begun.elapsed();
            Ok(Some(Outcome::Stays { record, after, why }))
        };
        let (Some(mut record), Some(grace)) = (record.clone(), self.force) else {
            return stays(record, Stay::Busy(why));
        };
        let suspect = match asked.opened.proven_holder(&record) {
            Ok(suspect) => suspect,
            Err(why) => return stays(Some(record), Stay::Immune(why)),
        };
        // It may have gone while its identity was proven.
        if !asked.has_it(self.path)? {
            return Ok(None);
        }
        report::say(&report::stop::ending(self.path, &record, grace));
        if let Err(why) = end(&suspect, &mut record, grace) {
            return stays(Some(record), Stay::Immune(why));
        }
        // The kernel frees the lock with its last thread; a child that has inherited it may have been nobody's descendant any more.
        let deadline = Instant::now() + Duration::from_secs(1);
        while asked.has_it(self.path)? {
            if Instant::now() >= deadline {
                let hands = report::in_hands_of(&asked.opened.holders());
                return stays(
                    Some(record),
                    Stay::Immune(format!("it has ended, but {hands}")),
                );
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Some(Outcome::Gone {
            record: Some(record),
            after: begun.elapsed(),
            forced: true,
        }))
    }
}

impl Asked {
    /// Whether this may be the run that was found now; one whose record cannot be read may be any.
    fn is_same_run(&self, found: Option<&Self>) -> bool {
        found.is_some_and(|found| match (&self.record, &found.record) {
            (Some(ours), Some(theirs)) => ours.owner == theirs.owner,
            _ => true,
        })
    }

    /// What its file says now, which may have no name any more; what it said before, if that is another run's by now.
    fn last_words(&self, path: &Path) -> Option<Box<Record>> {
        let known = self.record.as_ref();
        match self.opened.settled_content(path) {
            Ok(Content::Record(now)) if known.is_none_or(|known| known.owner == now.owner) => {
                Some(now)
            }
            _ => self.record.clone(),
        }
    }

    /// Whether the run that was asked has the lock still.
    fn has_it(&self, path: &Path) -> Result<bool> {
        let is_anothers = match (&self.record, self.opened.settled_content(path)?) {
            (Some(known), Content::Record(now)) => known.owner != now.owner,
            _ => false,
        };
        Ok(!is_anothers && self.opened.is_held(path)?)
    }

    fn gone(&self, path: &Path, begun: Instant) -> Outcome {
        Outcome::Gone {
            record: self.last_words(path),
            after: begun.elapsed(),
            forced: false,
        }
    }
}

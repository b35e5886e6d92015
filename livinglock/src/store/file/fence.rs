//! Putting a new lock file in the place of one whose holder does not answer.
//!
//! The holder keeps its own file, which no path leads to any more. When it wakes up, it finds that, and passes no checkpoint.

use std::{fs, io, path::PathBuf, time::Duration};

use super::{
    Attempt, FileClaim, Taken,
    faults::{Protection, Step, omits, reach},
    opened::{ALIVE, Opened},
    question::LONGEST_GRACE,
};
use crate::{
    error::{Error, Result},
    predecessor::{How, Takeover},
    record::{Content, Record},
    report::{self, Event, Outcome},
    sys,
};

impl FileClaim<'_> {
    /// Replaces the file of a holder that was found not to answer, if nothing has changed since.
    pub(super) fn fence(
        &self,
        opened: &Opened,
        record: Box<Record>,
        after: Duration,
    ) -> Result<Attempt> {
        // Only with the guard of the old file may its path come to mean another one.
        let _guard = opened.guard(self.path, Protection::GUARD_FENCE)?;
        let unchanged = opened
            .is_at(self.path)
            .map_err(|error| Error::io("look at", self.path, error))?
            && opened.is_held(self.path)?
            && opened.content(self.path)? == Content::Record(record.clone());
        if !unchanged {
            return Ok(Attempt::AGAIN);
        }
        let aside = self.aside();
        let new = self.create_aside(&aside)?;
        let replaced = self.fill(&new, &record).and_then(|filled| {
            reach(Step::FENCING);
            fs::rename(&aside, self.path)?;
            Ok(filled)
        });
        let (next, written) = match replaced {
            Ok(filled) => filled,
            Err(error) => {
                // Ours, and of no use to anybody.
                let _: io::Result<()> = fs::remove_file(&aside);
                return Err(Error::io("replace", self.path, error));
            }
        };
        reach(Step::FENCED);
        Event::new(Outcome::Fenced, self.path, Some(&record))
            .after(record.silence())
            .say(&report::fenced(self.path, &record, next.probation()));
        let takeover = Takeover {
            owner: record.owner.clone(),
            how: How::Fenced,
            after,
            autopsy: record.autopsy.clone(),
        };
        Ok(Attempt::Acquired(Box::new(Taken {
            lease: self.lease(new, written),
            record: next,
            left: Content::Record(record),
            fenced: Some(takeover),
        })))
    }

    /// Where the new file is made: beside the old one, under one name for all, so that a crash leaves at most one behind.
    fn aside(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".fence");
        PathBuf::from(name)
    }

    fn create_aside(&self, aside: &std::path::Path) -> Result<Opened> {
        for _ in 0..2 {
            match Opened::create_at(aside, self.mode) {
                Ok(Some(new)) => return Ok(new),
                Ok(None) => self.remove_leftover(aside)?,
                Err(error) => {
                    // It may have been made before that failed; the name is ours, by the guard.
                    let _: Result<()> = self.remove_leftover(aside);
                    return Err(error);
                }
            }
        }
        Err(Error::unfit(
            aside,
            "is in the way of a takeover; remove it",
        ))
    }

    /// Removes what a fence left behind that was killed: under the guard nobody else is about to fence.
    fn remove_leftover(&self, aside: &std::path::Path) -> Result<()> {
        let Some(leftover) = Opened::at(aside, self.mode)? else {
            return Ok(());
        };
        let ours = matches!(
            leftover.content(aside)?,
            Content::Record(_) | Content::Torn | Content::Blank
        );
        if ours && !leftover.is_held(aside)? {
            fs::remove_file(aside).map_err(|error| Error::io("remove", aside, error))?;
        }
        Ok(())
    }

    /// Makes the new file one that we hold.
    fn fill(&self, new: &Opened, old: &Record) -> io::Result<(Record, Vec<u8>)> {
        if !sys::try_lock_byte(&new.file, ALIVE)? {
            return Err(io::Error::other("somebody else holds the new file"));
        }
        let next = self.new_record(Some(old), probation_after(old));
        let written = next.sealed();
        new.write(&written)?;
        Ok((next, written))
    }
}

/// How long a new owner beats before its job starts: a holder that is only slow looks at the path once in a tick, and has `grace` to
/// end what it is at.
fn probation_after(old: &Record) -> Duration {
    if omits(Protection::PROBATION) {
        return Duration::ZERO;
    }
    // The one before that may not have noticed either.
    (old.grace().min(LONGEST_GRACE) + 2 * old.tick()).max(old.probation())
}

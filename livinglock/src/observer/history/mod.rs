//! A journal of the runs of a job: one line of JSON for each.

mod entry;
mod journal;

use std::{mem, path::Path, sync::PoisonError, time::Duration};

use self::journal::Journal;
use super::{
    Memory, News, clock,
    desk::Observer,
    outcome::{Course, Outcome, leaves_its_record},
    shared_file::Patience,
};
pub(crate) use entry::Entry;
#[cfg(feature = "cli")]
pub(crate) use journal::last;

use crate::{
    error::Result,
    predecessor::Predecessor,
    pulse::Role,
    record::{self, Habit, Record},
};

/// How long the beginning of a run waits for whoever writes the journal: to remember is a service, and no more.
const SHORT: Duration = Duration::from_millis(100);

/// Whoever writes the lines of one run.
///
/// A run that yields has none, since it is none; a run whose lock could not be had has one. A run that was killed cannot write its own, so
/// the next one does, which finds its record.
#[derive(Debug)]
pub(super) struct History {
    journal: Journal,
    name: String,
    course: Course,
    /// Of the run whose lock was taken over.
    before: Option<Outcome>,
    learned: Vec<Habit>,
    memory: Memory,
    patience: Patience,
}

impl History {
    /// The journal of a run that plays this role, which is created with these permissions.
    pub(super) fn new(path: &Path, name: &str, role: Role, mode: u32, memory: Memory) -> Self {
        Self {
            journal: Journal::new(path, mode),
            name: record::bounded_name(name),
            course: Course::of(role),
            before: None,
            learned: Vec::new(),
            memory,
            patience: Patience::default(),
        }
    }

    fn write(&mut self, news: &News, record: Option<&Record>) -> Result<()> {
        match (news, record) {
            (News::Failed(reason), _) => {
                let entry = Entry::of_refused(&self.name, reason);
                self.journal.add(&entry, self.patience.left())
            }
            (News::Began(before), _) => {
                self.remember();
                before
                    .as_ref()
                    .map_or(Ok(()), |before| self.write_predecessor(before))
            }
            (News::Progressed, _) => {
                self.course.progresses();
                Ok(())
            }
            (News::Hung, _) => {
                self.course.stalls();
                Ok(())
            }
            (News::Learned(learned), _) => {
                self.learned.clone_from(learned);
                Ok(())
            }
            (News::Ended(end), Some(record)) => {
                let entry = Entry {
                    exit_status: self.course.exit_status(*end),
                    pace: mem::take(&mut self.learned),
                    predecessor: self.before,
                    ended: clock::text(clock::now()),
                    duration_ms: record::milliseconds(clock::since(record.acquired_ns)),
                    ..Entry::of(record, self.course.outcome(*end))
                };
                if leaves_its_record(*end) {
                    self.journal.add_once(&entry, self.patience.left())
                } else {
                    self.journal.add(&entry, self.patience.left())
                }
            }
            _ => Ok(()),
        }
    }

    /// Finds what runs before have learned. If the journal cannot be read, that is said when it cannot be written.
    fn remember(&self) {
        let learned = self.journal.pace_of(&self.name, SHORT).unwrap_or_default();
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = learned;
    }

    fn write_predecessor(&mut self, before: &Predecessor) -> Result<()> {
        let Some((outcome, record)) = Outcome::of_predecessor(before) else {
            return Ok(());
        };
        self.before = Some(outcome);
        // A damaged record names nobody.
        if record.owner.is_empty() {
            return Ok(());
        }
        let entry = Entry::of(record, outcome);
        self.journal.add_once(&entry, self.patience.left())
    }
}

impl Observer for History {
    fn hear(&mut self, news: &News, record: Option<&Record>) {
        if let Err(error) = self.write(news, record)
            && self.patience.ends()
        {
            self.journal.file().tell(&error);
        }
    }
}

//! A file with the metrics of a job, for the textfile collector of `node_exporter`.

mod note;
mod page;
mod sample;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use self::{
    note::{Note, Sight},
    page::Page,
};
use super::{
    News, clock,
    desk::Observer,
    outcome::{Course, Outcome, leaves_its_record},
    shared_file::{Patience, SharedFile},
};
use crate::{
    error::{Error, Result},
    predecessor::{Fate, Predecessor},
    pulse::Role,
    record::{self, Record},
};

/// The least time between two writes that tell of progress alone. Nobody scrapes more often than that; and it is less than the longest
/// tick of a pulse, of which none is to be left out because it comes a little early.
const PAUSE: Duration = Duration::from_millis(900);

/// No file is longer, in bytes: it tells of some hundred jobs.
const LONGEST: u64 = 1 << 20;

/// For everybody to read: the collector runs as a user of its own, and there is nothing in it but names and numbers.
const MODE: u32 = 0o644;

/// Whoever writes the metrics of one run.
#[derive(Debug)]
pub(super) struct Metrics {
    file: SharedFile,
    name: String,
    course: Course,
    /// What the file does not say yet. What could not be written is written with what comes next.
    notes: Vec<Note>,
    written: Option<Instant>,
    patience: Patience,
}

/// Checks the name of the file.
pub(crate) fn check(path: &Path) -> Result<()> {
    if path
        .extension()
        .is_some_and(|extension| extension == "prom")
    {
        return Ok(());
    }
    Err(Error::unfit(
        path,
        "is no name for a metrics file: it must end in `.prom`, because node_exporter reads no other file",
    ))
}

impl Metrics {
    /// The metrics of a run that plays this role, in a file that is fit for them.
    pub(super) fn new(path: &Path, name: &str, role: Role) -> Self {
        Self {
            file: SharedFile::new(path, "write the metrics file"),
            name: record::bounded_name(name),
            course: Course::of(role),
            notes: Vec::new(),
            written: None,
            patience: Patience::default(),
        }
    }

    fn note(&mut self, news: &News, record: Option<&Record>) {
        let note = match (news, record) {
            (News::Yielded, _) => Note::Yielded,
            (News::Failed(_), _) => Note::Refused,
            (News::Began(before), Some(record)) => {
                let before = before.as_deref();
                let fate = before.map(Predecessor::fate);
                Note::Began {
                    run: Sight::of(record),
                    takes_over: matches!(fate, Some(Fate::Hung | Fate::Frozen | Fate::Lapsed)),
                    before: before
                        .and_then(Outcome::of_predecessor)
                        .map(|(outcome, record)| (record.fencing_token, outcome)),
                }
            }
            (News::Progressed, Some(record)) => {
                self.course.progresses();
                // The next one tells more.
                if let Some(Note::Progressed(_)) = self.notes.last() {
                    self.notes.pop();
                }
                Note::Progressed(Sight::of(record))
            }
            (News::Hung, Some(record)) => {
                self.course.stalls();
                Note::Stalled(Sight::of(record))
            }
            (News::Ended(end), Some(record)) => Note::Ended {
                token: record.fencing_token,
                at: clock::now(),
                lasted: record::milliseconds(clock::since(record.acquired_ns)),
                outcome: self.course.outcome(*end),
                exit_status: self.course.exit_status(*end),
                is_left: leaves_its_record(*end),
            },
            _ => return,
        };
        self.notes.push(note);
    }

    fn write(&mut self, patience: Duration) -> Result<()> {
        let turn = self.file.turn(patience)?;
        let Some(mut page) = Page::of(&turn.read(LONGEST)?) else {
            return Err(Error::unfit(
                self.file.path(),
                "has metrics that are not ours, and is left as it is; use another path, or move it away",
            ));
        };
        let series = page.series_of(&self.name);
        for note in &self.notes {
            note.enter(series);
        }
        let text = page.to_string();
        if text.len() as u64 > LONGEST {
            return Err(Error::unfit(
                self.file.path(),
                "has no room for another job; give jobs with many names a file each",
            ));
        }
        turn.replace(text.as_bytes(), MODE)
    }
}

impl Observer for Metrics {
    fn hear(&mut self, news: &News, record: Option<&Record>) {
        self.note(news, record);
        let is_urgent = !matches!(news, News::Progressed);
        let is_due = self.written.is_none_or(|last| last.elapsed() >= PAUSE);
        if self.notes.is_empty() || !is_urgent && !is_due {
            return;
        }
        // Progress that is not written now is told by the next one.
        let patience = if is_urgent {
            self.patience.left()
        } else {
            Duration::ZERO
        };
        match self.write(patience) {
            Ok(()) => {
                self.notes.clear();
                self.written = Some(Instant::now());
                self.patience.returns();
            }
            Err(_) if !is_urgent => {}
            Err(error) => {
                if self.patience.ends() {
                    self.file.tell(&error);
                }
            }
        }
    }
}

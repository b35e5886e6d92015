//! Locks in local files: kernel locks on single bytes decide, the record describes.

mod faults;
mod fence;
mod lease;
mod opened;
mod question;
#[cfg(feature = "cli")]
mod request;
#[cfg(feature = "cli")]
mod sight;
mod store;
#[cfg(feature = "cli")]
mod survey;

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use faults::{Protection, Step, reach};
pub(crate) use faults::{Protection as FaultProtection, omits};
pub(crate) use lease::FileLease;
pub(crate) use opened::DEFAULT_MODE;
use opened::{ALIVE, Opened};
use question::Demand;
#[cfg(feature = "cli")]
pub(crate) use question::end;
pub(crate) use question::{LONGEST_GRACE, patience};
#[cfg(feature = "cli")]
pub(crate) use request::{Outcome, Request, Stay};
#[cfg(feature = "cli")]
pub(crate) use sight::{Ages, Asked, Clock, Condition, Sight};
pub use store::FileStore;
#[cfg(feature = "cli")]
pub(crate) use survey::{Probe, Survey, holders, shared_file_system};

use crate::{
    OnStale,
    error::{Error, Result},
    predecessor::{Predecessor, Takeover},
    process::{self, Identity},
    record::{self, Content, Record, State},
    report::Busy,
    sys,
};

/// What a newcomer brings.
#[derive(Debug)]
pub(crate) struct FileClaim<'a> {
    pub(crate) path: &'a Path,
    pub(crate) mode: u32,
    pub(crate) network_fs: bool,
    pub(crate) on_stale: OnStale,
    /// Ask a working holder to stop.
    pub(crate) replace: bool,
    /// The owners whom nobody waits for, because it would be for itself.
    pub(crate) around: &'a [String],
    /// The record of the new holder, without what is known only at acquisition.
    pub(crate) record: &'a Record,
}

/// A lock file that was acquired.
#[derive(Debug)]
pub(crate) struct FileAcquired {
    pub(crate) lease: FileLease,
    pub(crate) record: Record,
    pub(crate) predecessor: Option<Predecessor>,
}

/// What one try has led to.
enum Attempt {
    Acquired(Box<Taken>),
    /// The file changed under our hands, or its holder has just gone: by what we did, if it was that.
    Again(Option<Box<Takeover>>),
    Busy(Busy, Option<Box<Record>>),
}

/// A lock file that is ours.
struct Taken {
    lease: FileLease,
    record: Record,
    /// What the file said before.
    left: Content,
    /// We replaced the file of a holder that did not answer.
    fenced: Option<Takeover>,
}

impl Attempt {
    const AGAIN: Self = Self::Again(None);
}

impl FileClaim<'_> {
    /// Acquires the lock, from a hung holder after asking it; does not wait for a working one.
    pub(crate) fn acquire(&self) -> Result<FileAcquired> {
        // Read once from /proc: not under the guard.
        Identity::own();
        let mut takeover = None;
        loop {
            let Some(opened) = Opened::at(self.path, self.mode)? else {
                continue;
            };
            // Of a file that we created this instant, taking the byte tells as well.
            let attempt = if !opened.created && opened.is_held(self.path)? {
                self.judge(&opened)?
            } else {
                self.take(opened)?
            };
            match attempt {
                Attempt::Acquired(taken) => {
                    let Taken {
                        lease,
                        record,
                        left,
                        fenced,
                    } = *taken;
                    let takeover = fenced.or(takeover);
                    let predecessor = match left {
                        // It was released.
                        Content::Record(record) if record.state == State::Kept => None,
                        Content::Record(record) | Content::Other(record) => {
                            Some(Predecessor::new(Some(*record), takeover))
                        }
                        Content::Torn => Some(Predecessor::new(None, takeover)),
                        Content::Blank | Content::Foreign => None,
                    };
                    return Ok(FileAcquired {
                        lease,
                        record,
                        predecessor,
                    });
                }
                Attempt::Again(by_us) => takeover = by_us.map(|by_us| *by_us).or(takeover),
                Attempt::Busy(why, holder) => {
                    return Err(Error::busy(self.path, why, holder.map(|record| *record)));
                }
            }
        }
    }

    /// Decides about a holder whose process is there.
    fn judge(&self, opened: &Opened) -> Result<Attempt> {
        reach(Step::JUDGED);
        let identity = Identity::own();
        let record = match opened.settled_content(self.path)? {
            Content::Record(record) => record,
            // Its pulse puts its own record back within a tick.
            Content::Foreign | Content::Other(_) => {
                return Ok(Attempt::Busy(Busy::Unknown, None));
            }
            // Its pulse writes a new record when asked.
            Content::Torn | Content::Blank => return self.ask(opened, None, Demand::Proof),
        };
        if self.around.contains(&record.owner) {
            return Ok(Attempt::Busy(Busy::Ours, Some(record)));
        }
        // Progress in the future of our own clock proves nothing.
        let silence = sys::monotonic_ns().checked_sub(record.progress_ns);
        let works = record.shares_clock(&identity.boot_id, identity.time_namespace)
            && silence.is_some_and(|silence| Duration::from_nanos(silence) <= record.stale());
        match (works, self.replace) {
            (true, false) if identity.wrote(&record) => Ok(Attempt::Busy(Busy::Ours, Some(record))),
            (true, false) => Ok(Attempt::Busy(Busy::Working, Some(record))),
            (_, true) => {
                let within = Duration::MAX;
                self.ask(opened, Some(record), Demand::Stop { within })
            }
            (false, false) => self.ask(opened, Some(record), Demand::Proof),
        }
    }

    /// Takes a lock that nobody holds.
    fn take(&self, opened: Opened) -> Result<Attempt> {
        if !self.network_fs
            && let Err(error) = opened.insist_on_local(self.path)
        {
            if opened.created && opened.is_at(self.path).unwrap_or(false) {
                // Ours, empty, and of no use to anybody.
                let _: io::Result<()> = std::fs::remove_file(self.path);
            }
            return Err(error);
        }
        if !opened.created {
            // Before any lock is taken on somebody's file.
            if let Some(refused) = self.refuse(&opened.content(self.path)?)? {
                return Ok(refused);
            }
        }
        let failed = |error| Error::io("lock", self.path, error);
        let guard = opened.guard(self.path, Protection::GUARD_CLAIM)?;
        if !sys::try_lock_byte(&opened.file, ALIVE).map_err(failed)? {
            return Ok(Attempt::AGAIN);
        }
        reach(Step::HELD);
        if !omits(Protection::COMPARE) && !opened.is_at(self.path).map_err(failed)? {
            return Ok(Attempt::AGAIN);
        }
        reach(Step::COMPARED);
        // Now that nobody else can change it.
        let content = opened.content(self.path)?;
        if let Some(refused) = self.refuse(&content)? {
            return Ok(refused);
        }
        if !opened.created {
            opened
                .narrow(self.mode)
                .map_err(|error| Error::io("inspect the lock file", self.path, error))?;
        }
        let previous = match &content {
            Content::Record(record) | Content::Other(record) => Some(&**record),
            _ => None,
        };
        // Whoever replaced a file and died before its job could start leaves a holder that may not have noticed yet.
        let probation = previous.map(Record::probation).unwrap_or_default();
        let record = self.new_record(previous, probation);
        let written = record.sealed();
        if let Err(error) = opened
            .write(&written)
            .and_then(|()| opened.cut(opened.size, written.len()))
        {
            if opened.created {
                // Ours, empty, and of no use to anybody; if it cannot go, the next run takes it as it is.
                let _: io::Result<()> = std::fs::remove_file(self.path);
            }
            return Err(Error::io("write the lock file", self.path, error));
        }
        drop(guard);
        reach(Step::WRITTEN);
        Ok(Attempt::Acquired(Box::new(Taken {
            lease: self.lease(opened, written),
            record,
            left: content,
            fenced: None,
        })))
    }

    fn lease(&self, opened: Opened, written: Vec<u8>) -> FileLease {
        FileLease::new(self.path, self.mode, self.network_fs, opened, written)
    }

    /// Refuses what is not ours to overwrite.
    fn refuse(&self, content: &Content) -> Result<Option<Attempt>> {
        match content {
            Content::Foreign => Err(Error::foreign(self.path)),
            Content::Other(record) if other_tool_works(record, self.record.stale()) => {
                Ok(Some(Attempt::Busy(Busy::OtherTool, Some(record.clone()))))
            }
            Content::Record(record) => {
                Ok(kept_for(record)
                    .map(|left| Attempt::Busy(Busy::Kept(left), Some(record.clone()))))
            }
            _ => Ok(None),
        }
    }

    fn new_record(&self, previous: Option<&Record>, probation: Duration) -> Record {
        // In microseconds. So far ahead no honest clock was: a forged token must leave the next ones room to grow.
        const CENTURY: u64 = 100 * 366 * 24 * 60 * 60 * 1_000_000;
        let mut record = self.record.clone();
        record.begin();
        let microseconds = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
            });
        record.fencing_token = previous
            .map(|record| record.fencing_token)
            .filter(|last| *last < microseconds.saturating_add(CENTURY))
            .map_or(microseconds, |last| microseconds.max(last + 1));
        if !probation.is_zero() {
            record.state = State::Probation;
            record.probation_ms = record::milliseconds(probation);
        }
        record
    }
}

/// Judges a record without a kernel lock by its process and its time. Nobody named by it is ever signalled.
fn other_tool_works(record: &Record, stale: Duration) -> bool {
    // A time in the future is as good as now: who set its clock is not known.
    let fresh = record.written().is_some_and(|written| {
        SystemTime::now()
            .duration_since(written)
            .map_or(true, |age| age <= stale)
    });
    fresh && process::is_alive(record.process_id)
}

/// How much longer a job that has ended keeps its lock.
fn kept_for(record: &Record) -> Option<Duration> {
    let identity = Identity::own();
    let now = record
        .shares_clock(&identity.boot_id, identity.time_namespace)
        .then(sys::monotonic_ns);
    record.kept_for(now, SystemTime::now())
}

impl Opened {
    fn is_held(&self, path: &Path) -> Result<bool> {
        sys::is_byte_locked(&self.file, ALIVE).map_err(|error| Error::io("look at", path, error))
    }
}

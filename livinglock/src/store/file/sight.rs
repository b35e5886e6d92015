//! What somebody sees of a lock who only looks: no lock is taken, nothing is written, and the right to read the file is enough.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    kept_for,
    opened::{Opened, QUESTION, STOP, why_not_open},
    other_tool_works,
};
use crate::{
    error::{Error, Result},
    predecessor::Fate,
    process::{self, Identity, Standstill},
    record::{Content, Record, State},
    report::{self, Busy},
    sys,
};

/// Another library's record does not say after which silence it is stale.
const USUAL_STALE: Duration = Duration::from_secs(60 * 60);

/// How a lock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nobody holds it, and nobody has left anything.
    Free,
    /// Its holder works, as far as its record can be judged from here.
    Working,
    /// Its holder passed no checkpoint for longer than `stale`, or was found so by a newcomer and is about to give way.
    Hung,
    /// Its holder stands still, so that not even its pulse can answer.
    StandsStill(Standstill),
    /// The process of its holder has gone, but somebody who inherited the open file has it.
    Inherited,
    /// Its holder was told to stop.
    Stopping,
    /// Its job has ended well, but keeps the lock for so much longer.
    Kept(Duration),
    /// A run has ended without releasing it.
    Left(Fate),
    /// A live process holds it by another library's record.
    OtherTool,
    /// It is held, and its record cannot be read.
    Unknown,
    /// The file is not a lock file.
    NotALock,
}

impl Condition {
    /// Whether a process has it by a kernel lock.
    pub(crate) fn is_held(self) -> bool {
        matches!(
            self,
            Self::Working
                | Self::Hung
                | Self::StandsStill(_)
                | Self::Stopping
                | Self::Inherited
                | Self::Unknown
        )
    }

    /// Why nobody can have the lock now; `None` if somebody could.
    pub(crate) fn busy(self) -> Option<Busy> {
        match self {
            Self::Free | Self::Left(_) | Self::NotALock => None,
            Self::Working | Self::Hung | Self::Stopping => Some(Busy::Working),
            Self::StandsStill(_) => Some(Busy::Unanswered),
            Self::Kept(left) => Some(Busy::Kept(left)),
            Self::OtherTool => Some(Busy::OtherTool),
            Self::Inherited | Self::Unknown => Some(Busy::Unknown),
        }
    }
}

/// What somebody asks of the holder just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That it works, or gives way.
    Proof,
    /// That it stops.
    Stop,
}

/// What was seen of a lock.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) condition: Condition,
    pub(crate) asked: Option<Asked>,
    pub(crate) record: Option<Box<Record>>,
    /// The file says that it is a lock file of ours, even if its record is damaged.
    pub(crate) is_ours: bool,
    pub(crate) ages: Ages,
}

/// How long ago was what a record tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    pub(crate) clock: Clock,
    /// The acquisition.
    pub(crate) held: Option<Duration>,
    /// The last progress that the record tells of.
    pub(crate) silence: Option<Duration>,
}

/// By which clock ages are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The holder's own, which nobody sets.
    Monotonic,
    /// That of the wall: the holder's own is of another boot, machine or time namespace.
    Wall,
    /// That of the store.
    Store,
}

impl Sight {
    /// Looks at the lock whose file is at this path.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        loop {
            let Some(opened) = open(path)? else {
                return Ok(Self::judged(false, Content::Blank));
            };
            let held = opened.is_held(path)?;
            if held {
                opened.await_its_record(path)?;
            }
            let content = opened.settled_content(path)?;
            let asked = opened.asked(path)?;
            let is_at = opened
                .is_at(path)
                .map_err(|error| Error::io("look at", path, error))?;
            // A release or an acquisition may have come between the two looks.
            if is_at && opened.is_held(path)? == held {
                return Ok(Self {
                    asked: asked.filter(|_| held),
                    ..Self::judged(held, content)
                });
            }
        }
    }

    /// The processes that have a held lock, with their names; those of other users only for root.
    pub(crate) fn hands(path: &Path) -> Result<Vec<(u32, String)>> {
        Ok(open(path)?.map_or_else(Vec::new, |opened| opened.holders()))
    }

    /// Whether the record has the very last checkpoint, and not just that of the last heartbeat.
    pub(crate) fn is_exact(&self) -> bool {
        self.record.as_ref().is_some_and(|record| {
            let told = matches!(
                record.state,
                State::Closing | State::Panicked | State::Stopped
            );
            // A job that goes quiet has that written a tick later; another one every `heartbeat`, which is under half of `stale`.
            let longest_between_heartbeats = record.stale() / 2 + record.tick() * 2;
            let silence = self.ages.silence.unwrap_or_default();
            told || self.is_held() && silence > longest_between_heartbeats
        })
    }

    fn is_held(&self) -> bool {
        matches!(
            self.condition,
            Condition::Working | Condition::Hung | Condition::Stopping
        )
    }

    /// How much was done by the last heartbeat, and in which time, if the job counts.
    pub(crate) fn pace(&self) -> Option<(u64, Duration)> {
        let record = self.record.as_deref()?;
        let done = record.checkpoint.as_ref()?.done?;
        let worked = record.progress_ns.checked_sub(record.acquired_ns)?;
        (done > 0 && worked > 0).then(|| (done, Duration::from_nanos(worked)))
    }

    /// How long the work will take still, if it goes on as it went since the acquisition.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let record = self.record.as_deref()?;
        if self.condition != Condition::Working || record.state != State::Working {
            return None;
        }
        let (done, worked) = self.pace()?;
        let to_do = record.checkpoint.as_ref()?.total?.checked_sub(done)?;
        let left = worked.as_nanos() * u128::from(to_do) / u128::from(done);
        let left = Duration::from_nanos(u64::try_from(left).ok()?);
        Some(left.saturating_sub(self.ages.silence?))
    }

    fn judged(held: bool, content: Content) -> Self {
        let is_ours = matches!(content, Content::Record(_) | Content::Torn);
        let (condition, record) = match content {
            Content::Record(record) if held => (of_holder(&record), Some(record)),
            _ if held => (Condition::Unknown, None),
            Content::Blank => (Condition::Free, None),
            Content::Torn => (Condition::Left(Fate::of_left(None)), None),
            Content::Foreign => (Condition::NotALock, None),
            Content::Other(record) => {
                let condition = if other_tool_works(&record, USUAL_STALE) {
                    Condition::OtherTool
                } else {
                    Condition::Left(Fate::of_left(Some(&record)))
                };
                (condition, Some(record))
            }
            Content::Record(record) => (of_left(&record), Some(record)),
        };
        Self {
            condition,
            asked: None,
            is_ours,
            ages: Ages::of(record.as_deref()),
            record,
        }
    }
}

impl Ages {
    fn of(record: Option<&Record>) -> Self {
        let own = Identity::own();
        let Some(record) = record else {
            return Self {
                clock: Clock::Wall,
                held: None,
                silence: None,
            };
        };
        if record.shares_clock(&own.boot_id, own.time_namespace) {
            let now = sys::monotonic_ns();
            let since = |moment| Some(Duration::from_nanos(now.saturating_sub(moment)));
            return Self {
                clock: Clock::Monotonic,
                held: since(record.acquired_ns),
                silence: since(record.progress_ns),
            };
        }
        let now = SystemTime::now();
        let since = |moment| now.duration_since(moment).ok();
        Self {
            clock: Clock::Wall,
            held: humantime::parse_rfc3339(&record.acquired)
                .ok()
                .and_then(since),
            // It is written when there was progress, or nearly so.
            silence: record.written().and_then(since),
        }
    }
}

impl Opened {
    /// Waits until whoever has just taken the lock has written its record, unless it is stopped before that.
    fn await_its_record(&self, path: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.is_guarded(path)? && Instant::now() < deadline {
            thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    fn asked(&self, path: &Path) -> Result<Option<Asked>> {
        let locked = |byte| {
            sys::is_byte_locked(&self.file, byte).map_err(|error| Error::io("look at", path, error))
        };
        Ok(if locked(STOP)? {
            Some(Asked::Stop)
        } else if locked(QUESTION)? {
            Some(Asked::Proof)
        } else {
            None
        })
    }
}

fn of_holder(record: &Record) -> Condition {
    let is_silent = || {
        let silence = Ages::of(Some(record)).silence;
        silence.is_some_and(|silence| silence > record.stale())
    };
    match (process::standstill(record), record.state) {
        (Some(standstill), _) => Condition::StandsStill(standstill),
        (None, _) if process::is_gone(record) => Condition::Inherited,
        (None, State::Closing) => Condition::Hung,
        (None, State::Stopping) => Condition::Stopping,
        (None, _) if is_silent() => Condition::Hung,
        (None, _) => Condition::Working,
    }
}

fn of_left(record: &Record) -> Condition {
    match record.state {
        State::Kept => kept_for(record).map_or(Condition::Free, Condition::Kept),
        _ => Condition::Left(Fate::of_left(Some(record))),
    }
}

/// The lock file, if there is one.
fn open(path: &Path) -> Result<Option<Opened>> {
    loop {
        let error = match open_to_read(path) {
            Ok(file) => match Opened::seen(path, file)? {
                // Unlinked meanwhile.
                None => continue,
                seen => return Ok(seen),
            },
            Err(error) => error,
        };
        return match error.kind() {
            io::ErrorKind::NotFound => Ok(None),
            io::ErrorKind::PermissionDenied => {
                Err(Error::unfit(path, report::may_not_look(&error)))
            }
            _ => Err(why_not_open(path, error)),
        };
    }
}

fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(sys::OPEN_FLAGS)
        .open(path)
}

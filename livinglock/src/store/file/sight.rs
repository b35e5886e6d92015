//! What somebody sees of a lock who only looks: no lock is taken, nothing is written, and the right to read the file is enough.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use super::{
    kept_for,
    opened::{Opened, why_not_open},
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
            Self::Working | Self::Hung | Self::StandsStill(_) | Self::Stopping | Self::Unknown
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
            Self::Unknown => Some(Busy::Unknown),
        }
    }
}

/// What was seen of a lock.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) condition: Condition,
    pub(crate) record: Option<Box<Record>>,
}

impl Sight {
    /// Looks at the lock whose file is at this path.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        loop {
            let file = match open_to_read(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self {
                        condition: Condition::Free,
                        record: None,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(Error::unfit(path, report::may_not_look(&error)));
                }
                Err(error) => return Err(why_not_open(path, error)),
            };
            let Some(opened) = Opened::seen(path, file)? else {
                continue;
            };
            let held = opened.is_held(path)?;
            let content = opened.settled_content(path)?;
            let is_at = opened
                .is_at(path)
                .map_err(|error| Error::io("look at", path, error))?;
            // A release or an acquisition may have come between the two looks.
            if is_at && opened.is_held(path)? == held {
                return Ok(Self::judged(held, content));
            }
        }
    }

    fn judged(held: bool, content: Content) -> Self {
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
        Self { condition, record }
    }
}

fn of_holder(record: &Record) -> Condition {
    let own = Identity::own();
    let is_silent =
        record.shares_clock(&own.boot_id, own.time_namespace) && record.silence() > record.stale();
    match (process::standstill(record), record.state) {
        (Some(standstill), _) => Condition::StandsStill(standstill),
        (None, State::Closing) => Condition::Hung,
        (None, State::Stopping) => Condition::Stopping,
        (None, _) if is_silent => Condition::Hung,
        (None, _) => Condition::Working,
    }
}

fn of_left(record: &Record) -> Condition {
    match record.state {
        State::Kept => kept_for(record).map_or(Condition::Free, Condition::Kept),
        _ => Condition::Left(Fate::of_left(Some(record))),
    }
}

fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(sys::OPEN_FLAGS)
        .open(path)
}

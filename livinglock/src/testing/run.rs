//! A run that a test describes.

use std::{panic::Location, time::Duration};

use crate::{
    Fate, Predecessor,
    predecessor::{How, Takeover},
    process::Identity,
    record::{self, Checkpoint, Record, State},
    site::Site,
};

/// A run other than the one under test: who holds the lock, or has left it.
///
/// ```
/// use livinglock::{Record, testing::Run};
///
/// let record: Record = Run::new("nightly").progress(12, 500).message("order 12").into();
/// assert_eq!(record.checkpoint.unwrap().done, Some(12));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a run that nobody is told of changes nothing"]
pub struct Run(Record);

impl Run {
    /// A run of this job, which has passed no checkpoint yet.
    pub fn new(name: &str) -> Self {
        let mut record = Record::new();
        Identity::own().sign(&mut record);
        Self(Record {
            name: record::bounded_name(name),
            owner: "another run".to_owned(),
            // No process has it: the largest that Linux gives is 4194304.
            process_id: 9_999_999,
            process_started: 0,
            process_inode: 0,
            ..record
        })
    }

    /// The progress at its last checkpoint.
    #[track_caller]
    pub fn progress(mut self, done: u64, total: u64) -> Self {
        let checkpoint = self.checkpoint(Location::caller());
        (checkpoint.done, checkpoint.total) = (Some(done), Some(total));
        self
    }

    /// The message of its last checkpoint.
    #[track_caller]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.checkpoint(Location::caller()).message = Some(message.into());
        self
    }

    fn checkpoint(&mut self, caller: &'static Location<'static>) -> &mut Checkpoint {
        self.0
            .checkpoint
            .get_or_insert_with(|| Checkpoint::new(Site::from(caller), None, None))
    }
}

impl From<Run> for Record {
    fn from(run: Run) -> Self {
        run.0
    }
}

/// The run that has left this record, and met with this fate.
pub(super) fn predecessor(mut record: Record, fate: Fate) -> Predecessor {
    let (state, how) = match fate {
        Fate::Crashed | Fate::Lapsed => (State::Working, None),
        Fate::Hung => (State::Closing, Some(How::GaveWay)),
        Fate::Frozen => (State::Working, Some(How::Ended)),
        Fate::Panicked => (State::Panicked, None),
        Fate::Stopped => (State::Stopped, None),
        Fate::Rebooted => {
            "of the boot before".clone_into(&mut record.boot_id);
            Identity::own().host.clone_into(&mut record.host);
            (State::Working, None)
        }
        Fate::Foreign => {
            record.livinglock = 0;
            (State::Working, None)
        }
    };
    record.state = state;
    let takeover = how.map(|how| Takeover {
        owner: record.owner.clone(),
        how,
        after: Duration::from_secs(1),
        autopsy: None,
    });
    let predecessor = Predecessor::new(Some(record), takeover);
    if fate == Fate::Lapsed {
        predecessor.lapsed()
    } else {
        predecessor
    }
}

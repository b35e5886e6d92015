//! What a journal says of one run.

use serde::{Deserialize, Serialize};

use super::super::{clock, outcome::Outcome};
use crate::{
    process::Identity,
    record::{self, Checkpoint, Habit, Record},
};

/// What a journal says of one run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// The version of the format.
    pub(crate) livinglock: u32,
    /// The name of the job.
    #[serde(default)]
    pub(crate) name: String,
    /// The name of the machine.
    #[serde(default)]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) process_id: u32,
    /// A number that grows from one owner of the lock to the next; 0 where there was no run.
    #[serde(default)]
    pub(crate) fencing_token: u64,
    /// A random number that no other run has; empty where there was no run.
    #[serde(default)]
    pub(crate) owner: String,
    /// When the lock was acquired, in UTC (RFC 3339).
    pub(crate) started: String,
    /// When the run ended; of one that was killed its last heartbeat.
    pub(crate) ended: String,
    pub(crate) duration_ms: u64,
    pub(crate) outcome: Outcome,
    /// Of a process that could tell.
    #[serde(default)]
    pub(crate) exit_status: Option<u8>,
    /// The last checkpoint that is known.
    #[serde(default)]
    pub(crate) checkpoint: Option<Checkpoint>,
    /// What was seen at the slowest checkpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pace: Vec<Habit>,
    /// How the run ended whose lock was taken over.
    #[serde(default)]
    pub(crate) predecessor: Option<Outcome>,
    /// Why the lock could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// The version of the format that this code writes.
const VERSION: u32 = 1;

/// No reason is longer, in bytes: a line has to be small.
const LONGEST_REASON: usize = 1000;

impl Entry {
    /// What a record tells of its run, up to when it was written.
    pub(super) fn of(record: &Record, outcome: Outcome) -> Self {
        let started = humantime::parse_rfc3339(&record.acquired).ok();
        let lasted = started.and_then(|started| record.written()?.duration_since(started).ok());
        Self {
            livinglock: VERSION,
            name: record.name.clone(),
            host: record.host.clone(),
            process_id: record.process_id,
            fencing_token: record.fencing_token,
            owner: record.owner.clone(),
            started: record.acquired.clone(),
            ended: record.timestamp.clone(),
            duration_ms: lasted.map_or(0, record::milliseconds),
            outcome,
            exit_status: None,
            checkpoint: record.checkpoint.clone(),
            pace: Vec::new(),
            predecessor: None,
            reason: None,
        }
    }

    /// What there is to say where the lock could not be had.
    pub(super) fn of_refused(name: &str, reason: &str) -> Self {
        let now = clock::text(clock::now());
        let mut record = Record::new();
        Identity::own().sign(&mut record);
        name.clone_into(&mut record.name);
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            started: now.clone(),
            ended: now,
            reason: Some(reason[..end].to_owned()),
            ..Self::of(&record, Outcome::Refused)
        }
    }

    /// Reads a line; `None` if it is torn or somebody else's.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let entry: Self = serde_json::from_str(line).ok()?;
        (entry.livinglock == VERSION).then_some(entry)
    }

    pub(super) fn to_line(&self) -> String {
        // Numbers and texts: nothing here fails.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

//! What a hung job was doing when it was ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Checkpoint;

/// What a job was doing when it was ended because it reached no checkpoint.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Autopsy {
    /// For how long it had passed no checkpoint, in milliseconds.
    pub silence_ms: u64,
    /// Its threads, the most interesting 16 of them at most.
    pub threads: Vec<ThreadState>,
    /// How many threads it had.
    pub thread_count: usize,
    /// The processes that it had started, directly or not, 16 of them at most.
    pub descendants: Vec<Descendant>,
    /// How many such processes there were.
    pub descendant_count: usize,
}

/// What one thread of a job was doing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ThreadState {
    /// The kernel's number of the thread.
    pub id: u32,
    /// The name of the thread.
    pub name: String,
    /// Its state, by the letter of `/proc/PID/stat`: `R` runs, `S` sleeps, `D` waits uninterruptibly, `T` is stopped.
    pub state: String,
    /// The kernel function that it waited in, where the kernel says so (`/proc/PID/wchan`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_in: Option<String>,
    /// The checkpoint that it passed last, if it passed any; not known of a process that was ended from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

/// A process that a hung job had started.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Descendant {
    /// Its process id.
    pub process_id: u32,
    /// The name of its program.
    pub name: String,
}

impl Autopsy {
    /// No list is longer than this, so that a record stays small.
    const LONGEST_LIST: usize = 16;

    /// What was found, the lists cut to what a record has room for.
    pub(crate) fn new(
        silence: Duration,
        mut threads: Vec<ThreadState>,
        mut descendants: Vec<Descendant>,
    ) -> Self {
        let (thread_count, descendant_count) = (threads.len(), descendants.len());
        threads.truncate(Self::LONGEST_LIST);
        descendants.truncate(Self::LONGEST_LIST);
        Self {
            silence_ms: u64::try_from(silence.as_millis()).unwrap_or(u64::MAX),
            threads,
            thread_count,
            descendants,
            descendant_count,
        }
    }
}

//! What a job is at, and what it has started: told and ended when it reaches no checkpoint.

use std::time::Duration;

use super::Role;
use crate::{
    gate,
    process::{self, Family},
    record::{Autopsy, Checkpoint, Record, ThreadState},
};

/// What the threads of the job are doing.
pub(super) fn threads(role: Role) -> Vec<ThreadState> {
    match role {
        Role::Main | Role::Function => process::thread_states(),
        // Its own threads only wait for the command.
        #[cfg(feature = "cli")]
        Role::Runner { keeper } => Family::of(keeper)
            .ids()
            .flat_map(process::thread_states_of)
            .collect(),
    }
}

/// What is found of a job before it is ended.
pub(super) fn autopsy(role: Role, silence: Duration, family: Option<&Family>) -> Autopsy {
    let mut threads = threads(role);
    let passes = gate::last_passes();
    for thread in &mut threads {
        let last = passes.iter().find(|pass| pass.thread == thread.id);
        thread.checkpoint = last.map(|pass| Checkpoint::new(pass.site, None, None));
    }
    let mut descendants = family.map(Family::names).unwrap_or_default();
    descendants.retain(|descendant| Some(descendant.process_id) != role.keeper());
    Autopsy::new(silence, threads, descendants)
}

/// Ends what the job has started: it must not go on working for a lock that is lost. How many processes there were.
pub(super) fn end_descendants(record: &Record) -> usize {
    end(Family::of(record.process_id), record)
}

pub(super) fn end(family: Family, record: &Record) -> usize {
    family.end(record.grace().min(LONGEST_FAREWELL))
}

/// The longest time that what a job has started gets to end by itself, once the job has to go.
pub(crate) const LONGEST_FAREWELL: Duration = Duration::from_secs(2);

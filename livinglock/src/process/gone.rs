//! Whether the process that wrote a record has gone for certain.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Identity, Stat, is_proc_ours};
use crate::{record::Record, sys::PidFd};

/// Whether the process that wrote a record has certainly run its last instruction, and so has whoever ends what it has started.
pub(crate) fn is_over(record: &Record) -> bool {
    let has_ended = || is_near(record) && has_no_process(record.process_id);
    (is_gone(record) || has_ended()) && (record.keeper_id == 0 || has_no_process(record.keeper_id))
}

/// Whether the process that wrote a record, or whoever ends what it has started, would be seen from here, and has not gone.
pub(crate) fn is_here(record: &Record) -> bool {
    is_near(record) && !is_over(record)
}

/// Whether the process that wrote a record has certainly gone.
pub(crate) fn is_gone(record: &Record) -> bool {
    if !is_near(record) {
        return false;
    }
    // Not by /proc alone: mounted with `hidepid` it hides the processes of others.
    match PidFd::open(record.process_id) {
        Err(error) => is_no_process(&error),
        Ok(process) => {
            let recycled = record.process_inode != 0 && process.inode() != record.process_inode;
            let is_another = |stat: Stat| stat.started != record.process_started;
            recycled || is_proc_ours() && Stat::of(&folder(record)).is_some_and(is_another)
        }
    }
}

/// Whether nobody has this number, or somebody whose last thread has ended and whom nobody has reaped yet.
fn has_no_process(process_id: u32) -> bool {
    PidFd::open(process_id).map_or_else(
        |error| is_no_process(&error),
        |process| process.ended_within(Duration::ZERO),
    )
}

fn is_no_process(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}

/// Whether process ids and start times of a record mean here what they meant to its writer.
pub(super) fn is_near(record: &Record) -> bool {
    let own = Identity::own();
    record.boot_id == own.boot_id
        && record.pid_namespace == own.pid_namespace
        && record.time_namespace == own.time_namespace
}

pub(super) fn folder(record: &Record) -> PathBuf {
    Path::new("/proc").join(record.process_id.to_string())
}

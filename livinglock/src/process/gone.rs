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
    is_near_to(Identity::own(), record)
}

fn is_near_to(own: &Identity, record: &Record) -> bool {
    // What cannot be read, as behind systemd's `ProcSubset=pid`, is the same on every machine; so is the first PID namespace.
    let is_known = !own.boot_id.is_empty() && own.pid_namespace != 0;
    is_known
        && record.boot_id == own.boot_id
        && record.pid_namespace == own.pid_namespace
        && record.time_namespace == own.time_namespace
}

pub(super) fn folder(record: &Record) -> PathBuf {
    Path::new("/proc").join(record.process_id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise its number, which nobody has here, would prove that it has gone, and two machines would work.
    #[test]
    fn nobody_is_near_who_does_not_know_where_it_is() {
        let known = Identity {
            process_id: 7,
            process_started: 1,
            process_inode: 1,
            pid_namespace: 4_026_531_836,
            time_namespace: 4_026_531_834,
            boot_id: "6f1c8ed6-34a3-4b8c-9f0d-6a4c1d0f1f55".to_owned(),
            host: String::new(),
        };
        let without_boot = Identity {
            boot_id: String::new(),
            ..known.clone()
        };
        let without_namespace = Identity {
            pid_namespace: 0,
            ..known.clone()
        };
        for (identity, is_near) in [
            (known, true),
            (without_boot, false),
            (without_namespace, false),
        ] {
            let mut record = Record::default();
            identity.sign(&mut record);
            assert_eq!(is_near_to(&identity, &record), is_near, "{identity:?}");
        }
    }
}

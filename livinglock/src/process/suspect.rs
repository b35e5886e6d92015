//! Ending the process that a record names, once it is proven to be the one that wrote it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Identity, Stat, descendants::Family, is_proc_ours};
use crate::{record::Record, sys::PidFd};

/// A process of which we hold a pidfd and know that it wrote a certain record.
#[derive(Debug)]
pub(crate) struct Suspect {
    process_id: u32,
    process: PidFd,
}

impl Suspect {
    /// How long the kernel may take to end a process after SIGKILL.
    const DEATH: Duration = Duration::from_secs(2);

    /// The process that wrote the record; otherwise why that cannot be said of any.
    ///
    /// The pidfd comes first and the comparison second, so that what was compared is what will be signalled. The start time alone is
    /// not enough: it counts in hundredths of a second, within which numbers are used again.
    pub(crate) fn proven(record: &Record) -> Result<Self, String> {
        let own = Identity::own();
        let folder = folder(record.process_id);
        let refuse = |why: &str| Err(why.to_owned());
        if record.boot_id != own.boot_id || own.boot_id.is_empty() {
            return refuse("it belongs to another boot or another machine");
        }
        if record.pid_namespace != own.pid_namespace {
            return refuse("it runs in another PID namespace");
        }
        if record.time_namespace != own.time_namespace {
            return refuse("it runs in another time namespace");
        }
        if !is_proc_ours() {
            return refuse("/proc shows another PID namespace than ours; mount the right one");
        }
        if record.process_id <= 1 || record.process_id == own.process_id {
            return refuse("its process id is 1 or our own");
        }
        let process = PidFd::open(record.process_id)
            .map_err(|error| format!("its process cannot be opened: {error}"))?;
        let started = Stat::of(&folder).map(|stat| stat.started);
        if started != Some(record.process_started) || process.inode() != record.process_inode {
            return refuse("its process id belongs to another process now");
        }
        Ok(Self {
            process_id: record.process_id,
            process,
        })
    }

    /// Ends the process by SIGTERM, after `grace` by SIGKILL, and with it its descendants.
    pub(crate) fn end(&self, grace: Duration, mut family: Family) -> Result<(), String> {
        let not_permitted = |error: io::Error| format!("{error}; run as its user or as root");
        self.process.signal(PidFd::SIGTERM).map_err(not_permitted)?;
        if !self.process.ended_within(grace) {
            family.look_again();
            self.process.signal(PidFd::SIGKILL).map_err(not_permitted)?;
            if !self.process.ended_within(Self::DEATH) {
                let state = Stat::of(&folder(self.process_id)).map_or('?', |stat| stat.state);
                return Err(format!(
                    "it is in state {state} and does not die; it waits in the kernel, often for a disk or a server: mend that, or reboot"
                ));
            }
        }
        family.end(Self::DEATH);
        Ok(())
    }
}

fn folder(process_id: u32) -> PathBuf {
    Path::new("/proc").join(process_id.to_string())
}

//! Whether a process can run at all.

use std::{fs, path::Path};

use super::{Identity, Stat};
use crate::record::Record;

/// Why a process does not run, though it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standstill {
    /// By a signal, such as SIGSTOP.
    Stopped,
    /// By a debugger.
    Traced,
    /// By the freezer of its cgroup.
    Frozen,
}

/// Why the process that wrote a record stands still; `None` if it does not, or cannot be seen from here.
pub(crate) fn standstill(record: &Record) -> Option<Standstill> {
    let own = Identity::own();
    if record.boot_id != own.boot_id || record.pid_namespace != own.pid_namespace {
        return None;
    }
    let folder = Path::new("/proc").join(record.process_id.to_string());
    let stat = Stat::of(&folder).filter(|stat| stat.started == record.process_started)?;
    match stat.state {
        'T' => Some(Standstill::Stopped),
        't' => Some(Standstill::Traced),
        _ => is_frozen(&folder).then_some(Standstill::Frozen),
    }
}

/// Whether its cgroup is frozen (`cgroup.events`). One frozen by the first version of cgroups looks like any that waits in the kernel.
fn is_frozen(folder: &Path) -> bool {
    // Where the second version is mounted: alone, or beside the first one.
    const ROOTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let groups = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return false;
    };
    ROOTS.iter().any(|root| {
        let events = Path::new(root).join(group).join("cgroup.events");
        fs::read_to_string(events).is_ok_and(|events| events.lines().any(|line| line == "frozen 1"))
    })
}

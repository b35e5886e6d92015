//! The process that wrote a record, as anybody may see it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Stat,
    descendants::Family,
    gone::{folder, is_near},
    is_proc_ours,
};
use crate::record::{Descendant, Record};

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
    let (folder, stat) = writer(record)?;
    match stat.state {
        'T' => Some(Standstill::Stopped),
        't' => Some(Standstill::Traced),
        _ => is_frozen(&folder).then_some(Standstill::Frozen),
    }
}

/// The processes that the one that wrote a record has started; none if it cannot be seen from here.
pub(crate) fn descendants_of_writer(record: &Record) -> Vec<Descendant> {
    writer(record).map_or_else(Vec::new, |_| Family::of(record.process_id).names())
}

fn writer(record: &Record) -> Option<(PathBuf, Stat)> {
    if !is_near(record) || !is_proc_ours() {
        return None;
    }
    let folder = folder(record);
    let stat = Stat::of(&folder).filter(|stat| stat.started == record.process_started)?;
    Some((folder, stat))
}

/// Whether its cgroup, or one around it, is frozen.
fn is_frozen(folder: &Path) -> bool {
    let groups = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
    groups.lines().any(|line| {
        // `NUMBER:CONTROLLERS:/PATH`, of the second version `0::/PATH`.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else {
            return false;
        };
        let group = group.trim_start_matches('/');
        if controllers.is_empty() {
            // Where the second version is mounted: alone, or beside the first one.
            let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
            let file = |root| Path::new(root).join(group).join("cgroup.events");
            roots.map(file).iter().any(|file| says(file, "frozen 1"))
        } else {
            let file = Path::new("/sys/fs/cgroup/freezer").join(group);
            controllers
                .split(',')
                .any(|controller| controller == "freezer")
                && says(&file.join("freezer.state"), "FROZEN")
        }
    })
}

fn says(file: &Path, wanted: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line == wanted))
}

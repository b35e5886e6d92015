//! What an operator is told who stops a job, or waits for its end.

use std::{io, path::Path, time::Duration};

use super::{Now, autopsy, busy, last_checkpoint, path, span, who};
use crate::{
    process::{Standstill, standstill},
    record::{Record, State},
    report::Busy,
    store::file::{Condition, Stay},
};

/// Why a holder cannot even be asked.
pub(crate) fn may_not_ask(error: &io::Error) -> String {
    format!(
        "cannot be opened for writing ({error}), without which nobody can ask its holder to stop; run as the user of the job, or as root"
    )
}

/// That there is nobody to ask.
pub(crate) fn nobody(lock: &Path, condition: Condition) -> String {
    let why = match condition {
        Condition::Left(_) => "is not held, but left behind by a run that is gone".to_owned(),
        Condition::Kept(left) => format!(
            "is not held, but kept for {} more by `at_least`: its job has ended",
            span(left)
        ),
        _ => "is not held".to_owned(),
    };
    format!("{} {why}; there is nothing to stop", path(lock))
}

/// What is said of a live process that holds a lock by another library's record.
pub(crate) fn other_tool(lock: &Path, record: Option<&Record>) -> String {
    format!(
        "{}, which knows no requests; end that process itself",
        busy(lock, &Busy::OtherTool, record)
    )
}

/// What an operator with `--force` says before a process is ended.
pub(crate) fn ending(lock: &Path, record: &Record, grace: Duration) -> String {
    format!(
        "{}: {} has not stopped; sending SIGTERM, and SIGKILL after {}",
        path(lock),
        who(record),
        span(grace)
    )
}

/// How the run has ended that was asked to stop.
pub(crate) fn gone(lock: &Path, record: Option<&Record>, after: Duration, forced: bool) -> String {
    let (path, after) = (path(lock), span(after));
    let Some(record) = record else {
        return format!("{path}: its holder has gone after {after}");
    };
    let end = match record.state {
        _ if forced => "was ended",
        State::Stopped => "stopped",
        State::Panicked => "panicked",
        State::Stopping | State::Closing if record.autopsy.is_some() => {
            "reached no checkpoint within its grace, and was ended by its own pulse"
        }
        _ => "has let go of it",
    };
    format!(
        "{path}: {} {end} after {after}; {}{}",
        who(record),
        last_checkpoint(record, None),
        record.autopsy.as_ref().map_or_else(String::new, autopsy)
    )
}

/// That a run was asked in vain, and does not have the lock any more all the same.
pub(crate) fn lapsed(lock: &Path, record: &Record, after: Duration) -> String {
    format!(
        "{}: the lease of {} has run out after {}, in which it has not answered; {}",
        path(lock),
        who(record),
        span(after),
        last_checkpoint(record, None)
    )
}

/// Why the run that was asked to stop has the lock still.
pub(crate) fn stays(lock: &Path, record: Option<&Record>, after: Duration, why: &Stay) -> String {
    const FORCE: &str = "`livinglock stop --force`";
    let Some(record) = record else {
        return match why {
            Stay::Busy(why @ Busy::Guarded(_)) => busy(lock, why, None),
            _ => busy(lock, &Busy::Unknown, None),
        };
    };
    let (lock, who) = (path(lock), who(record));
    let last = Now::read().last_checkpoint(record);
    match why {
        Stay::Immune(why) => format!("{lock} is held by {who}, which cannot be ended: {why}"),
        Stay::Busy(Busy::Working) => format!(
            "{lock}: {who} works on, and its pulse takes no notice of the request; {last}; end it with {FORCE}"
        ),
        Stay::Busy(_) => {
            let state = match (standstill(record), record.state) {
                (Some(Standstill::Stopped), _) => {
                    "does not answer: it is stopped by a signal".to_owned()
                }
                (Some(Standstill::Traced), _) => {
                    "does not answer: a debugger has stopped it".to_owned()
                }
                (Some(Standstill::Frozen), _) => "does not answer: its cgroup is frozen".to_owned(),
                (None, State::Closing | State::Stopping) => {
                    format!("is stopping, but has not ended within {}", span(after))
                }
                (None, _) => format!("has not answered within {}", span(after)),
            };
            let remedy = match record.state {
                State::Closing | State::Stopping if standstill(record).is_none() => {
                    "wait for it with `livinglock wait`"
                }
                _ => "continue it",
            };
            format!("{lock}: {who} {state}; {last}; {remedy}, or end it with {FORCE}")
        }
    }
}

/// What somebody says who has waited for a lock in vain.
pub(crate) fn still_held(
    lock: &Path,
    why: &Busy,
    record: Option<&Record>,
    waited: Duration,
) -> String {
    format!(
        "{}; gave up after {}",
        busy(lock, why, record),
        span(waited)
    )
}

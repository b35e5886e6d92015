//! Of who has the lock.

use std::path::Path;

use super::Finding;
use crate::{
    error::Error,
    process::Standstill,
    record::Record,
    report::{self, Busy, Now, last_checkpoint, path as shown, processes, who},
    store::file::Condition,
};

pub(crate) fn unseen(error: &Error) -> Finding {
    Finding::warning(format!(
        "who holds the lock cannot be told: {}",
        report::chain(error)
    ))
}

pub(crate) fn condition(path: &Path, condition: Condition, record: Option<&Record>) -> Finding {
    let lock = shown(path);
    let last = |record: &Record| Now::read().last_checkpoint(record);
    match (condition, record) {
        (Condition::Free | Condition::NotALock, _) => Finding::good(format!("nobody holds {lock}")),
        (Condition::Left(_), record) => {
            let last = record.map_or_else(String::new, |record| {
                format!("; {}", last_checkpoint(record, None))
            });
            Finding::good(format!(
                "nobody holds {lock}: a run that is gone has left it, and the next one acquires it at once{last}"
            ))
        }
        (Condition::Kept(left), record) => {
            Finding::good(report::busy(path, &Busy::Kept(left), record))
        }
        (Condition::Working, record) => Finding::good(report::busy(path, &Busy::Working, record)),
        (Condition::Stopping, Some(record)) => Finding::good(format!(
            "{lock}: {} was told to stop, and is about to; {}",
            who(record),
            last(record)
        )),
        (Condition::Hung, Some(record)) => Finding::warning(format!(
            "{lock}: {} hangs; {}; the next run takes the lock over, or end it with `livinglock stop`",
            who(record),
            last(record)
        )),
        (Condition::StandsStill(standstill), Some(record)) => {
            let why = match standstill {
                Standstill::Stopped => "is stopped by a signal",
                Standstill::Traced => "is stopped by a debugger",
                Standstill::Frozen => "is frozen with its cgroup",
            };
            Finding::warning(format!(
                "{lock}: {} {why}; {}; continue it, or end it with `livinglock stop --force`",
                who(record),
                last(record)
            ))
        }
        (Condition::Inherited, Some(record)) => Finding::warning(format!(
            "{lock}: {} has gone, but left its open file to another process, which has the lock now; {}; end that one",
            who(record),
            last(record)
        )),
        (Condition::OtherTool, record) => {
            Finding::warning(report::busy(path, &Busy::OtherTool, record))
        }
        (
            Condition::Unknown
            | Condition::Stopping
            | Condition::Hung
            | Condition::Inherited
            | Condition::StandsStill(_),
            _,
        ) => Finding::warning(report::busy(path, &Busy::Unknown, None)),
    }
}

/// Whether the processes that have the lock are the one that the record names.
pub(crate) fn hands(record: Option<&Record>, holders: &[(u32, String)]) -> Finding {
    let named =
        |process: &&(u32, String)| record.is_some_and(|record| record.process_id == process.0);
    let (holder, others): (Vec<_>, Vec<_>) = holders.iter().partition(named);
    let others: Vec<_> = others.into_iter().cloned().collect();
    match (holder.first(), processes(&others)) {
        (None, None) => Finding::warning(
            "no process that we may see has the lock: its holder belongs to another user, PID namespace or machine; look as root where it runs",
        ),
        (Some(_), None) => Finding::good("the process that the record names has the lock"),
        (Some(_), Some(others)) => Finding::warning(format!(
            "not only the process that the record names has the lock, but a child has inherited it: {others}; it stays held until that has ended, too"
        )),
        (None, Some(others)) => Finding::warning(format!(
            "not the process that the record names has the lock, but {others}; end that if it is a leftover"
        )),
    }
}

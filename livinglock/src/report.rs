//! The sentences that people see, and how they reach standard error.
//!
//! Text from a record or a path is somebody else's: what could steer a terminal is escaped.

#[cfg(feature = "cli")]
pub(crate) mod beat;
#[cfg(feature = "cli")]
pub(crate) mod doctor;
mod event;
#[cfg(feature = "cli")]
pub(crate) mod history;
mod holder;
mod lease;
#[cfg(feature = "ping")]
pub(crate) mod ping;
#[cfg(feature = "cli")]
pub(crate) mod run;
#[cfg(feature = "cli")]
mod status;
#[cfg(feature = "cli")]
pub(crate) mod stop;
mod text;

use std::{fmt::Write, path::Path, time::Duration};

pub(crate) use event::{Event, Outcome};
pub(crate) use holder::{closing, given_up, silent, stopped, stopping};
use holder::{ended, thread_state};
pub(crate) use lease::{cannot_renew, expiring, lease_too_short};
#[cfg(feature = "cli")]
pub(crate) use status::{Subject, block, change, no_lock_in, pace, standing_at, title};
use text::Escaped;
#[cfg(feature = "cli")]
pub(crate) use text::harmless_json;
#[cfg(feature = "progress")]
pub(crate) use text::{escaped, pace_of};
pub(crate) use text::{path, span};

#[cfg(feature = "progress")]
use crate::observer::progress;
use crate::{
    predecessor::{Fate, Predecessor},
    process::Identity,
    record::{Autopsy, Checkpoint, Record},
    sys,
};

/// Why a lock is busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// Its holder works.
    Working,
    /// Its holder has a lease in a store, whose clock tells these ages.
    Leased {
        held_for: Option<Duration>,
        written_ago: Option<Duration>,
    },
    /// This very process holds it.
    Ours,
    /// Somebody else is taking it over from a hung holder.
    TakeoverInProgress,
    /// Its holder is stale, but its pulse neither proves work nor gives way.
    Unanswered,
    /// It is held, and its record cannot be read.
    Unknown,
    /// A live process that uses another library's format.
    OtherTool,
    /// Its job has ended, but keeps it for so much longer.
    Kept(Duration),
    /// Somebody is stopped in the middle of changing the file: who has its guard.
    Guarded(Vec<(u32, String)>),
}

/// Writes one line, prefixed with our name, to standard error.
pub(crate) fn say(sentence: &str) {
    let line = format!("livinglock: {sentence}\n");
    // A reader that takes nothing for a second must not stop the pulse.
    let print = || sys::write_stderr(line.as_bytes(), Duration::from_secs(1));
    #[cfg(feature = "progress")]
    progress::suspend_if_possible(print);
    #[cfg(not(feature = "progress"))]
    print();
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let _ = write!(text, ": {next}");
        cause = next.source();
    }
    text
}

/// "/run/x.lock is busy: pid 4121 (nightly) has held it for 43m; last checkpoint src/import.rs:88 3s ago"
pub(crate) fn busy(path: &Path, why: &Busy, holder: Option<&Record>) -> String {
    let path = self::path(path);
    let now = Now::read();
    let who = holder.map_or_else(|| "a holder".to_owned(), who);
    match why {
        Busy::Working => {
            let held = holder
                .and_then(|holder| now.since(holder, holder.acquired_ns))
                .map_or_else(
                    || "holds it".to_owned(),
                    |held| format!("has held it for {}", span(held)),
                );
            let last = holder.map_or_else(String::new, |holder| now.last_checkpoint(holder));
            format!("{path} is busy: {who} {held}; {last}")
        }
        Busy::Leased {
            held_for,
            written_ago,
        } => {
            let held = held_for.map_or_else(
                || "holds it".to_owned(),
                |held| format!("has held it for {}", span(held)),
            );
            let last =
                holder.map_or_else(String::new, |holder| last_checkpoint(holder, *written_ago));
            format!("{path} is busy: {who} {held}; {last}")
        }
        Busy::Ours => {
            format!("{path} is busy: this process ({who}) holds it already; release it first")
        }
        Busy::TakeoverInProgress => {
            format!("{path} is busy: {who} is stopping, and another run is taking over")
        }
        Busy::Unanswered => {
            let silence = holder
                .and_then(|holder| now.since(holder, holder.progress_ns))
                .map_or_else(String::new, |silence| {
                    format!(" made no checkpoint for {} and", span(silence))
                });
            let last = holder.map_or_else(String::new, |holder| now.last_checkpoint(holder));
            format!(
                "{path} is busy: {who}{silence} does not answer: it is stopped, frozen or starved; {last}; continue it or kill it"
            )
        }
        Busy::Unknown => {
            format!(
                "{path} is busy: it is held, but its record cannot be read; see who has it open with fuser(1)"
            )
        }
        Busy::OtherTool => {
            let written = holder.map_or("", |holder| &holder.timestamp);
            format!(
                "{path} is busy: {who} holds it by another library's record, written {}",
                Escaped(written)
            )
        }
        Busy::Kept(left) => {
            format!(
                "{path} is busy: {who} has ended, but keeps it for {} more by `at_least`",
                span(*left)
            )
        }
        Busy::Guarded(guards) => {
            format!(
                "{path} is busy: somebody stopped in the middle of changing it; continue or kill {}",
                processes(guards).unwrap_or_else(|| "a process that we cannot see".to_owned())
            )
        }
    }
}

/// Why somebody cannot even look at a lock.
#[cfg(feature = "cli")]
pub(crate) fn may_not_look(error: &std::io::Error) -> String {
    format!("cannot be read ({error}); look as the user of its job, or as root")
}

/// Processes with their names, if there are any.
fn processes(list: &[(u32, String)]) -> Option<String> {
    let names: Vec<String> = list
        .iter()
        .map(|(process_id, name)| format!("pid {process_id} ({})", Escaped(name)))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Who has a lock that its record's process has not, and what to do.
pub(crate) fn in_hands_of(holders: &[(u32, String)]) -> String {
    processes(holders).map_or_else(
        || "see who has the file open with fuser(1), and end that".to_owned(),
        |names| format!("the lock is in the hands of {names}; end that"),
    )
}

/// What is said of the run before, when its lock is taken.
pub(crate) fn predecessor(path: &Path, predecessor: &Predecessor) -> String {
    format!("{}: {}", self::path(path), what_became_of(predecessor))
}

fn what_became_of(predecessor: &Predecessor) -> String {
    let Some(record) = predecessor.record() else {
        return "the previous run ended without releasing, and its record is damaged".to_owned();
    };
    let subject = if predecessor.waited().is_some() {
        who(record)
    } else {
        previous_run(record)
    };
    let fate = match (predecessor.fate(), predecessor.waited()) {
        (Fate::Frozen, Some(after)) if predecessor.was_fenced() => {
            format!("did not answer for {}; lock taken over", span(after))
        }
        (Fate::Frozen, Some(after)) => format!("ended after {}; lock taken over", span(after)),
        (Fate::Lapsed, _) => "let its lease run out: it crashed, hung or was cut off".to_owned(),
        (_, Some(after)) => format!("gave way after {}; lock taken over", span(after)),
        (Fate::Hung | Fate::Frozen, None) => "hung, and was ended".to_owned(),
        (Fate::Crashed, None) => "ended without releasing".to_owned(),
        (Fate::Rebooted, None) => "was cut off when the machine went down".to_owned(),
        (Fate::Panicked, None) => "panicked".to_owned(),
        (Fate::Stopped, None) => "was stopped".to_owned(),
        (Fate::Foreign, None) => "left another library's record".to_owned(),
    };
    let autopsy = record.autopsy.as_ref().map_or_else(String::new, autopsy);
    format!(
        "{subject} {fate}; {}{autopsy}",
        last_checkpoint(record, None)
    )
}

/// `previous run (pid 4121, started 02:00 UTC, ran 3h 12m)`
fn previous_run(record: &Record) -> String {
    let started = record.acquired.get(11..16).unwrap_or("?");
    let ran = match (record.written(), humantime::parse_rfc3339(&record.acquired)) {
        (Some(written), Ok(acquired)) => written
            .duration_since(acquired)
            .map_or_else(|_| String::new(), |ran| format!(", ran {}", span(ran))),
        _ => String::new(),
    };
    let times = if record.acquired.is_empty() {
        String::new()
    } else {
        format!(", started {} UTC{ran}", Escaped(started))
    };
    format!(
        "previous run (pid {}{}{times})",
        record.process_id,
        on_host(record)
    )
}

/// `; silent for 2h 5m; thread 4121 (nightly) sleeps in futex_do_wait, last at src/import.rs:88; 2 processes that it had started`
fn autopsy(autopsy: &Autopsy) -> String {
    let mut text = format!(
        "; silent for {}",
        span(Duration::from_millis(autopsy.silence_ms))
    );
    for thread in &autopsy.threads {
        let _ = write!(text, "; {}", thread_state(thread));
        if let Some(checkpoint) = &thread.checkpoint {
            let _ = write!(text, ", last at {}", place(checkpoint));
        }
    }
    if autopsy.thread_count > autopsy.threads.len() {
        let more = autopsy.thread_count - autopsy.threads.len();
        let _ = write!(text, "; and {more} threads more");
    }
    text.push_str(&ended(autopsy.descendant_count));
    text
}

/// What a newcomer says before it ends a holder that does not answer.
pub(crate) fn terminating(path: &Path, record: &Record, grace: Duration) -> String {
    format!(
        "{}; sending SIGTERM, and SIGKILL after {}",
        unanswering(path, record),
        span(grace)
    )
}

/// What a newcomer says when it has replaced the file of a holder that does not answer.
pub(crate) fn fenced(path: &Path, record: &Record, probation: Duration) -> String {
    format!(
        "{}; its lock file is replaced, and the job starts in {}",
        unanswering(path, record),
        span(probation)
    )
}

fn unanswering(path: &Path, record: &Record) -> String {
    let silence = Now::read()
        .since(record, record.progress_ns)
        .map_or_else(String::new, |silence| {
            format!(" made no checkpoint for {} and", span(silence))
        });
    format!(
        "{}: {}{silence} does not answer; {}",
        self::path(path),
        who(record),
        last_checkpoint(record, None)
    )
}

/// Why a holder that does not answer keeps the lock all the same.
pub(crate) fn cannot_end(record: &Record, why: &str) -> String {
    format!(
        "is held by {}, which does not answer and cannot be ended: {why}",
        who(record)
    )
}

fn who(record: &Record) -> String {
    let elsewhere =
        if record.pid_namespace == 0 || record.pid_namespace == Identity::own().pid_namespace {
            ""
        } else {
            " of another PID namespace"
        };
    let name = if record.name.is_empty() {
        String::new()
    } else {
        format!(" ({})", Escaped(&record.name))
    };
    let host = on_host(record);
    format!("pid {}{elsewhere}{name}{host}", record.process_id)
}

/// ` on db2`, of a run on another machine.
fn on_host(record: &Record) -> String {
    if record.host.is_empty() || record.host == Identity::own().host {
        String::new()
    } else {
        format!(" on {}", Escaped(&record.host))
    }
}

/// Where a job is, on one line: `src/import.rs:88 "order 12" (12/500)`
pub(crate) fn status_line(record: &Record) -> String {
    record
        .checkpoint
        .as_ref()
        .map_or_else(|| "no checkpoint yet".to_owned(), place)
}

/// `last checkpoint src/import.rs:88 "order 12" (12/500) 3s ago`
fn last_checkpoint(record: &Record, age: Option<Duration>) -> String {
    let Some(checkpoint) = &record.checkpoint else {
        return "no checkpoint yet".to_owned();
    };
    let age = age.map_or_else(String::new, |age| format!(" {} ago", span(age)));
    format!("last checkpoint {}{age}", place(checkpoint))
}

fn place(checkpoint: &Checkpoint) -> String {
    let mut text = Escaped(&checkpoint.file).to_string();
    // A command that does not tell its lines is a place as well.
    if checkpoint.line > 0 {
        let _ = write!(text, ":{}", checkpoint.line);
    }
    if let Some(message) = &checkpoint.message {
        let _ = write!(text, " \"{}\"", Escaped(message));
    }
    if let (Some(done), Some(total)) = (checkpoint.done, checkpoint.total) {
        let _ = write!(text, " ({done}/{total})");
    }
    text
}

/// `src/import.rs:88 usually takes 12s, now 43m`, if it is known, and where it is now as well.
fn usual(checkpoint: &Checkpoint, now: Option<Duration>) -> Option<String> {
    let usual = Duration::from_millis(checkpoint.usual_ms?);
    let place = place(&Checkpoint {
        file: checkpoint.file.clone(),
        line: checkpoint.line,
        ..Checkpoint::default()
    });
    let now = now.map_or_else(String::new, |now| format!(", now {}", span(now)));
    Some(format!("{place} usually takes {}{now}", span(usual)))
}

/// The clock against which a record's ages are told.
struct Now {
    identity: &'static Identity,
    monotonic_ns: u64,
}

impl Now {
    fn read() -> Self {
        Self {
            identity: Identity::own(),
            monotonic_ns: sys::monotonic_ns(),
        }
    }

    /// How long ago a moment of the record was; `None` if its clock is not ours.
    fn since(&self, record: &Record, moment_ns: u64) -> Option<Duration> {
        record
            .shares_clock(&self.identity.boot_id, self.identity.time_namespace)
            .then(|| Duration::from_nanos(self.monotonic_ns.saturating_sub(moment_ns)))
    }

    fn last_checkpoint(&self, record: &Record) -> String {
        last_checkpoint(record, self.since(record, record.progress_ns))
    }
}

#[cfg(test)]
mod tests;

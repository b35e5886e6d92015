//! What a holder says of its own job.

use std::{path::Path, time::Duration};

use super::{Escaped, autopsy, last_checkpoint, span, who};
use crate::{
    record::{Record, ThreadState},
    stop::Stop,
};

/// A silence of so many times what is usual is no usual one: below that, `warn` is too short, and the place is not to blame.
const UNUSUAL: u32 = 2;

/// What a holder says of its own silence.
pub(crate) fn silent(
    path: &Path,
    record: &Record,
    silence: Duration,
    threads: &[ThreadState],
) -> String {
    let pace = record
        .checkpoint
        .as_ref()
        .filter(|it| {
            let usual = Duration::from_millis(it.usual_ms.unwrap_or_default());
            silence >= usual.saturating_mul(UNUSUAL)
        })
        .and_then(|it| super::usual(it, Some(silence)));
    format!(
        "{}: {} made no checkpoint for {}; {}{}; {}",
        super::path(path),
        who(record),
        span(silence),
        last_checkpoint(record, None),
        pace.map_or_else(String::new, |pace| format!("; {pace}")),
        whereabouts(threads)
    )
}

/// What a hung holder says when a newcomer asks.
pub(crate) fn closing(path: &Path, record: &Record, silence: Duration) -> String {
    format!(
        "{}: a new run asks {} for the lock after {} without a checkpoint; stopping at the next one, or in {}",
        super::path(path),
        who(record),
        span(silence),
        span(record.grace())
    )
}

/// What a holder says when it is told to stop, by itself or by ending its command.
pub(crate) fn stopping(
    path: &Path,
    record: &Record,
    stop: Stop,
    has_lease: bool,
    has_command: bool,
) -> String {
    let how = if has_command {
        "its command is told to end, and will be killed"
    } else {
        "stopping at the next checkpoint, or"
    };
    format!(
        "{}: {} {}; {how} in {}",
        super::path(path),
        who(record),
        match stop {
            Stop::Lost if has_lease => "lost the lock: its lease is over".to_owned(),
            other => reason(other),
        },
        span(record.grace())
    )
}

fn reason(stop: Stop) -> String {
    match stop {
        Stop::Lost => "lost the lock: the file was replaced or cannot be written".to_owned(),
        Stop::Replaced => "was asked to stop by a new run or an operator".to_owned(),
        Stop::AtMost => "has run for longer than `at_most`".to_owned(),
        Stop::Signal(signal) => format!("was sent {}", signal_name(signal)),
        Stop::Released => "has released the lock".to_owned(),
    }
}

fn signal_name(signal: u8) -> String {
    match i32::from(signal) {
        libc::SIGTERM => "SIGTERM".to_owned(),
        libc::SIGINT => "SIGINT".to_owned(),
        libc::SIGHUP => "SIGHUP".to_owned(),
        other => format!("signal {other}"),
    }
}

/// The last words of a job that did not reach a checkpoint in time.
pub(crate) fn given_up(
    path: &Path,
    record: &Record,
    with_its_process: bool,
    obeyed: bool,
) -> String {
    let failure = if obeyed {
        "did not finish stopping"
    } else {
        "reached no checkpoint"
    };
    let end = if with_its_process {
        "so its process ends now"
    } else {
        "so it loses the lock, and passes no checkpoint any more"
    };
    format!(
        "{}: {} {failure} within {}, {end}; {}{}",
        super::path(path),
        who(record),
        span(record.grace()),
        last_checkpoint(record, None),
        record.autopsy.as_ref().map_or_else(String::new, autopsy)
    )
}

/// What a job says that was stopped at a checkpoint.
pub(crate) fn stopped(path: &Path, record: &Record, stop: Stop, descendants: usize) -> String {
    format!(
        "{}: {} stopped, because {}; {}{}",
        super::path(path),
        who(record),
        cause(stop),
        last_checkpoint(record, None),
        ended(descendants)
    )
}

/// `the lock is lost`, `it was sent SIGTERM`
pub(super) fn cause(stop: Stop) -> String {
    match stop {
        Stop::Lost => "the lock is lost".to_owned(),
        other => format!("it {}", reason(other)),
    }
}

pub(super) fn ended(descendants: usize) -> String {
    match descendants {
        0 => String::new(),
        1 => "; ended the process that it had started".to_owned(),
        many => format!("; ended the {many} processes that it had started"),
    }
}

fn whereabouts(threads: &[ThreadState]) -> String {
    match threads.first() {
        Some(first) => {
            let others = threads.len() - 1;
            let more = if others > 0 {
                format!(" (and {others} threads more)")
            } else {
                String::new()
            };
            format!("{}{more}", thread_state(first))
        }
        None => "its threads are gone".to_owned(),
    }
}

pub(super) fn thread_state(thread: &ThreadState) -> String {
    let state = match thread.state.as_str() {
        "R" => "runs",
        "S" => "sleeps",
        "D" => "waits uninterruptibly",
        "T" | "t" => "is stopped",
        "Z" | "X" => "has ended",
        _ => "is idle",
    };
    let place = thread
        .waits_in
        .as_ref()
        .map_or_else(String::new, |place| format!(" in {}", Escaped(place)));
    format!(
        "thread {} ({}) {state}{place}",
        thread.id,
        Escaped(&thread.name)
    )
}

//! What is said of a lock to somebody who only looks.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Escaped, autopsy, in_hands_of, place, processes, span, who};
use crate::{
    predecessor::Fate,
    process::Standstill,
    record::{Checkpoint, Descendant, Record, State},
    store::file::{Ages, Asked, Clock, Condition, Sight},
};

/// A lock and what is known of it.
pub(crate) struct Subject<'a> {
    pub(crate) path: &'a Path,
    pub(crate) sight: &'a Sight,
    /// Who has it, if its record does not tell.
    pub(crate) hands: &'a [(u32, String)],
    pub(crate) descendants: &'a [Descendant],
}

/// Everything there is to say of a lock: a line, and more of them below it.
pub(crate) fn block(subject: &Subject<'_>) -> String {
    let Subject { path, sight, .. } = subject;
    let mut text = format!("{}: {}", super::path(path), headline(sight));
    match sight.condition {
        Condition::Hung => {
            if let Some(silence) = sight.ages.silence.map(span) {
                let _ = write!(
                    text,
                    ": no checkpoint for {silence}{}",
                    by_clock(sight.ages)
                );
            }
        }
        Condition::Kept(left) => {
            let _ = write!(text, ", for {} more", span(left));
        }
        Condition::Unknown | Condition::Inherited => {
            let _ = write!(text, "; {}", in_hands_of(subject.hands));
        }
        _ => {}
    }
    text.push('\n');
    if let Some(record) = &sight.record
        && sight.condition != Condition::Free
    {
        for (label, value) in rows(sight, record, subject.descendants) {
            let _ = writeln!(text, "    {label:<11}  {value}");
        }
    }
    text
}

fn rows(sight: &Sight, record: &Record, descendants: &[Descendant]) -> Vec<(&'static str, String)> {
    let has_ended = matches!(sight.condition, Condition::Left(_) | Condition::Kept(_));
    let mut rows = vec![(if has_ended { "last run" } else { "holder" }, who(record))];
    if record.livinglock == 0 {
        // Another library's: it has no more.
        let ago = ago(sight).map_or_else(String::new, |ago| format!(", {ago}"));
        rows.push(("written", moment(&record.timestamp) + &ago));
        return rows;
    }
    rows.push(("since", since(sight, record, has_ended)));
    rows.push(("checkpoint", checkpoint(sight, record)));
    if let Some(progress) = progress(sight) {
        rows.push(("progress", progress));
    }
    if let Some(pace) = usual(sight, record, has_ended) {
        rows.push(("pace", pace));
    }
    let last = match record.heartbeats {
        0 => "none yet".to_owned(),
        count => format!("{count}, the last at {}", moment(&record.timestamp)),
    };
    rows.push(("heartbeats", last));
    let limits = format!(
        "stale after {} without a checkpoint, then {} to give way",
        span(record.stale()),
        span(record.grace())
    );
    rows.push(("limits", limits));
    if let Some(found) = &record.autopsy {
        rows.push(("found", autopsy(found).trim_start_matches("; ").to_owned()));
    }
    let names: Vec<(u32, String)> = descendants
        .iter()
        .map(|descendant| (descendant.process_id, descendant.name.clone()))
        .collect();
    if let Some(names) = processes(&names) {
        rows.push(("descendants", names));
    }
    rows.push(("token", record.fencing_token.to_string()));
    rows
}

/// How long the job usually takes where it is now, and how long it has taken, if its pulse had seen more.
fn usual(sight: &Sight, record: &Record, has_ended: bool) -> Option<String> {
    let now = sight
        .ages
        .silence
        .filter(|_| sight.is_exact() && !has_ended);
    super::usual(record.checkpoint.as_ref()?, now)
}

/// One line for a lock that has changed: nothing in it changes by time alone.
pub(crate) fn change(path: &Path, sight: &Sight) -> String {
    let mut text = format!("{}: {}", super::path(path), headline(sight));
    if let Some(record) = &sight.record
        && sight.condition != Condition::Free
    {
        let _ = write!(text, "; {}", who(record));
        if let Some(checkpoint) = &record.checkpoint {
            let _ = write!(text, "; {}", place(checkpoint));
        }
    }
    text
}

/// What stands above a lock's bar: `/run/nightly.lock: held and working; pid 4121 (nightly) for 43m`
pub(crate) fn title(path: &Path, sight: &Sight) -> String {
    let mut text = format!("{}: {}", super::path(path), headline(sight));
    match (&sight.record, sight.condition) {
        (None, _) | (_, Condition::Free) => {}
        (Some(record), Condition::Left(_) | Condition::Kept(_)) => {
            let _ = write!(text, "; {}", who(record));
        }
        (Some(record), _) => {
            let held = sight.ages.held.map(|held| format!(" for {}", span(held)));
            let _ = write!(text, "; {}{}", who(record), held.unwrap_or_default());
        }
    }
    text
}

/// What stands beside a lock's bar: `4.9/s, about 58s left`
pub(crate) fn pace(sight: &Sight) -> String {
    let parts: Vec<String> = [rate(sight), left(sight)].into_iter().flatten().collect();
    parts.join(", ")
}

/// What stands below it: `src/import.rs:88 "order 12"`
pub(crate) fn standing_at(sight: &Sight) -> String {
    let Some(record) = &sight.record else {
        return String::new();
    };
    let Some(checkpoint) = &record.checkpoint else {
        return "no checkpoint yet".to_owned();
    };
    match ago(sight) {
        Some(ago) if sight.is_exact() => format!("{}, {ago}", place_alone(checkpoint)),
        _ => place_alone(checkpoint),
    }
}

pub(crate) fn no_lock_in(folders: impl Iterator<Item = PathBuf>) -> String {
    let folders: Vec<String> = folders
        .map(|folder| super::path(&folder).to_string())
        .collect();
    format!("no lock in {}\n", folders.join(", "))
}

/// How a lock stands, in words that do not change by time alone.
fn headline(sight: &Sight) -> String {
    let state = sight.record.as_ref().map(|record| record.state);
    let text = match (sight.condition, state, sight.asked) {
        (Condition::Free, ..) => "free",
        (Condition::Working, Some(State::Probation), _) => {
            "held; the holder before did not answer, and the job starts when that must have noticed"
        }
        (Condition::Working, _, Some(Asked::Proof)) => "held and working; a new run asks for proof",
        (Condition::Working, _, Some(Asked::Stop)) => "held and working; asked to stop",
        (Condition::Working, _, None) => "held and working",
        (Condition::Hung, Some(State::Closing), _) => "hung, and about to give way to a new run",
        (Condition::Hung, _, Some(_)) => "hung, and being taken over",
        (Condition::Hung, ..) => "hung",
        (Condition::StandsStill(standstill), ..) => match standstill {
            Standstill::Stopped => "held, but its process is stopped; continue it or kill it",
            Standstill::Traced => "held, but its process is stopped by a debugger",
            Standstill::Frozen => {
                "held, but its process is frozen by its cgroup; thaw it or kill it"
            }
        },
        (Condition::Inherited, ..) => "held, but its process has gone",
        (Condition::Stopping, ..) => "held and stopping",
        (Condition::Kept(_), ..) => "kept by `at_least` after a run that has ended",
        (Condition::Left(fate), ..) => match fate {
            Fate::Crashed => "left behind by a run that ended without releasing",
            Fate::Hung | Fate::Frozen => "left behind by a run that hung, and was ended",
            Fate::Rebooted => "left behind by a run that was cut off when the machine went down",
            Fate::Panicked => "left behind by a run that panicked",
            Fate::Stopped => "left behind by a run that was stopped",
            Fate::Foreign => "left behind by another library",
            Fate::Lapsed => {
                "left behind by a run whose lease ran out: it crashed, hung or was cut off"
            }
        },
        (Condition::OtherTool, ..) => "held by another library's record",
        (Condition::Unknown, ..) => "held, but its record cannot be read",
        (Condition::NotALock, ..) => "not a lock file: it has other content",
    };
    text.to_owned()
}

/// `2026-11-23 02:00:00 UTC, for 43m`
fn since(sight: &Sight, record: &Record, has_ended: bool) -> String {
    let acquired = moment(&record.acquired);
    if has_ended {
        // By the clock of the run alone.
        let ran = record.progress_ns.saturating_sub(record.acquired_ns);
        let ran = span(Duration::from_nanos(ran));
        return format!("{acquired}, for {ran} until its last heartbeat");
    }
    match sight.ages.held {
        Some(held) => format!("{acquired}, for {}{}", span(held), by_clock(sight.ages)),
        None => acquired,
    }
}

/// `src/import.rs:88 "order 12", as of its last heartbeat 12s ago`
fn checkpoint(sight: &Sight, record: &Record) -> String {
    let Some(checkpoint) = &record.checkpoint else {
        return "none yet".to_owned();
    };
    let place = place_alone(checkpoint);
    match (ago(sight), sight.is_exact()) {
        (Some(ago), true) => format!("{place}, {ago}"),
        (Some(ago), false) => format!("{place}, as of its last heartbeat {ago}"),
        (None, _) => format!("{place}, as of its last heartbeat"),
    }
}

/// The place and message of a checkpoint, whose progress is told elsewhere.
fn place_alone(checkpoint: &Checkpoint) -> String {
    place(&Checkpoint {
        done: None,
        total: None,
        ..checkpoint.clone()
    })
}

/// `12/500 (2%), 17.2/m, about 28m left`
fn progress(sight: &Sight) -> Option<String> {
    let checkpoint = sight.record.as_ref()?.checkpoint.as_ref()?;
    let (done, total) = (checkpoint.done?, checkpoint.total?);
    let mut text = format!("{done}/{total}");
    if let Some(percent) = (u128::from(done) * 100).checked_div(u128::from(total)) {
        let _ = write!(text, " ({percent}%)");
    }
    let pace = pace(sight);
    if !pace.is_empty() {
        let _ = write!(text, ", {pace}");
    }
    Some(text)
}

fn rate(sight: &Sight) -> Option<String> {
    const HOUR: u128 = 60 * 60 * 1_000_000_000;
    let (done, worked) = sight.pace()?;
    Some(super::text::rate(
        u128::from(done) * HOUR * 10 / worked.as_nanos(),
    ))
}

fn left(sight: &Sight) -> Option<String> {
    Some(super::text::left(sight.time_left()?))
}

/// `12s ago`, or `12s ago by the wall clock`
fn ago(sight: &Sight) -> Option<String> {
    let silence = span(sight.ages.silence?);
    Some(format!("{silence} ago{}", by_clock(sight.ages)))
}

fn by_clock(ages: Ages) -> &'static str {
    match ages.clock {
        Clock::Monotonic | Clock::Store => "",
        Clock::Wall => " by the wall clock",
    }
}

/// `2026-11-23 02:43:10 UTC`
fn moment(timestamp: &str) -> String {
    let is_utc = timestamp.ends_with('Z');
    match (timestamp.get(..10), timestamp.get(11..19)) {
        (Some(day), Some(time)) if is_utc => format!("{} {} UTC", Escaped(day), Escaped(time)),
        _ => Escaped(timestamp).to_string(),
    }
}

#[cfg(test)]
mod tests;

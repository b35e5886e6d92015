//! The output of `--json`: what it has is described in `CLI.md`, and stays.

use serde::Serialize;

use super::seen::Seen;
use crate::{
    predecessor::Fate,
    process::Standstill,
    record::{Autopsy, Checkpoint, Descendant, Record, milliseconds},
    report,
    store::file::{Asked, Clock, Condition, Sight},
};

/// One lock. What is not known is null.
#[derive(Serialize)]
struct Lock<'a> {
    path: String,
    condition: &'static str,
    exit_status: u8,
    /// Why nothing is known.
    error: Option<String>,
    fate: Option<&'static str>,
    asked: Option<&'static str>,
    kept_for_ms: Option<u64>,
    process_id: Option<u32>,
    pid_namespace: Option<u64>,
    name: Option<&'a str>,
    host: Option<&'a str>,
    acquired: Option<&'a str>,
    clock: Option<&'static str>,
    held_ms: Option<u64>,
    checkpoint: Option<&'a Checkpoint>,
    silence_ms: Option<u64>,
    silence_is_exact: Option<bool>,
    left_ms: Option<u64>,
    heartbeats: Option<u64>,
    last_heartbeat: Option<&'a str>,
    stale_ms: Option<u64>,
    grace_ms: Option<u64>,
    fencing_token: Option<u64>,
    descendants: Vec<Descendant>,
    autopsy: Option<&'a Autopsy>,
}

/// An array with all of them, on one line.
pub(super) fn array(seen: &[Seen]) -> String {
    let locks: Vec<Lock<'_>> = seen.iter().map(Lock::of).collect();
    // Numbers, texts and lists of them: nothing here fails.
    let json = serde_json::to_string(&locks).unwrap_or_default();
    format!("{}\n", report::harmless_json(&json))
}

impl<'a> Lock<'a> {
    fn of(seen: &'a Seen) -> Self {
        let sight = seen.sight.as_ref().ok();
        let record = sight.and_then(|sight| sight.record.as_deref());
        // Another library's records have a process and a time, and no more.
        let ours = record.filter(|record| record.livinglock != 0);
        let clock = sight.filter(|_| record.is_some()).map(|sight| sight.ages);
        Self {
            path: seen.path.to_string_lossy().into_owned(),
            condition: sight.map_or("unknown", |sight| name(sight.condition)),
            exit_status: seen.verdict().into(),
            error: seen.sight.as_ref().err().map(|error| report::chain(error)),
            fate: sight.and_then(|sight| fate(sight.condition)),
            asked: sight.and_then(|sight| sight.asked).map(asked),
            kept_for_ms: sight.and_then(kept_for),
            process_id: record.map(|record| record.process_id),
            pid_namespace: ours.map(|record| record.pid_namespace),
            name: ours.map(|record| &*record.name),
            host: ours.map(|record| &*record.host),
            acquired: ours.map(|record| &*record.acquired),
            clock: clock.map(|ages| match ages.clock {
                Clock::Monotonic => "monotonic",
                Clock::Wall => "wall",
                Clock::Store => "store",
            }),
            held_ms: clock.and_then(|ages| ages.held).map(milliseconds),
            checkpoint: record.and_then(|record| record.checkpoint.as_ref()),
            silence_ms: clock.and_then(|ages| ages.silence).map(milliseconds),
            silence_is_exact: sight.filter(|_| ours.is_some()).map(Sight::is_exact),
            left_ms: sight.and_then(Sight::time_left).map(milliseconds),
            heartbeats: ours.map(|record| record.heartbeats),
            last_heartbeat: record.map(|record| &*record.timestamp),
            stale_ms: ours.map(|record| record.stale_ms),
            grace_ms: ours.map(|record| record.grace_ms),
            fencing_token: ours.map(|record| record.fencing_token),
            descendants: seen.descendants(),
            autopsy: record.and_then(|record: &Record| record.autopsy.as_ref()),
        }
    }
}

fn name(condition: Condition) -> &'static str {
    match condition {
        Condition::Free => "free",
        Condition::Working => "working",
        Condition::Hung => "hung",
        Condition::StandsStill(Standstill::Stopped) => "stopped",
        Condition::StandsStill(Standstill::Traced) => "traced",
        Condition::StandsStill(Standstill::Frozen) => "frozen",
        Condition::Inherited => "inherited",
        Condition::Stopping => "stopping",
        Condition::Kept(_) => "kept",
        Condition::Left(_) => "left",
        Condition::OtherTool => "other_tool",
        Condition::Unknown => "unknown",
        Condition::NotALock => "not_a_lock",
    }
}

fn fate(condition: Condition) -> Option<&'static str> {
    let Condition::Left(fate) = condition else {
        return None;
    };
    Some(match fate {
        Fate::Crashed => "crashed",
        Fate::Hung => "hung",
        Fate::Frozen => "frozen",
        Fate::Rebooted => "rebooted",
        Fate::Panicked => "panicked",
        Fate::Stopped => "stopped",
        Fate::Foreign => "foreign",
        Fate::Lapsed => "lapsed",
    })
}

fn asked(asked: Asked) -> &'static str {
    match asked {
        Asked::Proof => "proof",
        Asked::Stop => "stop",
    }
}

fn kept_for(sight: &Sight) -> Option<u64> {
    match sight.condition {
        Condition::Kept(left) => Some(milliseconds(left)),
        _ => None,
    }
}

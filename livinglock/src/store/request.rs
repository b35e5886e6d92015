//! An operator's request to a holder whose lock is in a store.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Store,
    file::{LONGEST_GRACE, Outcome, Stay, end, patience},
};
use crate::{
    error::Result,
    process::{self, Suspect},
    record::{Record, State},
    report::{self, Busy},
};

/// Asks the holder to stop, and waits until it has gone; whoever comes after it is left alone.
///
/// For as long as `grace` says, or else as it may take by its own record; after that its process is ended if `force` is set, where that
/// is on this machine.
///
/// # Errors
///
/// The store cannot be asked.
pub(crate) fn ask_in_store(
    store: &dyn Store,
    grace: Option<Duration>,
    force: Option<Duration>,
) -> Result<Outcome> {
    let begun = Instant::now();
    let Some(holder) = store.look()?.record.filter(|record| is_holding(record)) else {
        return Ok(Outcome::NotHeld);
    };
    let limit =
        grace.unwrap_or_else(|| patience(holder.tick()) * 2 + holder.grace().min(LONGEST_GRACE));
    let _request = store.ask_to_stop(&holder.owner)?;
    let mut last = holder;
    loop {
        let seen = store.look()?;
        let known = seen.record.filter(|record| record.owner == last.owner);
        let has_left_nothing = known.is_none();
        if let Some(record) = known {
            last = record;
        }
        if has_left_nothing || process::is_over(&last) {
            return Ok(gone(last, begun, false));
        }
        if !seen.is_held {
            return Ok(match last.state {
                State::Panicked | State::Stopped | State::Kept => gone(last, begun, false),
                _ if last.autopsy.is_some() => gone(last, begun, false),
                _ => Outcome::Lapsed {
                    record: last,
                    after: begun.elapsed(),
                },
            });
        }
        if begun.elapsed() > limit {
            return Ok(stays(store, last, force, begun));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn is_holding(record: &Record) -> bool {
    record.state != State::Kept
}

fn gone(record: Box<Record>, begun: Instant, forced: bool) -> Outcome {
    Outcome::Gone {
        record: Some(record),
        after: begun.elapsed(),
        forced,
    }
}

/// What is left to do with a holder that has not gone.
fn stays(
    store: &dyn Store,
    mut record: Box<Record>,
    force: Option<Duration>,
    begun: Instant,
) -> Outcome {
    let stays = |record, why| Outcome::Stays {
        record: Some(record),
        after: begun.elapsed(),
        why,
    };
    let Some(grace) = force else {
        return stays(record, Stay::Busy(Busy::Unanswered));
    };
    let ended = Suspect::proven(&record).and_then(|suspect| {
        report::say(&report::stop::ending(store.place(), &record, grace));
        end(&suspect, &mut record, grace)
    });
    match ended {
        // What its lease lasts still, newcomers on this machine need not wait for.
        Ok(()) => gone(record, begun, true),
        Err(why) => stays(record, Stay::Immune(why)),
    }
}

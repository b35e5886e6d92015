//! Acquiring a lock whose holder has a lease in an engine.
//!
//! The engine decides. What is added here is what it cannot know: that the holder's process was on this machine and has gone; and the
//! patience to wait for one that was asked to stop.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Claim, Courier, DEFAULT_TIMEOUT, Sighting,
    courier::Tried,
    file::{FaultProtection, LONGEST_GRACE, omits, patience},
};
use crate::{
    error::{Error, Result},
    predecessor::Predecessor,
    process::{self, Identity},
    record::{Record, State},
    report::Busy,
};

/// How often a lock may come free and be taken by others before we say that it is busy.
const MOST_FREES: u32 = 10;

/// Tries to acquire the lock once; does not wait for a working holder, but for one that was asked to stop.
pub(crate) fn acquire(
    courier: &Courier,
    claim: &Claim,
) -> Result<(Box<Record>, Option<Predecessor>)> {
    let mut claim = claim.clone();
    let mut waited = None;
    let mut frees = 0;
    loop {
        claim.record.begin();
        let found = match courier.acquire(claim.clone())? {
            Tried::Acquired(record, predecessor) => {
                let predecessor = predecessor.map(|predecessor| match (waited, &claim.gone) {
                    (Some(waited), _) => predecessor.gave_way(waited),
                    (None, Some(_)) => *predecessor,
                    (None, None) => predecessor.lapsed(),
                });
                return Ok((record, predecessor));
            }
            Tried::Busy(found) => found,
        };
        if !found.is_held && frees < MOST_FREES {
            // Until just now.
            frees += 1;
            continue;
        }
        let Some(holder) = found.record.clone() else {
            return Err(Error::busy(courier.place(), Busy::Unknown, None));
        };
        let is_known_to_be_gone = claim.gone.as_ref() == Some(&holder.owner);
        if !is_known_to_be_gone && has_gone(courier, &found, &holder)? {
            claim.gone = Some(holder.owner.clone());
            continue;
        }
        let why = why_busy(&found, &holder);
        let waits_for_itself = claim.around.contains(&holder.owner);
        if !claim.replace || waits_for_itself || matches!(why, Busy::Kept(_)) {
            return Err(Error::busy(courier.place(), why, Some(*holder)));
        }
        waited = Some(ask_to_stop(courier, &holder)?);
    }
}

/// Whether the holder has gone for certain, though its lease has not run out.
fn has_gone(courier: &Courier, found: &Sighting, holder: &Record) -> Result<bool> {
    if holder.state == State::Kept {
        return Ok(false);
    }
    if is_over(holder) {
        return Ok(true);
    }
    // Stopped, it cannot make another connection, and goes on when it is continued.
    if !omits(FaultProtection::PROCESS) && process::is_here(holder) {
        return Ok(false);
    }
    found_gone(found, holder, || courier.ask(|store| store.look()))
}

/// Whether a holder has gone by the word of the engine, which is asked again for some time.
///
/// It has lost its connection; if it only did that, it makes another one as soon as it notices, and it looks once in a tick. Time for more
/// than one try, each as long as a call may take.
pub(super) fn found_gone(
    found: &Sighting,
    holder: &Record,
    mut look: impl FnMut() -> Result<Sighting>,
) -> Result<bool> {
    if !found.is_gone {
        return Ok(false);
    }
    let begun = Instant::now();
    while begun.elapsed() < patience(holder.tick()).max(DEFAULT_TIMEOUT * 3) {
        thread::sleep(pause(holder));
        let now = look()?;
        let is_the_same = now
            .record
            .as_ref()
            .is_some_and(|record| record.owner == holder.owner);
        if !(is_the_same && now.is_held && now.is_gone) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Asks the holder to stop, and waits until it has let go of the lock. How long that took.
fn ask_to_stop(courier: &Courier, holder: &Record) -> Result<Duration> {
    let begun = Instant::now();
    let owner = holder.owner.clone();
    let _request = courier.ask(move |store| store.ask_to_stop(&owner))?;
    let mut heeded = false;
    loop {
        thread::sleep(pause(holder));
        let now = courier.ask(|store| store.look())?;
        let is_the_same = |record: &Record| record.owner == holder.owner;
        let Some(record) = now.record.clone().filter(|record| is_the_same(record)) else {
            return Ok(begun.elapsed());
        };
        if !now.is_held || is_over(&record) {
            return Ok(begun.elapsed());
        }
        heeded |= matches!(record.state, State::Closing | State::Stopping);
        let limit = if heeded {
            patience(holder.tick()) * 2 + holder.grace().min(LONGEST_GRACE)
        } else {
            patience(holder.tick())
        };
        if begun.elapsed() > limit {
            let why = if heeded {
                Busy::Unanswered
            } else {
                why_busy(&now, &record)
            };
            return Err(Error::busy(courier.place(), why, Some(*record)));
        }
    }
}

fn is_over(holder: &Record) -> bool {
    !omits(FaultProtection::PROCESS) && process::is_over(holder)
}

fn pause(holder: &Record) -> Duration {
    (holder.tick() / 2).clamp(Duration::from_millis(20), Duration::from_millis(500))
}

/// Why a lock is busy that was seen to be held.
pub(crate) fn why_busy(found: &Sighting, holder: &Record) -> Busy {
    if holder.state == State::Kept {
        return Busy::Kept(found.left.unwrap_or_default());
    }
    if Identity::own().wrote(holder) {
        return Busy::Ours;
    }
    match found.left {
        Some(_) => Busy::Leased {
            held_for: found.held_for,
            written_ago: found.written_ago,
        },
        None => Busy::Working,
    }
}

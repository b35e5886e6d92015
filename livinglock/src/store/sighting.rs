//! How a lock in a store stands, for somebody who only looks.

use super::{
    Sighting, Store,
    file::{Ages, Asked, Clock, Condition, Sight},
    newcomer::found_gone,
};
use crate::{
    error::Result,
    predecessor::{Fate, Predecessor},
    process,
    record::{Record, State},
};

impl Sight {
    /// Looks at a lock in a store.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub(crate) fn in_store(store: &dyn Store) -> Result<Self> {
        let mut seen = store.look()?;
        if let Some(record) = &seen.record {
            // Of one that ran on this machine it is seen whether it has gone. From elsewhere the end of its session tells, and only
            // after a while: one that has only lost its connection works on.
            seen.is_gone = process::is_over(record)
                || (!process::is_here(record) && found_gone(&seen, record, || store.look())?);
        }
        let condition = seen
            .record
            .as_deref()
            .map_or(unrecorded(&seen), |record| condition(&seen, record));
        Ok(Self {
            condition,
            asked: (seen.is_held && seen.is_asked_to_stop).then_some(Asked::Stop),
            is_ours: true,
            ages: Ages {
                clock: Clock::Store,
                held: seen.held_for,
                silence: seen.written_ago,
            },
            record: seen.record,
        })
    }
}

fn unrecorded(seen: &Sighting) -> Condition {
    if seen.is_held {
        Condition::Unknown
    } else {
        Condition::Free
    }
}

fn condition(seen: &Sighting, record: &Record) -> Condition {
    let kept = seen.left.unwrap_or_default();
    match (seen.is_held, record.state) {
        (true, State::Kept) => Condition::Kept(kept),
        (false, State::Kept) => Condition::Free,
        (false, _) if process::is_over(record) => Condition::Left(Fate::of_left(Some(record))),
        (false, _) => Condition::Left(fate(record)),
        // Its lease is as good as over.
        (true, _) if seen.is_gone => Condition::Left(Fate::of_left(Some(record))),
        (true, state) => match (process::standstill(record), state) {
            (Some(standstill), _) => Condition::StandsStill(standstill),
            (None, State::Closing) => Condition::Hung,
            (None, State::Stopping) => Condition::Stopping,
            (None, _) => Condition::Working,
        },
    }
}

/// What became of a run whose lease is over.
fn fate(record: &Record) -> Fate {
    let left = Predecessor::left(record.clone());
    left.map_or(Fate::Lapsed, |left| left.lapsed().fate())
}

//! The newcomer's side of a takeover: the holder is asked to prove that it works, or to give way.
//!
//! No process id, permission or comparison of clocks decides: the holder's pulse is awake while the job hangs, and answers itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Attempt, Claim,
    faults::{Step, reach},
    opened::{Opened, QUESTION},
};
use crate::{
    OnStale,
    error::{Error, Result},
    process::Suspect,
    record::{Content, Record, State},
    report::{self, Busy},
    sys,
};

/// How long a pulse may show nothing until it counts as one that does not answer.
///
/// Eight ticks; and a second at least, because a busy machine starves a thread for longer than eight short ones.
fn patience(tick: Duration) -> Duration {
    (tick * 8).max(Duration::from_secs(1))
}

/// The tick of a holder whose record cannot be read.
const UNKNOWN_TICK: Duration = Duration::from_secs(1);

impl Claim<'_> {
    /// Asks a holder that seems hung, and waits for its answer.
    ///
    /// Whoever finds that somebody asks already watches all the same, so that an asker that dies or is stopped blocks nobody.
    pub(super) fn ask(
        &self,
        opened: &Opened,
        first: Option<Box<Record>>,
        gave_way_after: &mut Option<Duration>,
    ) -> Result<Attempt> {
        let failed = |error| Error::io("lock", self.path, error);
        let asking = sys::try_lock_byte(&opened.file, QUESTION).map_err(failed)?;
        reach(Step::ASKED);
        let begun = Instant::now();
        let mut known = first;
        let mut answers = known.as_ref().map(|record| record.answers);
        // Our own starts count, not the clock: whoever is starved here must not accuse others of silence.
        let mut silence = Duration::ZERO;
        loop {
            let tick = known.as_ref().map_or(UNKNOWN_TICK, |record| record.tick());
            let pause = (tick / 4).clamp(Duration::from_millis(1), Duration::from_millis(100));
            thread::sleep(pause);
            silence += pause;
            reach(Step::WATCHED);
            if !opened.is_held(self.path)? {
                *gave_way_after = Some(begun.elapsed());
                return Ok(Attempt::Again);
            }
            if !opened.is_at(self.path).map_err(failed)? {
                return Ok(Attempt::Again);
            }
            let Content::Record(now) = opened.settled_content(self.path)? else {
                if silence > patience(tick) {
                    let why = if opened.is_guarded(self.path)? {
                        opened.guarded()
                    } else {
                        Busy::Unknown
                    };
                    return Ok(Attempt::Busy(why, None));
                }
                continue;
            };
            if known.as_ref().is_some_and(|known| known.owner != now.owner) {
                // The one that we asked has gone, and its successor owes us nothing.
                return Ok(Attempt::Again);
            }
            match (now.state, answers) {
                (State::Closing, _) if !asking => {
                    return Ok(Attempt::Busy(Busy::TakeoverInProgress, Some(now)));
                }
                (State::Working, Some(before)) if now.answers > before => {
                    return Ok(Attempt::Busy(Busy::Working, Some(now)));
                }
                (_, None) => answers = Some(now.answers),
                _ => {}
            }
            if known.as_ref() != Some(&now) {
                silence = Duration::ZERO;
            }
            let grace = match now.state {
                State::Closing => now.grace(),
                State::Working | State::Panicked => Duration::ZERO,
            };
            if silence > patience(now.tick()) + grace {
                let attempt = self.unanswered(opened, now)?;
                *gave_way_after = Some(begun.elapsed());
                return Ok(attempt);
            }
            known = Some(now);
        }
    }

    /// Deals with a holder whose pulse does not answer.
    fn unanswered(&self, opened: &Opened, record: Box<Record>) -> Result<Attempt> {
        if opened.is_guarded(self.path)? {
            // The next owner may have the byte already, and be stopped before it could write its record.
            return Ok(Attempt::Busy(opened.guarded(), None));
        }
        if self.on_stale != OnStale::Terminate {
            return Ok(Attempt::Busy(Busy::Unanswered, Some(record)));
        }
        let cannot_end = |why: String| Error::unfit(self.path, report::cannot_end(&record, &why));
        let suspect = Suspect::proven(&record)
            .and_then(|suspect| {
                // That it wrote the record is not enough: it may have lost the lock since, to another process or to its own child.
                let holds = opened.is_held_by(record.process_id);
                holds
                    .then_some(suspect)
                    .ok_or_else(|| "it is not the one that has the lock now".to_owned())
            })
            .map_err(|why| {
                cannot_end(format!("{why}; {}", report::in_hands_of(&opened.holders())))
            })?;
        // It may have woken up, or gone, while its identity was proven.
        let same = opened.content(self.path)? == Content::Record(record.clone());
        if !(same && opened.is_held(self.path)?) {
            return Ok(Attempt::Again);
        }
        report::say(&report::terminating(self.path, &record));
        suspect.end(record.grace()).map_err(cannot_end)?;
        Ok(Attempt::Again)
    }
}

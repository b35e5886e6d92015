//! The newcomer's side of a takeover: the holder is asked to prove that it works, or to give way.
//!
//! No process id, permission or comparison of clocks decides: the holder's pulse is awake while the job hangs, and answers itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Attempt, FileClaim,
    faults::{Protection, Step, omits, reach},
    opened::{Opened, QUESTION, STOP},
};
use crate::{
    OnStale,
    error::{Error, Result},
    predecessor::{How, Takeover},
    process::{self, Family, Suspect},
    record::Autopsy,
    record::{Content, Record, State},
    report::{self, Busy, Event, Outcome},
    sys,
};

/// How long a pulse may show nothing until it counts as one that does not answer.
///
/// Eight ticks; and a second at least, because a busy machine starves a thread for longer than eight short ones.
pub(crate) fn patience(tick: Duration) -> Duration {
    (tick * 8).max(Duration::from_secs(1))
}

/// No newcomer waits for longer than this for a holder to give way, whatever its record says.
pub(crate) const LONGEST_GRACE: Duration = Duration::from_secs(60 * 60);

/// How much longer a holder may be silent that is about to give way.
fn grace(record: &Record) -> Duration {
    match record.state {
        State::Closing | State::Stopping => record.grace().min(LONGEST_GRACE),
        _ => Duration::ZERO,
    }
}

/// The tick of a holder whose record cannot be read.
pub(super) const UNKNOWN_TICK: Duration = Duration::from_secs(1);

/// What a holder is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// That it works, or gives way.
    Proof,
    /// That it gives way, working or not, and so long we wait at most.
    Stop { within: Duration },
}

impl Demand {
    fn byte(self) -> i64 {
        match self {
            Self::Proof => QUESTION,
            Self::Stop { .. } => STOP,
        }
    }

    fn longest_wait(self) -> Duration {
        match self {
            Self::Proof => Duration::MAX,
            Self::Stop { within } => within,
        }
    }
}

impl FileClaim<'_> {
    /// Asks a holder, and waits for its answer.
    ///
    /// Whoever finds that somebody asks already watches all the same, so that an asker that dies or is stopped blocks nobody.
    pub(super) fn ask(
        &self,
        opened: &Opened,
        first: Option<Box<Record>>,
        demand: Demand,
    ) -> Result<Attempt> {
        let failed = |error| Error::io("lock", self.path, error);
        let asking = sys::try_lock_byte(&opened.file, demand.byte()).map_err(failed)?;
        reach(Step::ASKED);
        let begun = Instant::now();
        let mut known = first;
        let mut answers = known.as_ref().map(|record| record.answers);
        // Our own starts count, not the clock: whoever is starved here must not accuse others of silence.
        let mut silence = Duration::ZERO;
        let mut unheeded = Duration::ZERO;
        let mut waited = Duration::ZERO;
        loop {
            let tick = known.as_ref().map_or(UNKNOWN_TICK, |record| record.tick());
            let pause = (tick / 4).clamp(Duration::from_millis(1), Duration::from_millis(100));
            thread::sleep(pause);
            silence += pause;
            unheeded += pause;
            waited += pause;
            reach(Step::WATCHED);
            if !opened.is_held(self.path)? {
                let gave_way = known.map(|record| {
                    Box::new(Takeover {
                        owner: record.owner,
                        how: How::GaveWay,
                        after: begun.elapsed(),
                        autopsy: None,
                    })
                });
                return Ok(Attempt::Again(gave_way));
            }
            if !opened.is_at(self.path).map_err(failed)? {
                return Ok(Attempt::AGAIN);
            }
            if waited > demand.longest_wait() {
                return Ok(Attempt::Busy(Busy::Unanswered, known));
            }
            let Content::Record(now) = opened.settled_content(self.path)? else {
                let grace = known.as_deref().map(grace).unwrap_or_default();
                if silence > patience(tick) + grace {
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
                return Ok(Attempt::AGAIN);
            }
            match (now.state, answers) {
                (State::Closing | State::Stopping, _) if !asking => {
                    return Ok(Attempt::Busy(Busy::TakeoverInProgress, Some(now)));
                }
                (State::Closing | State::Stopping, _) => unheeded = Duration::ZERO,
                (State::Working | State::Probation, Some(before))
                    if demand == Demand::Proof && now.answers > before =>
                {
                    return Ok(Attempt::Busy(Busy::Working, Some(now)));
                }
                (_, None) => answers = Some(now.answers),
                _ => {}
            }
            if known.as_ref() != Some(&now) {
                silence = Duration::ZERO;
            }
            if silence > patience(now.tick()) + grace(&now) {
                return self.unanswered(opened, now, begun);
            }
            if demand != Demand::Proof && unheeded > patience(now.tick()) {
                // It works, and its pulse does not know this demand, or somebody else's is in the way.
                return Ok(Attempt::Busy(Busy::Working, Some(now)));
            }
            if waited > patience(now.tick()) * 2 + now.grace().min(LONGEST_GRACE) {
                // No holder takes so long to answer or to give way, however often its record changes.
                return Ok(Attempt::Busy(Busy::Unanswered, Some(now)));
            }
            known = Some(now);
        }
    }

    /// Deals with a holder whose pulse does not answer.
    fn unanswered(
        &self,
        opened: &Opened,
        mut record: Box<Record>,
        begun: Instant,
    ) -> Result<Attempt> {
        if opened.is_guarded(self.path)? && !omits(Protection::GUARD_FENCE) {
            // The next owner may have the byte already, and be stopped before it could write its record.
            return Ok(Attempt::Busy(opened.guarded(), None));
        }
        match self.on_stale {
            OnStale::Report => Ok(Attempt::Busy(Busy::Unanswered, Some(record))),
            OnStale::Fence => self.fence(opened, record, begun.elapsed()),
            // Whoever is behind a network may be another machine's process with the same number.
            OnStale::Terminate if self.network_fs => {
                Ok(Attempt::Busy(Busy::Unanswered, Some(record)))
            }
            OnStale::Terminate => {
                let suspect = opened
                    .proven_holder(&record)
                    .map_err(|why| self.cannot_end(&record, &why))?;
                // It may have woken up, or gone, while its identity was proven.
                let same = opened.content(self.path)? == Content::Record(record.clone());
                if !(same && opened.is_held(self.path)?) {
                    return Ok(Attempt::AGAIN);
                }
                // Ours, not the record's: a forged one would make us wait.
                let grace = self.record.grace();
                Event::new(Outcome::Terminating, self.path, Some(&record))
                    .after(record.silence())
                    .say(&report::terminating(self.path, &record, grace));
                end(&suspect, &mut record, grace).map_err(|why| self.cannot_end(&record, &why))?;
                Ok(Attempt::Again(Some(Box::new(Takeover {
                    owner: record.owner,
                    how: How::Ended,
                    after: begun.elapsed(),
                    autopsy: record.autopsy,
                }))))
            }
        }
    }

    fn cannot_end(&self, record: &Record, why: &str) -> Error {
        Error::unfit(self.path, report::cannot_end(record, why))
    }
}

/// Ends the process of a holder and its descendants, and puts into the record what it was at.
pub(crate) fn end(
    suspect: &Suspect,
    record: &mut Record,
    grace: Duration,
) -> std::result::Result<(), String> {
    // Before it ends: afterwards nobody could tell what it was at, and whose children its children were.
    let family = Family::of(record.process_id);
    record.autopsy = Some(Autopsy::new(
        record.silence(),
        process::thread_states_of(record.process_id),
        family.names(),
    ));
    suspect.end(grace, family)
}

impl Opened {
    /// The process of the holder, proven to have written the record and to hold the byte; otherwise why that cannot be said of any.
    pub(super) fn proven_holder(&self, record: &Record) -> std::result::Result<Suspect, String> {
        let in_other_hands =
            |why: String| format!("{why}; {}", report::in_hands_of(&self.holders()));
        let suspect = Suspect::proven(record).map_err(in_other_hands)?;
        // That it wrote the record is not enough: it may have lost the lock since, to another process or to its own child.
        match self.is_held_by(record.process_id) {
            Ok(true) => Ok(suspect),
            Ok(false) => Err(in_other_hands(
                "it is not the one that has the lock now".to_owned(),
            )),
            Err(error) => Err(format!(
                "we may not look at its files: {error}; run as its user or as root"
            )),
        }
    }
}

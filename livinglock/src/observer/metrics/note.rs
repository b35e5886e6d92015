//! What happened to one run, and what that changes in a file that others have written meanwhile.
//!
//! Runs follow each other by their fencing tokens, but they do not write in that order: a run tells of its end when its lock is free
//! already, and by then the next one may have begun, or even ended. So
//!
//! * what the file says of the running job is that of the run with the greatest token, and an older one leaves it alone;
//! * what it says of the last end is that of the run with the greatest token among those that have ended;
//! * a run is counted once. One that leaves its record behind is counted by itself or by the next run, which sees the record, whoever
//!   comes first; one that was killed can only be counted by the next. One that released its lock counts itself, since nobody else
//!   knows of it.
//!
//! The token of a lock file comes from the clock, which may be set back: a run that begins when nobody runs, as far as the file
//! knows, is the newest whatever its token.

use super::{
    super::{clock, outcome::Outcome},
    page::Series,
    sample::Sample,
};
use crate::record::Record;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Note {
    Yielded,
    Refused,
    Began {
        run: Sight,
        /// From a run that did not end by itself.
        takes_over: bool,
        /// The token of a run that has left its record, and how it ended.
        before: Option<(u64, Outcome)>,
    },
    Progressed(Sight),
    Stalled(Sight),
    Ended {
        token: u64,
        at: u64,
        lasted: u64,
        outcome: Outcome,
        exit_status: Option<u8>,
        /// The next run sees its record.
        is_left: bool,
    },
}

/// What is seen of a run while it lasts. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    token: u64,
    started: u64,
    progressed: u64,
    stale: u64,
    units: Option<(u64, u64)>,
}

impl Sight {
    pub(super) fn of(record: &Record) -> Self {
        let (started, progressed) = clock::times(record);
        let checkpoint = record.checkpoint.as_ref();
        Self {
            token: record.fencing_token,
            started,
            progressed,
            stale: record.stale_ms,
            units: checkpoint.and_then(|it| Some((it.done?, it.total?))),
        }
    }

    fn show(self, series: &mut Series) {
        series.set(Sample::Running, 1);
        series.set(Sample::Token, self.token);
        series.set(Sample::LastStart, self.started);
        series.set(Sample::LastCheckpoint, self.progressed);
        series.set(Sample::Stale, self.stale);
        series.set(Sample::UnitsDone, self.units.map(|(done, _)| done));
        series.set(Sample::UnitsExpected, self.units.map(|(_, total)| total));
    }
}

impl Note {
    /// Enters it into what the file says of the job.
    pub(super) fn enter(&self, series: &mut Series) {
        match *self {
            Self::Yielded => series.count(Sample::Busy),
            Self::Refused => series.count(Sample::Refused),
            Self::Began {
                run,
                takes_over,
                before,
            } => {
                if let Some((token, outcome)) = before {
                    count_predecessor(series, token, outcome);
                }
                if takes_over {
                    series.count(Sample::Takeovers);
                }
                if is_newest(series, run.token) || series.get(Sample::Running) != Some(1) {
                    run.show(series);
                }
            }
            Self::Progressed(run) => {
                if is_newest(series, run.token) {
                    run.show(series);
                }
            }
            Self::Stalled(run) => {
                series.count(Sample::Stalls);
                if is_newest(series, run.token) {
                    run.show(series);
                }
            }
            Self::Ended {
                token,
                at,
                lasted,
                outcome,
                exit_status,
                is_left,
            } => {
                let completed = series.get(Sample::LastCompletedToken);
                let is_newest = is_newest(series, token);
                let is_last = is_newest || completed.is_none_or(|last| last < token);
                if !is_left || is_last {
                    series.count(Sample::Runs(outcome));
                }
                if is_last {
                    series.set(Sample::LastCompletedToken, token);
                    series.set(Sample::LastCompletion, at);
                    series.set(Sample::LastDuration, lasted);
                    series.set(Sample::LastExitCode, exit_status.map(u64::from));
                }
                if outcome == Outcome::Succeeded {
                    let before = series.get(Sample::LastSuccess).filter(|_| !is_last);
                    series.set(Sample::LastSuccess, before.unwrap_or(0).max(at));
                }
                if is_newest {
                    end_sight(series);
                }
            }
        }
    }
}

/// Whether no newer run than this one has begun.
fn is_newest(series: &Series, token: u64) -> bool {
    series.get(Sample::Token).is_none_or(|last| last <= token)
}

/// Counts a run that has left its record, unless it could do that itself.
fn count_predecessor(series: &mut Series, token: u64, outcome: Outcome) {
    let completed = series.get(Sample::LastCompletedToken);
    let seems_to_run =
        series.get(Sample::Token) == Some(token) && series.get(Sample::Running) == Some(1);
    if seems_to_run || completed.is_none_or(|last| last < token) {
        series.count(Sample::Runs(outcome));
        series.set(Sample::LastCompletedToken, token);
        end_sight(series);
    }
}

fn end_sight(series: &mut Series) {
    series.set(Sample::Running, 0);
    for sample in [
        Sample::LastCheckpoint,
        Sample::UnitsDone,
        Sample::UnitsExpected,
    ] {
        series.set(sample, None);
    }
}

#[cfg(test)]
mod tests;

//! The metrics of a job: what each is called, what it means, and how its values are written.
//!
//! Names and texts are for good: where two files of one machine describe a metric in other words, `node_exporter` drops it.

use super::super::outcome::Outcome;

/// A metric, or of one with a label one value of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sample {
    Running,
    LastStart,
    LastCheckpoint,
    UnitsDone,
    UnitsExpected,
    Stale,
    Token,
    LastCompletion,
    LastSuccess,
    LastDuration,
    LastExitCode,
    LastCompletedToken,
    Runs(Outcome),
    Busy,
    Refused,
    Takeovers,
    Stalls,
}

/// What the values of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole numbers.
    Number,
    /// Milliseconds here, and seconds in the file.
    Time,
}

/// A metric as a whole.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) is_counter: bool,
    pub(super) unit: Unit,
    /// Its samples, of which only one with a label has more than one.
    pub(super) samples: &'static [Sample],
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    samples: &'static [Sample],
    help: &'static str,
) -> Family {
    Family {
        name,
        help,
        is_counter: false,
        unit,
        samples,
    }
}

const fn counter(name: &'static str, samples: &'static [Sample], help: &'static str) -> Family {
    Family {
        name,
        help,
        is_counter: true,
        unit: Unit::Number,
        samples,
    }
}

const RUNS: [Sample; Outcome::OF_RUNS.len()] = {
    let mut samples = [Sample::Runs(Outcome::Succeeded); Outcome::OF_RUNS.len()];
    let mut i = 0;
    while i < samples.len() {
        samples[i] = Sample::Runs(Outcome::OF_RUNS[i]);
        i += 1;
    }
    samples
};

/// All of them, in the order of the file.
pub(super) static FAMILIES: [Family; 17] = [
    gauge(
        "livinglock_running",
        Unit::Number,
        &[Sample::Running],
        "Whether the job runs. It stays 1 after a run that was killed, until the next one.",
    ),
    gauge(
        "livinglock_last_start_timestamp_seconds",
        Unit::Time,
        &[Sample::LastStart],
        "When the job began last.",
    ),
    gauge(
        "livinglock_last_checkpoint_timestamp_seconds",
        Unit::Time,
        &[Sample::LastCheckpoint],
        "When the running job passed a checkpoint last, or else began.",
    ),
    gauge(
        "livinglock_units_done",
        Unit::Number,
        &[Sample::UnitsDone],
        "How much of its work the running job has done, by its last checkpoint.",
    ),
    gauge(
        "livinglock_units_expected",
        Unit::Number,
        &[Sample::UnitsExpected],
        "How much work the running job has in all, by its last checkpoint.",
    ),
    gauge(
        "livinglock_stale_seconds",
        Unit::Time,
        &[Sample::Stale],
        "For how long the job may pass no checkpoint before it counts as hung.",
    ),
    gauge(
        "livinglock_fencing_token",
        Unit::Number,
        &[Sample::Token],
        "The fencing token of the run that began last.",
    ),
    gauge(
        "livinglock_last_completion_timestamp_seconds",
        Unit::Time,
        &[Sample::LastCompletion],
        "When the last run ended that could tell of its end, however it ended.",
    ),
    gauge(
        "livinglock_last_success_timestamp_seconds",
        Unit::Time,
        &[Sample::LastSuccess],
        "When the job ended well last.",
    ),
    gauge(
        "livinglock_last_duration_seconds",
        Unit::Time,
        &[Sample::LastDuration],
        "How long the last run took that could tell of its end.",
    ),
    gauge(
        "livinglock_last_exit_code",
        Unit::Number,
        &[Sample::LastExitCode],
        "The exit status of the last run that could tell of its end, if it was a process.",
    ),
    gauge(
        "livinglock_last_completed_fencing_token",
        Unit::Number,
        &[Sample::LastCompletedToken],
        "The fencing token of the run that ended last, whether it could tell or not.",
    ),
    counter(
        "livinglock_runs_total",
        &RUNS,
        "The runs that have ended, by how they ended.",
    ),
    counter(
        "livinglock_busy_total",
        &[Sample::Busy],
        "The runs that yielded, because the lock was busy.",
    ),
    counter(
        "livinglock_refused_total",
        &[Sample::Refused],
        "The runs that did not begin, because the lock could not be had.",
    ),
    counter(
        "livinglock_takeovers_total",
        &[Sample::Takeovers],
        "The runs that took the lock over from one that hung, was frozen, or let its lease run out.",
    ),
    counter(
        "livinglock_stalls_total",
        &[Sample::Stalls],
        "How often a run was found to have passed no checkpoint for too long.",
    ),
];

impl Family {
    /// The value as the file has it.
    pub(super) fn written(&self, value: u64) -> String {
        match self.unit {
            Unit::Number => value.to_string(),
            Unit::Time => format!("{}.{:03}", value / 1000, value % 1000),
        }
    }

    /// What a value of the file means. Other tools may have written it in another form.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whatever it is, this casts to something in range"
    )]
    pub(super) fn read(&self, text: &str) -> Option<u64> {
        if self.unit == Unit::Number
            && let Ok(number) = text.parse()
        {
            return Some(number);
        }
        let value: f64 = text.parse().ok()?;
        let scale = match self.unit {
            Unit::Number => 1.0,
            Unit::Time => 1000.0,
        };
        (value.is_finite() && value >= 0.0).then(|| (value * scale).round() as u64)
    }
}

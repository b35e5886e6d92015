//! Runs that write in another order than they follow each other.

use super::*;

fn sight(token: u64) -> Sight {
    Sight {
        token,
        started: token * 1000,
        progressed: token * 1000 + 10,
        stale: 7,
        units: Some((token, 100)),
    }
}

fn began(token: u64) -> Note {
    Note::Began {
        run: sight(token),
        takes_over: false,
        before: None,
    }
}

fn began_after(token: u64, before: u64, outcome: Outcome) -> Note {
    Note::Began {
        run: sight(token),
        takes_over: outcome == Outcome::Hung,
        before: Some((before, outcome)),
    }
}

fn ended(token: u64, outcome: Outcome) -> Note {
    Note::Ended {
        token,
        at: token * 1000 + 500,
        lasted: 500,
        outcome,
        exit_status: Some(u8::from(outcome != Outcome::Succeeded)),
        is_left: !matches!(outcome, Outcome::Succeeded | Outcome::Failed),
    }
}

fn after(notes: &[Note]) -> Series {
    let mut series = Series::default();
    for note in notes {
        note.enter(&mut series);
    }
    series
}

fn runs(series: &Series, outcome: Outcome) -> u64 {
    series.get(Sample::Runs(outcome)).unwrap_or_default()
}

#[test]
fn a_run_is_shown_while_it_lasts() {
    let series = after(&[began(1), Note::Progressed(sight(1))]);
    assert_eq!(series.get(Sample::Running), Some(1));
    assert_eq!(series.get(Sample::UnitsExpected), Some(100));
    let series = after(&[began(1), ended(1, Outcome::Succeeded)]);
    assert_eq!(series.get(Sample::Running), Some(0));
    assert_eq!(series.get(Sample::UnitsExpected), None);
    assert_eq!(series.get(Sample::LastCheckpoint), None);
    assert_eq!(series.get(Sample::LastStart), Some(1000));
    assert_eq!(series.get(Sample::LastSuccess), Some(1500));
    assert_eq!(series.get(Sample::LastExitCode), Some(0));
}

/// It tells of its end when its lock is free already.
#[test]
fn an_older_run_that_ends_late_leaves_the_newer_one_alone() {
    let series = after(&[began(1), began(2), ended(1, Outcome::Succeeded)]);
    assert_eq!(series.get(Sample::Running), Some(1));
    assert_eq!(series.get(Sample::LastStart), Some(2000));
    assert_eq!(series.get(Sample::UnitsDone), Some(2));
    assert_eq!(series.get(Sample::LastCompletion), Some(1500));
    assert_eq!(runs(&series, Outcome::Succeeded), 1);

    let late = [
        began(1),
        began(2),
        ended(2, Outcome::Failed),
        ended(1, Outcome::Succeeded),
    ];
    let series = after(&late);
    assert_eq!(series.get(Sample::LastCompletion), Some(2500));
    assert_eq!(series.get(Sample::LastExitCode), Some(1));
    assert_eq!(series.get(Sample::LastSuccess), Some(1500));
    assert_eq!(runs(&series, Outcome::Succeeded), 1);
    assert_eq!(runs(&series, Outcome::Failed), 1);

    let series = after(&[began(1), began(2), Note::Progressed(sight(1))]);
    assert_eq!(series.get(Sample::UnitsDone), Some(2));
}

#[test]
fn a_run_that_left_its_record_is_counted_once_whoever_comes_first() {
    for outcome in [Outcome::Panicked, Outcome::Hung] {
        let by_itself = [began(1), ended(1, outcome), began_after(2, 1, outcome)];
        let by_the_next = [began(1), began_after(2, 1, outcome), ended(1, outcome)];
        let after_the_next = [
            began(1),
            began_after(2, 1, outcome),
            ended(2, Outcome::Succeeded),
            ended(1, outcome),
        ];
        for notes in [&by_itself[..], &by_the_next, &after_the_next] {
            assert_eq!(runs(&after(notes), outcome), 1, "{notes:?}");
        }
    }
    let killed = [began(1), began_after(2, 1, Outcome::Crashed)];
    assert_eq!(runs(&after(&killed), Outcome::Crashed), 1);
    // Of one that told nothing at all, such as before it had metrics.
    let silent = [began_after(2, 1, Outcome::Crashed)];
    assert_eq!(runs(&after(&silent), Outcome::Crashed), 1);
}

/// Tokens come from a clock that may be set back, and then from a smaller number.
#[test]
fn a_run_that_begins_when_nobody_runs_is_the_newest() {
    let series = after(&[
        began(9),
        ended(9, Outcome::Succeeded),
        began(3),
        Note::Progressed(sight(3)),
    ]);
    assert_eq!(series.get(Sample::LastStart), Some(3000));
    assert_eq!(series.get(Sample::Running), Some(1));
    let series = after(&[
        began(9),
        ended(9, Outcome::Succeeded),
        began(3),
        ended(3, Outcome::Failed),
        began(4),
        began_after(5, 4, Outcome::Crashed),
    ]);
    assert_eq!(series.get(Sample::LastExitCode), Some(1));
    assert_eq!(series.get(Sample::LastStart), Some(5000));
    assert_eq!(runs(&series, Outcome::Crashed), 1);
}

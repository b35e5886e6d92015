//! Tests of what is learned of checkpoints.

use std::collections::HashSet;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn at(line: u32) -> Checkpoint {
    Checkpoint {
        file: "src/import.rs".to_owned(),
        line,
        ..Checkpoint::default()
    }
}

fn habit(line: u32, gaps_ms: &[u64]) -> Habit {
    Habit {
        file: at(line).file,
        line,
        column: 0,
        gaps_ms: gaps_ms.to_vec(),
    }
}

/// The job takes so many milliseconds from this line to the next checkpoint.
fn take(pace: &mut Pace, line: u32, gap: u64) {
    pace.count(Duration::from_millis(gap));
    pace.learn(Some(&at(line)));
}

fn learned(gaps: &[u64]) -> Option<u64> {
    let mut pace = Pace::default();
    for gap in gaps {
        take(&mut pace, 1, *gap);
    }
    pace.usual(&at(1))
}

#[test]
fn one_that_was_held_up_is_not_usual() {
    assert_eq!(learned(&[12_000, 12_100]), None);
    assert_eq!(learned(&[12_000, 12_100, 3_600_000]), Some(12_100));
    assert_eq!(
        learned(&[3_600_000, 1, 12_000, 12_100, 11_900]),
        Some(12_000)
    );
}

#[test]
fn a_job_that_has_become_slower_is_followed() {
    let before = [1_000; 100];
    let after = [5_000; 4];
    assert_eq!(learned(&before), Some(1_000));
    assert_eq!(learned(&[&before[..], &after[..]].concat()), Some(5_000));
}

#[test]
fn the_time_before_the_first_checkpoint_is_of_none() {
    let mut pace = Pace::default();
    pace.count(Duration::from_secs(3600));
    pace.learn(None);
    (0..3).for_each(|_| take(&mut pace, 1, 1_000));
    assert_eq!(pace.usual(&at(1)), Some(1_000));
}

#[test]
fn each_checkpoint_has_its_own() {
    let mut pace = Pace::default();
    for _ in 0..3 {
        take(&mut pace, 1, 1_000);
        take(&mut pace, 2, 60_000);
    }
    assert_eq!(pace.usual(&at(1)), Some(1_000));
    assert_eq!(pace.usual(&at(2)), Some(60_000));
    assert_eq!(pace.usual(&at(3)), None);
}

#[test]
fn of_many_checkpoints_the_last_ones_are_known() {
    let mut pace = Pace::default();
    for line in 0..1000 {
        (0..3).for_each(|_| take(&mut pace, line, 1_000));
    }
    assert_eq!(pace.sites.len(), MOST_SITES);
    assert_eq!(pace.usual(&at(999)), Some(1_000));
    assert_eq!(pace.usual(&at(0)), None);
}

#[test]
fn the_slowest_are_left_to_the_next_run_and_nothing_that_was_too_short_to_see() {
    let mut pace = Pace::default();
    for line in 1..=20 {
        (1..=2).for_each(|unit| take(&mut pace, line, u64::from(line) * 100 + unit));
    }
    let told = |line: u32| {
        habit(
            line,
            &[u64::from(line) * 100 + 2, u64::from(line) * 100 + 1],
        )
    };
    assert_eq!(pace.slowest(0), [told(20), told(19), told(18), told(17)]);
    assert_eq!(pace.slowest(1_902), [told(20), told(19)]);
    assert_eq!(pace.slowest(2_003), []);
}

#[test]
fn what_is_passed_once_in_a_run_is_known_after_three() {
    let mut known = Vec::new();
    for gap in [11_000, 13_000, 12_000] {
        let mut pace = Pace::default();
        for habit in &known {
            pace.remember(habit);
        }
        assert_eq!(pace.usual(&at(1)), None);
        take(&mut pace, 1, gap);
        known = pace.slowest(0);
    }
    assert_eq!(known, [habit(1, &[12_000, 13_000, 11_000])]);
    let mut pace = Pace::default();
    pace.remember(&known[0]);
    assert_eq!(pace.usual(&at(1)), Some(12_000));
}

#[test]
fn what_the_run_before_knew_is_known_until_this_one_knows_better() {
    let mut before = at(1);
    assert_eq!(Pace::of_the_run_before(&before).usual(&at(1)), None);
    before.usual_ms = Some(12_000);
    let mut pace = Pace::of_the_run_before(&before);
    assert_eq!(pace.usual(&at(1)), Some(12_000));
    (0..4).for_each(|_| take(&mut pace, 1, 2_000));
    assert_eq!(pace.usual(&at(1)), Some(2_000));
}

proptest! {
    /// Fewer than half of those that count, wherever they are and however long: then what is usual is one of the others.
    #[test]
    fn a_minority_that_was_held_up_or_skipped_is_not_usual(
        before in vec(any::<u32>(), 0..20),
        (usual, strange) in (LEAST_GAPS..=GAPS).prop_flat_map(|count| {
            let most = (count - 1) / 2;
            (0..=most).prop_flat_map(move |strange| {
                (vec(11_000_u64..13_000, count - strange), vec(any::<u32>(), strange))
            })
        }),
        by in any::<Index>(),
    ) {
        let mut last: Vec<u64> = usual.iter().copied().chain(strange.into_iter().map(u64::from)).collect();
        let by = by.index(last.len());
        last.rotate_left(by);
        // Only as many as are there, or else more than count: older ones of any length.
        let before = if last.len() == GAPS { before } else { Vec::new() };
        let all: Vec<u64> = before.into_iter().map(u64::from).chain(last).collect();
        let learned = learned(&all);
        prop_assert!(learned.is_some_and(|learned| usual.contains(&learned)), "{learned:?} of {all:?}");
    }

    /// One of the last seven, and at least half of them are no longer, and at least half are no shorter.
    #[test]
    fn what_is_usual_is_in_the_middle(gaps in vec(0_u64..100, 0..30)) {
        let last = &gaps[gaps.len().saturating_sub(GAPS)..];
        let Some(usual) = learned(&gaps) else {
            prop_assert!(gaps.len() < LEAST_GAPS);
            return Ok(());
        };
        let count = |is: fn(&u64, &u64) -> bool| last.iter().filter(|gap| is(gap, &usual)).count();
        prop_assert!(last.contains(&usual));
        prop_assert!(count(u64::le) * 2 >= last.len() && count(u64::ge) * 2 >= last.len());
    }

    /// As if each checkpoint were the only one, and no more of them than there is room for.
    #[test]
    fn each_checkpoint_learns_for_itself(passes in vec((0_u32..40, 0_u64..1000), 0..300)) {
        let mut pace = Pace::default();
        for (line, gap) in &passes {
            take(&mut pace, *line, *gap);
        }
        prop_assert!(pace.sites.len() <= MOST_SITES);
        prop_assert!(pace.sites.iter().all(|site| site.gaps.len() <= GAPS));
        let lines: HashSet<u32> = passes.iter().map(|(line, _)| *line).collect();
        if lines.len() <= MOST_SITES {
            for line in lines {
                let own: Vec<u64> = passes.iter().filter(|pass| pass.0 == line).map(|pass| pass.1).collect();
                prop_assert_eq!(pace.usual(&at(line)), learned(&own));
            }
        }
    }

    /// Whatever its record says.
    #[test]
    fn any_run_before_is_outvoted_by_four_gaps_of_this_one(
        usual_ms in any::<Option<u64>>(),
        seen in vec(any::<u64>(), 0..9),
        gap in 0_u64..1000,
        before in 0..4,
    ) {
        let mut pace = Pace::of_the_run_before(&Checkpoint { usual_ms, ..at(1) });
        prop_assert_eq!(pace.usual(&at(1)), usual_ms);
        // The journal is read while the job runs.
        (0..before).for_each(|_| take(&mut pace, 1, gap));
        pace.remember(&habit(1, &seen));
        (before..4).for_each(|_| take(&mut pace, 1, gap));
        prop_assert_eq!(pace.usual(&at(1)), Some(gap));
    }
}

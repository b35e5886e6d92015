//! Tests of what is said of a lock to somebody who only looks.

use super::*;
use crate::process::Identity;

fn record() -> Record {
    Record {
        process_id: 4121,
        pid_namespace: Identity::own().pid_namespace,
        host: "db1".to_owned(),
        name: "nightly".to_owned(),
        timestamp: "2026-11-23T02:43:10.123Z".to_owned(),
        acquired: "2026-11-23T02:00:00Z".to_owned(),
        acquired_ns: 1_000_000_000,
        progress_ns: 2_501_000_000_000,
        stale_ms: 7_200_000,
        grace_ms: 10_000,
        tick_ms: 1000,
        heartbeats: 44,
        fencing_token: 17,
        checkpoint: Some(Checkpoint {
            file: "src/import.rs".to_owned(),
            line: 88,
            message: Some("order 250".to_owned()),
            done: Some(250),
            total: Some(500),
            ..Checkpoint::default()
        }),
        ..Record::new()
    }
}

fn sight(condition: Condition, record: Record, silence: u64) -> Sight {
    Sight {
        condition,
        asked: None,
        record: Some(Box::new(record)),
        is_ours: true,
        ages: Ages {
            clock: Clock::Monotonic,
            held: Some(Duration::from_secs(2500 + silence)),
            silence: Some(Duration::from_secs(silence)),
        },
    }
}

fn text_of(sight: &Sight) -> String {
    block(&Subject {
        path: Path::new("/run/nightly.lock"),
        sight,
        hands: &[],
        descendants: &[Descendant {
            process_id: 77,
            name: "sort".to_owned(),
        }],
    })
}

#[test]
fn a_working_holder_is_told_with_what_is_left_of_its_work() {
    let sight = sight(Condition::Working, record(), 20);
    assert_eq!(
        text_of(&sight),
        "\
/run/nightly.lock: held and working
    holder       pid 4121 (nightly) on db1
    since        2026-11-23 02:00:00 UTC, for 42m
    checkpoint   src/import.rs:88 \"order 250\", as of its last heartbeat 20s ago
    progress     250/500 (50%), 6.0/m, about 41m 20s left
    heartbeats   44, the last at 2026-11-23 02:43:10 UTC
    limits       stale after 2h without a checkpoint, then 10s to give way
    descendants  pid 77 (sort)
    token        17
"
    );
    assert_eq!(
        change(Path::new("/x"), &sight),
        "/x: held and working; pid 4121 (nightly) on db1; src/import.rs:88 \"order 250\" (250/500)"
    );
    assert_eq!(pace(&sight), "6.0/m, about 41m 20s left");
    assert_eq!(standing_at(&sight), "src/import.rs:88 \"order 250\"");
}

#[test]
fn the_age_of_a_checkpoint_is_exact_only_of_a_job_that_has_gone_quiet() {
    let last = |condition, silence| {
        let text = text_of(&sight(condition, record(), silence));
        let line = text.lines().find(|line| line.contains("checkpoint   "));
        line.unwrap_or_default().to_owned()
    };
    let as_of = "as of its last heartbeat";
    // `heartbeat` is under half of `stale`, which is two hours here.
    assert!(last(Condition::Working, 3602).contains(as_of));
    let quiet = last(Condition::Working, 3603);
    assert!(quiet.ends_with("\"order 250\", 1h ago"), "{quiet}");
    let hung = last(Condition::Hung, 7500);
    assert!(hung.ends_with("\"order 250\", 2h 5m ago"), "{hung}");
    // It was killed in between.
    let left = last(Condition::Left(Fate::Crashed), 7500);
    assert!(left.contains(as_of), "{left}");
}

#[test]
fn what_is_usual_is_told_of_any_run_and_what_is_now_of_one_that_is_known_to_be_quiet() {
    let pace = |condition, usual_ms, silence| {
        let mut record = record();
        if let Some(checkpoint) = &mut record.checkpoint {
            checkpoint.usual_ms = usual_ms;
        }
        let text = text_of(&sight(condition, record, silence));
        let line = text.lines().find(|line| line.starts_with("    pace "));
        line.map(|line| line.trim_start_matches("    pace         ").to_owned())
    };
    let usual = Some("src/import.rs:88 usually takes 12s".to_owned());
    let and_now = Some("src/import.rs:88 usually takes 12s, now 1h".to_owned());
    assert_eq!(pace(Condition::Working, Some(12_000), 3603), and_now);
    // It may have passed others since its last heartbeat; and who has gone takes no time.
    assert_eq!(pace(Condition::Working, Some(12_000), 3602), usual);
    let crashed = Condition::Left(Fate::Crashed);
    assert_eq!(pace(crashed, Some(12_000), 3603), usual);
    assert_eq!(pace(Condition::Working, None, 3603), None);
}

#[test]
fn a_hung_holder_has_no_time_left_and_a_foreign_clock_is_named() {
    let mut sight = sight(Condition::Hung, record(), 7500);
    sight.ages.clock = Clock::Wall;
    let text = text_of(&sight);
    assert!(
        text.starts_with("/run/nightly.lock: hung: no checkpoint for 2h 5m by the wall clock\n"),
        "{text}"
    );
    assert!(!text.contains(" left"), "{text}");
    assert!(text.contains(", 2h 5m ago by the wall clock\n"), "{text}");
}

#[test]
fn impossible_progress_has_no_estimate() {
    for (done, total) in [(0, 500), (501, 500), (u64::MAX, 0), (0, 0)] {
        let mut record = record();
        if let Some(checkpoint) = &mut record.checkpoint {
            (checkpoint.done, checkpoint.total) = (Some(done), Some(total));
        }
        let sight = sight(Condition::Working, record, 20);
        assert_eq!(left(&sight), None);
        assert!(text_of(&sight).contains(&format!("{done}/{total}")));
    }
}

#[test]
fn rates_have_the_unit_that_tells_most() {
    for (done, text) in [
        (1, "1.4/h"),
        (500, "12.0/m"),
        (50_000, "20.0/s"),
        (500_000, "200/s"),
    ] {
        let mut record = record();
        if let Some(checkpoint) = &mut record.checkpoint {
            (checkpoint.done, checkpoint.total) = (Some(done), Some(u64::MAX));
        }
        assert_eq!(
            rate(&sight(Condition::Working, record, 0)).as_deref(),
            Some(text)
        );
    }
}

#[test]
fn nothing_in_a_record_steers_the_terminal() {
    let mut hostile = record();
    hostile.name = "\u{1b}[2J".to_owned();
    hostile.host = "\u{9b}2J".to_owned();
    hostile.timestamp = "\u{1b}[2J\u{1b}[2J\u{1b}[2J\u{1b}[2JZ".to_owned();
    hostile.acquired = "\n".to_owned();
    if let Some(checkpoint) = &mut hostile.checkpoint {
        checkpoint.file = "\u{7}".to_owned();
        checkpoint.message = Some("\u{202e}".to_owned());
    }
    let sight = sight(Condition::Working, hostile, 1);
    let path = Path::new("/run/\r");
    for text in [
        text_of(&sight).replace('\n', ""),
        change(path, &sight),
        title(path, &sight),
        standing_at(&sight),
        super::super::harmless_json("\"\u{9b}\u{202e}\u{7f}\""),
    ] {
        assert!(
            !text.chars().any(|it| it.is_control() || it == '\u{202e}'),
            "{text:?}"
        );
    }
}

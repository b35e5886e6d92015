//! Tables of runs, pinned.

use super::*;
use crate::record::{Checkpoint, Record};

fn run(name: &str, outcome: Outcome, duration_ms: u64) -> Entry {
    let line = serde_json::json!({
        "livinglock": 1,
        "name": name,
        "started": "2026-11-24T02:00:00.250Z",
        "ended": "",
        "duration_ms": duration_ms,
        "outcome": outcome,
    });
    Entry::read(&line.to_string()).expect("an entry")
}

#[test]
fn the_longest_run_has_the_longest_bar_and_the_shortest_has_one() {
    let failed = Entry {
        exit_status: Some(3),
        checkpoint: Some(Checkpoint {
            file: "src/a.rs".to_owned(),
            line: 7,
            message: Some("\u{1b}[2J".to_owned()),
            done: Some(1),
            total: Some(2),
            ..Checkpoint::default()
        }),
        ..run("a", Outcome::Failed, 30_000)
    };
    let refused = Entry {
        reason: Some("no such folder".to_owned()),
        ..run("a", Outcome::Refused, 0)
    };
    let runs = [
        run("a", Outcome::Succeeded, 60_000),
        failed,
        refused,
        run("a", Outcome::Crashed, 0),
    ];
    assert_eq!(
        table(&runs, 9, 40, false),
        "started (UTC)        took              ended       last checkpoint\n\
         2026-11-24 02:00:00    1m  ##########  succeeded   -\n\
         2026-11-24 02:00:00   30s  #####       failed (3)  src/a.rs:7 \"\\u{1b}[2J\" (1/2)\n\
         2026-11-24 02:00:00     -              refused     no such folder\n\
         2026-11-24 02:00:00  0.0s  #           crashed     -\n\
         \n\
         the last 4 of 9 runs, 3 failures; median 30s, longest 1m\n"
    );
}

#[test]
fn a_line_is_cut_where_the_terminal_ends() {
    let runs = [run("a", Outcome::Succeeded, 1), run("b", Outcome::Hung, 3)];
    let text = table(&runs, 2, 30, true);
    assert!(
        text.lines().all(|line| line.chars().count() <= 60),
        "{text}"
    );
    assert!(text.contains(" a    0.0s"), "{text}");
    assert!(
        text.ends_with("2 runs, 1 failure; median 0.0s, longest 0.0s\n"),
        "{text}"
    );
    assert_eq!(table(&[], 0, 80, true), "no runs\n");
}

/// Whatever somebody has written into the journal.
#[test]
fn a_journal_cannot_steer_the_terminal() {
    let mut evil = run("\u{9b}2J\u{202e}", Outcome::Failed, u64::MAX);
    evil.started = "\u{1b}]0;owned\u{7}".to_owned();
    evil.reason = Some("a\rb".to_owned());
    let text = table(&[evil, run("b", Outcome::Unknown, 1)], 2, 80, false);
    let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(steers), "{text:?}");
    assert!(
        Entry::read(&Record::new().to_json()).is_none(),
        "a record is no run"
    );
}

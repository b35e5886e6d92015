//! Clocks that lie: no wall clock decides, and no other clock across namespaces or after a pause.

use std::{
    fs,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use livinglock::{Error, Lock, OnStale, Record};
use livinglock_tests::{PATIENCE, wait_until};

use crate::{
    program::{Running, can_unshare, holder_of, program_under_unshare},
    scratch::{Scratch, sealed, unsealed, with},
};

/// Writes another value into the record of a living holder, with the right checksum.
fn alter(scratch: &Scratch, field: &str, value: &str) {
    let json = with(&unsealed(&fs::read(scratch).unwrap()), field, value);
    let file = fs::File::options().write(true).open(scratch).unwrap();
    file.write_all_at(&sealed(&json), 0).unwrap();
}

/// Insists that a holder is asked, and answers; on a busy machine perhaps not the first newcomer.
fn wait_for_answers(scratch: &Scratch, count: u64) {
    wait_until("the holder answers", || busy(scratch).answers >= count);
}

fn busy(scratch: &Scratch) -> Record {
    let error = refused(scratch);
    error.holder().expect("a whole record").clone()
}

/// What a newcomer is told that takes nothing from anybody.
fn refused(scratch: &Scratch) -> Error {
    let error = Lock::options()
        .on_stale(OnStale::Report)
        .acquire(scratch)
        .expect_err("somebody holds it");
    assert!(error.is_busy(), "{error}");
    error
}

#[test]
fn the_wall_clock_says_nothing_about_a_working_holder() {
    let scratch = Scratch::new();
    // It works, but writes nothing that would undo what we alter.
    let mut holder = Running::start(holder_of(&scratch).env("SILENT", "1"));
    holder.expect("owner");
    for time in [
        "1970-01-01T00:00:00Z",
        "2020-02-29T23:59:59.999Z",
        "2199-12-31T00:00:00Z",
    ] {
        for field in ["timestamp", "acquired"] {
            alter(&scratch, field, &format!("\"{time}\""));
            let record = busy(&scratch);
            assert!([record.timestamp, record.acquired].contains(&time.to_owned()));
            assert_eq!(record.answers, 0, "not even asked");
        }
    }
    assert_eq!(holder.end().status.code(), Some(0));
}

#[test]
fn the_wall_clock_does_not_help_a_hung_holder() {
    let scratch = Scratch::new();
    let mut holder = Running::start(
        holder_of(&scratch)
            .env("SILENT", "1")
            .env("STALE_MS", "300"),
    );
    holder.expect("owner");
    alter(&scratch, "timestamp", "\"2199-12-31T00:00:00Z\"");
    wait_until("the hung holder gives way", || {
        Lock::acquire(&scratch).is_ok()
    });
}

#[test]
fn a_holder_with_another_clock_is_asked_and_answers() {
    let other_clocks = [
        ("progress_ns", "0"),
        ("boot_id", "\"00000000-0000-0000-0000-000000000000\""),
        ("time_namespace", "1"),
    ];
    for (field, value) in other_clocks {
        let scratch = Scratch::new();
        let mut holder = Running::start(holder_of(&scratch).env("SILENT", "1"));
        holder.expect("owner");
        alter(&scratch, field, value);
        wait_for_answers(&scratch, 1);
        assert_eq!(holder.end().status.code(), Some(0), "{field}");
    }
}

#[test]
fn a_crashed_run_is_succeeded_at_once_whatever_the_clocks_say() {
    let scratch = Scratch::new();
    let json = scratch.crash();
    for (field, value) in [
        ("timestamp", "\"2199-12-31T00:00:00Z\""),
        ("timestamp", "\"never\""),
        ("progress_ns", "18446744073709551615"),
        ("acquired_ns", "18446744073709551615"),
        ("boot_id", "\"\""),
    ] {
        fs::write(&scratch, sealed(&with(&json, field, value))).unwrap();
        let begun = Instant::now();
        Lock::acquire(&scratch).unwrap().release().unwrap();
        assert!(begun.elapsed() < PATIENCE, "{field} {value}");
    }
}

#[test]
fn a_pause_longer_than_stale_does_not_cost_the_lock() {
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("STALE_MS", "300"));
    holder.expect("owner");
    holder.stop();
    // Everything stands still, as in a suspended machine, but our clock.
    wait_until("the pause is longer than stale", || {
        refused(&scratch)
            .to_string()
            .contains("does not answer: it is stopped")
    });
    let paused = busy(&scratch);
    holder.go_on();
    wait_until("the holder works on", || {
        let record = busy(&scratch);
        assert_eq!(record.owner, paused.owner);
        record.heartbeats > paused.heartbeats + 2
    });
    assert_eq!(holder.end().status.code(), Some(0));
}

/// Monotonic clocks far from ours, in both directions where the machine has been up for long enough.
const FAR_AHEAD: [&str; 4] = ["--time", "--fork", "--kill-child", "--monotonic=9000000"];

#[test]
fn a_holder_in_another_time_namespace_is_asked_and_answers() {
    if !can_unshare(&FAR_AHEAD) {
        return;
    }
    let scratch = Scratch::new();
    let mut command = program_under_unshare(&FAR_AHEAD, "holder");
    let mut holder = Running::start(command.env("LOCK", &*scratch).env("SILENT", "1"));
    holder.expect("owner");
    let progress = Duration::from_nanos(busy(&scratch).progress_ns);
    assert!(progress > Duration::from_secs(9_000_000), "another clock");
    wait_for_answers(&scratch, 2);
    assert_eq!(holder.end().status.code(), Some(0));
}

#[test]
fn a_newcomer_from_another_time_namespace_takes_nothing_from_a_working_holder() {
    if !can_unshare(&FAR_AHEAD) {
        return;
    }
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("SILENT", "1"));
    holder.expect("owner");
    let mut command = program_under_unshare(&FAR_AHEAD, "holder");
    let mut newcomer = Running::start(command.env("LOCK", &*scratch));
    let text = newcomer.expect("busy: ");
    // Ages cannot be told between two clocks.
    assert!(
        !text.contains("ago") && !text.contains("has held it for"),
        "{text}"
    );
    assert_eq!(holder.end().status.code(), Some(0));
}

//! Tests of the sentences.

mod guide;

use super::*;

fn record() -> Record {
    let identity = Identity::own();
    let now = sys::monotonic_ns();
    let ago = |seconds: u64| now.saturating_sub(seconds * 1_000_000_000);
    Record {
        process_id: 4121,
        name: "nightly".to_owned(),
        boot_id: identity.boot_id.clone(),
        time_namespace: identity.time_namespace,
        timestamp: "2026-11-23T05:12:00.000Z".to_owned(),
        acquired: "2026-11-23T02:00:00Z".to_owned(),
        acquired_ns: ago(63),
        progress_ns: ago(3),
        grace_ms: 10_000,
        checkpoint: Some(Checkpoint {
            file: "src/import.rs".to_owned(),
            line: 88,
            message: Some("order 12".to_owned()),
            done: Some(12),
            total: Some(500),
            ..Checkpoint::default()
        }),
        ..Record::new()
    }
}

fn path() -> &'static Path {
    Path::new("/run/nightly.lock")
}

#[test]
fn a_busy_lock_says_who_since_when_and_where() {
    assert_eq!(
        busy(path(), &Busy::Working, Some(&record())),
        "/run/nightly.lock is busy: pid 4121 (nightly) has held it for 1m 3s; \
         last checkpoint src/import.rs:88 \"order 12\" (12/500) 3s ago"
    );
}

#[test]
fn a_record_from_another_clock_has_no_ages() {
    let elsewhere = Record {
        boot_id: "another".to_owned(),
        ..record()
    };
    assert_eq!(
        busy(path(), &Busy::Working, Some(&elsewhere)),
        "/run/nightly.lock is busy: pid 4121 (nightly) holds it; \
         last checkpoint src/import.rs:88 \"order 12\" (12/500)"
    );
}

#[test]
fn a_predecessor_says_when_it_ran_and_where_it_stopped() {
    assert_eq!(
        predecessor(path(), &Predecessor::new(Some(record()), None)),
        "/run/nightly.lock: previous run (pid 4121, started 02:00 UTC, ran 3h 12m) ended without releasing; \
         last checkpoint src/import.rs:88 \"order 12\" (12/500)"
    );
}

#[test]
fn a_silence_is_told_beside_what_is_usual_if_it_is_clearly_longer() {
    let said = |usual_ms, seconds| {
        let mut record = record();
        if let Some(checkpoint) = &mut record.checkpoint {
            checkpoint.usual_ms = usual_ms;
        }
        silent(path(), &record, Duration::from_secs(seconds), &[])
    };
    let line = |silence: &str, pace: &str| {
        format!(
            "/run/nightly.lock: pid 4121 (nightly) made no checkpoint for {silence}; \
             last checkpoint src/import.rs:88 \"order 12\" (12/500){pace}; its threads are gone"
        )
    };
    let pace = "; src/import.rs:88 usually takes 12s, now 43m";
    assert_eq!(said(Some(12_000), 43 * 60), line("43m", pace));
    let pace = "; src/import.rs:88 usually takes 12s, now 24s";
    assert_eq!(said(Some(12_000), 24), line("24s", pace));
    assert_eq!(said(Some(12_000), 23), line("23s", ""));
    assert_eq!(said(None, 43 * 60), line("43m", ""));
    // Whatever a forged record left to us.
    assert_eq!(said(Some(u64::MAX), 43 * 60), line("43m", ""));
}

#[test]
fn nothing_in_a_record_steers_the_terminal() {
    let hostile = Record {
        name: "\u{1b}[2Jnightly\n\u{202e}".to_owned(),
        ..record()
    };
    let line = busy(Path::new("/run/\u{7}x"), &Busy::Working, Some(&hostile));
    assert!(
        line.starts_with(
            "/run/\\u{7}x is busy: pid 4121 (\\u{1b}[2Jnightly\\n\\u{202e}) has held it"
        )
    );
}

#[test]
fn spans_have_two_units() {
    for (milliseconds, text) in [
        (0, "0.0s"),
        (300, "0.3s"),
        (3_999, "3s"),
        (60_000, "1m"),
        (63_000, "1m 3s"),
        (3_600_000, "1h"),
        (11_520_000, "3h 12m"),
        (7_500_000, "2h 5m"),
        (90_000_000, "1d 1h"),
    ] {
        assert_eq!(span(Duration::from_millis(milliseconds)), text);
    }
}

//! What a checkpoint does, evaluates and tells, under which lock, and how it stops a job.

mod evaluation;
mod functions;
mod jobs;
mod stops;
mod threads;

use std::path::Path;

use livinglock::{Lock, Record};
use livinglock_tests::wait_until;

/// What the processes run that the tests start.
#[test]
#[ignore = "the body of the processes that the other tests start"]
fn program() {
    jobs::run(&[
        ("no lock", evaluation::without_a_lock),
        ("messages", evaluation::messages),
        ("destructor", stops::destructor),
        ("swallowed stop", stops::swallowed_stop),
        ("try", stops::tried),
        ("short threads", threads::short),
        ("late words", threads::late_words),
        ("late words after a stop", threads::late_words_after_a_stop),
        ("late words of main", threads::late_words_of_main),
    ]);
}

/// The record of a lock that this process holds.
fn record(path: &Path) -> Record {
    let busy = Lock::acquire(path).expect_err("this process holds it");
    busy.holder().expect("a whole record").clone()
}

/// Waits until a lock file has this text. Only by looking: whoever takes a new file before its creator has locked it, owns it.
fn wait_for_record(path: &Path, text: &str) {
    wait_until(&format!("the record has {text}"), || {
        std::fs::read_to_string(path).is_ok_and(|record| record.contains(text))
    });
}

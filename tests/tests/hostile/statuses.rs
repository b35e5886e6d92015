//! How an annotated `main` ends, and what the next run says of it.

use std::{
    fs,
    process::{ExitCode, exit},
};

use livinglock::{Lock, exit_status};
use livinglock_tests::wait_until;

use crate::{
    program::{Ended, Running, listen, program, say},
    scratch::Scratch,
};

/// Runs an annotated `main`, and leaves with its status.
pub(crate) fn batch() {
    let code = job::main();
    let status = (0..=u8::MAX).find(|status| ExitCode::from(*status) == code);
    exit(status.expect("a status").into());
}

mod job {
    use std::{env, process::ExitCode};

    use livinglock::checkpoint;
    use livinglock_tests::wait_until;

    use super::{BODY, listen, say};

    fn busy() -> u8 {
        env::var("BUSY").map_or(0, |status| status.parse().unwrap())
    }

    #[livinglock::batch(
        path = env::var("LOCK").unwrap(),
        stale = "1h",
        heartbeat = "20ms",
        grace = "200ms",
        busy = busy(),
    )]
    pub(super) fn main() -> anyhow::Result<ExitCode> {
        say(BODY);
        for unit in 0..3 {
            checkpoint!(done = unit, total = 3, "unit {unit}");
        }
        match &*env::var("BODY").unwrap_or_default() {
            "status 3" => return Ok(ExitCode::from(3)),
            "error" => anyhow::bail!("the body's own error"),
            "panic" => panic!("the body's own panic"),
            "listen" => listen(),
            "work" => wait_until("the test ends us", || {
                checkpoint!("the last unit");
                false
            }),
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a `main` says first.
const BODY: &str = "the body runs";

fn start(scratch: &Scratch, body: &str) -> Running {
    let mut command = program("batch");
    command.env("LOCK", &**scratch).env("BODY", body);
    Running::start(&mut command)
}

fn ended(scratch: &Scratch, body: &str) -> Ended {
    let mut running = start(scratch, body);
    running.expect(BODY);
    running.end()
}

#[test]
fn a_body_keeps_its_own_status_and_nothing_is_said() {
    let scratch = Scratch::new();
    for (body, status) in [("", 0), ("status 3", 3), ("error", 1)] {
        let ended = ended(&scratch, body);
        assert_eq!(ended.status.code(), Some(status), "{}", ended.errors);
        assert!(!ended.errors.contains("livinglock"), "{}", ended.errors);
        assert_eq!(
            ended.errors.contains("Error: the body's own error"),
            status == 1
        );
        assert_eq!(scratch.names(), [""; 0]);
    }
}

#[test]
fn a_busy_lock_ends_with_the_status_asked_for_and_one_line() {
    let scratch = Scratch::new();
    let _lock = Lock::options().name("first").acquire(&scratch).unwrap();
    for (asked, expected) in [(None, 0), (Some("0"), 0), (Some("11"), 11)] {
        let mut command = program("batch");
        command.env("LOCK", &*scratch);
        if let Some(status) = asked {
            command.env("BUSY", status);
        }
        let ended = Running::start(&mut command).end();
        assert_eq!(ended.status.code(), Some(expected), "{}", ended.errors);
        let us = format!(
            "is busy: pid {} (first) has held it for ",
            std::process::id()
        );
        assert!(ended.errors.contains(&us), "{}", ended.errors);
        assert!(ended.errors.ends_with("; yielding\n"), "{}", ended.errors);
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    }
}

#[test]
fn a_lock_that_cannot_be_had_ends_with_73_before_the_body() {
    let scratch = Scratch::new();
    fs::write(&scratch, "precious").unwrap();
    let ended = start(&scratch, "status 3").end();
    assert_eq!(ended.status.code(), Some(exit_status::CANNOT_LOCK.into()));
    assert_eq!(exit_status::CANNOT_LOCK, 73);
    assert!(
        ended.errors.contains("is not a lock file"),
        "{}",
        ended.errors
    );
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    assert_eq!(fs::read_to_string(&scratch).unwrap(), "precious");
}

#[test]
fn a_lost_lock_ends_with_75_at_the_next_checkpoint() {
    let scratch = Scratch::new();
    let mut running = start(&scratch, "work");
    running.expect(BODY);
    wait_until("its last unit is known", || {
        let record = fs::read(&scratch).unwrap();
        String::from_utf8_lossy(&record).contains("\"the last unit\"")
    });
    let other = scratch.file("other");
    fs::write(&other, "precious").unwrap();
    fs::rename(&other, &scratch).unwrap();
    let ended = running.end();
    assert_eq!(
        ended.status.code(),
        Some(exit_status::LOST.into()),
        "{}",
        ended.errors
    );
    assert_eq!(exit_status::LOST, 75);
    assert!(
        ended.errors.contains("stopped, because the lock is lost"),
        "{}",
        ended.errors
    );
    assert!(
        ended.errors.contains("\"the last unit\""),
        "{}",
        ended.errors
    );
    assert!(!ended.errors.contains("panicked"), "{}", ended.errors);
    assert_eq!(fs::read_to_string(&scratch).unwrap(), "precious");
}

#[test]
fn a_panic_keeps_its_status_and_the_next_run_says_where() {
    let scratch = Scratch::new();
    let first = ended(&scratch, "panic");
    assert_eq!(first.status.code(), Some(101), "{}", first.errors);
    assert!(
        first.errors.contains("the body's own panic"),
        "{}",
        first.errors
    );
    let next = ended(&scratch, "");
    assert_eq!(next.status.code(), Some(0), "{}", next.errors);
    assert_predecessor(&next, "panicked; last checkpoint ");
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn a_killed_run_is_succeeded_at_once_and_the_next_run_says_where() {
    let scratch = Scratch::new();
    let mut first = start(&scratch, "listen");
    first.expect(BODY);
    wait_until("the last checkpoint is written", || {
        let busy = Lock::acquire(&scratch).unwrap_err();
        busy.holder().is_some_and(|record| {
            record
                .checkpoint
                .as_ref()
                .is_some_and(|last| last.done == Some(2))
        })
    });
    first.kill();
    let next = ended(&scratch, "");
    assert_eq!(next.status.code(), Some(0), "{}", next.errors);
    assert_predecessor(&next, "ended without releasing; last checkpoint");
}

#[test]
fn a_record_that_is_damaged_is_said_to_be() {
    let scratch = Scratch::new();
    scratch.crash();
    fs::write(&scratch, &fs::read(&scratch).unwrap()[..100]).unwrap();
    let next = ended(&scratch, "");
    assert_eq!(next.status.code(), Some(0), "{}", next.errors);
    assert!(
        next.errors.contains("its record is damaged"),
        "{}",
        next.errors
    );
}

fn assert_predecessor(next: &Ended, how: &str) {
    assert!(next.errors.contains(how), "{}", next.errors);
    let last = "hostile/statuses.rs:";
    assert!(next.errors.contains(last), "{}", next.errors);
    assert!(next.errors.contains("(2/3)"), "{}", next.errors);
    assert_eq!(next.errors.lines().count(), 1, "{}", next.errors);
}

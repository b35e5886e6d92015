//! When the arguments of a checkpoint are evaluated, and how old its message may be.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

use livinglock::{Stop, checkpoint, try_checkpoint};
use livinglock_tests::wait_until;

use crate::{
    jobs::{TICK, hold, job, leave, lock},
    record,
};

const PASSES: u32 = 1000;

#[test]
fn without_a_lock_nothing_happens_but_counting() {
    assert_eq!(job("no lock", 0), "");
}

/// Passes every form of checkpoint very often.
pub(crate) fn without_a_lock() {
    let counted = Cell::new(0);
    let formatted = Cell::new(0);
    let count = || {
        counted.set(counted.get() + 1);
        counted.get()
    };
    let format = || {
        formatted.set(formatted.get() + 1);
        "x"
    };
    // Each loop stays at one site, so that only its first pass is a slow one.
    for _ in 0..PASSES {
        let () = checkpoint!();
    }
    for _ in 0..PASSES {
        let () = checkpoint!(done = count(), total = count());
    }
    for _ in 0..PASSES {
        let () = checkpoint!("{}", format());
    }
    for _ in 0..PASSES {
        let () = checkpoint!(done = count(), total = count(), "{0} {x}", format(), x = 1);
    }
    assert_eq!((counted.take(), formatted.take()), (4 * PASSES, 2));

    for _ in 0..PASSES {
        let passed: Result<(), Stop> = try_checkpoint!();
        passed.unwrap();
    }
    for _ in 0..PASSES {
        try_checkpoint!(done = count(), total = count()).unwrap();
    }
    for _ in 0..PASSES {
        try_checkpoint!("{}", format()).unwrap();
    }
    for _ in 0..PASSES {
        try_checkpoint!(done = count(), total = count(), "{}", format()).unwrap();
    }
    assert_eq!((counted.take(), formatted.take()), (4 * PASSES, 2));
    assert!(!lock().exists());
}

#[test]
fn a_message_is_formatted_once_a_tick_and_at_most_a_tick_old() {
    job("messages", 0);
}

/// Goes on for a while with a message that tells its own age, then is silent.
pub(crate) fn messages() {
    leave(hold(|| {
        let formatted = Cell::new(0);
        let begun = Instant::now();
        let elapsed = || u64::try_from(begun.elapsed().as_millis()).unwrap();
        let mut passes = 0_u64;
        // How late the pulse itself can be on a busy machine is not for this test to say.
        let young = (0..10).any(|_| {
            let until = begun.elapsed() + 10 * TICK;
            while begun.elapsed() < until {
                let format = || {
                    formatted.set(formatted.get() + 1);
                    elapsed()
                };
                checkpoint!(done = passes, total = 0_u64, "{}", format());
                passes += 1;
                thread::yield_now();
            }
            let last = elapsed();
            let mut told = 0;
            wait_until("the record of the silent job is exact", || {
                let checkpoint = record(&lock()).checkpoint.expect("a checkpoint");
                told = checkpoint.message.unwrap().parse().unwrap();
                checkpoint.done == Some(passes - 1)
            });
            last.saturating_sub(told) <= u64::try_from(2 * TICK.as_millis()).unwrap()
        });
        assert!(young, "the messages are older than a tick");
        let ticks = begun.elapsed().as_millis() / TICK.as_millis();
        let most = u64::try_from(ticks).unwrap() + 2;
        println!(
            "{passes} passes, {} messages in {ticks} ticks",
            formatted.get()
        );
        assert!(passes > 2 * most && (3..=most).contains(&formatted.get()));
    }));
}

/// Every form under a lock, and what the record says of it.
#[test]
fn the_record_tells_what_the_checkpoint_said() {
    let folder = tempfile::TempDir::new().unwrap();
    say_everything(&folder.path().join("job.lock"));
}

#[livinglock::batch(path = path, stale = "1h", heartbeat = "20ms", on_busy = panic!("busy"))]
fn say_everything(path: &std::path::Path) {
    type Said = (u32, Option<String>, Option<(u64, u64)>);
    let wait_for = |expected: Said| {
        wait_until(&format!("the record says {expected:?}"), || {
            record(path).checkpoint.is_some_and(|last| {
                assert!(last.file.ends_with("evaluation.rs") && last.column > 0);
                assert!(last.module.ends_with("evaluation"));
                (last.line, last.message, last.done.zip(last.total)) == expected
            })
        });
    };
    assert_eq!(record(path).checkpoint, None);
    checkpoint!();
    wait_for((line!() - 1, None, None));
    checkpoint!("unit {}", 12);
    wait_for((line!() - 1, Some("unit 12".to_owned()), None));
    checkpoint!(done = 3_u8, total = 500_usize);
    wait_for((line!() - 1, None, Some((3, 500))));
    checkpoint!(done = -4, total = 500, "unit {unit}", unit = 13);
    wait_for((line!() - 1, Some("unit 13".to_owned()), Some((0, 500))));
    try_checkpoint!(done = 5, total = 500, "unit 14").unwrap();
    wait_for((line!() - 1, Some("unit 14".to_owned()), Some((5, 500))));
    // Progress is the thread's: it stays until somebody counts again.
    try_checkpoint!().unwrap();
    wait_for((line!() - 1, None, Some((5, 500))));
}

#[test]
fn the_record_of_a_silent_job_names_its_very_last_checkpoint() {
    let folder = tempfile::TempDir::new().unwrap();
    fall_silent(&folder.path().join("job.lock"));
}

#[livinglock::batch(path = path, stale = "1h", heartbeat = "20ms", on_busy = panic!("busy"))]
fn fall_silent(path: &std::path::Path) {
    let pass = |site: usize| match site {
        0 => {
            checkpoint!();
            line!() - 1
        }
        1 => {
            checkpoint!();
            line!() - 1
        }
        _ => {
            checkpoint!();
            line!() - 1
        }
    };
    for round in 0..60 {
        // Some that stay at one site for several ticks, some that are over within one.
        let until = Instant::now() + Duration::from_millis(round % 4 * 15);
        let mut last = pass(0);
        for site in (0..).take_while(|_| Instant::now() < until) {
            last = pass(site / 10 % 3);
        }
        let line = pass(usize::try_from(round).unwrap() % 3);
        assert!(last > 0);
        wait_until("the record names the last line", || {
            record(path)
                .checkpoint
                .is_some_and(|last| last.line == line)
        });
    }
}

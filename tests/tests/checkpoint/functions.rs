//! Locks of functions: a checkpoint beats for the locks of the functions that its thread is in, and no other.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use livinglock::{Lock, checkpoint};
use livinglock_tests::wait_until;
use tempfile::TempDir;

use crate::{record, wait_for_record};

/// The line of the last checkpoint in a record.
fn line(path: &Path) -> Option<u32> {
    record(path).checkpoint.map(|last| last.line)
}

/// Waits at each of these, then passes the checkpoint; says where that is.
#[livinglock::batch(path = path, stale = "1h", heartbeat = "20ms", on_busy = panic!("busy"))]
fn first(path: &Path, mut turn: impl FnMut() -> bool) -> u32 {
    while turn() {
        checkpoint!("the first function");
    }
    line!() - 2
}

#[livinglock::batch(path = path, stale = "1h", heartbeat = "20ms", on_busy = panic!("busy"))]
fn second(path: &Path, mut turn: impl FnMut() -> bool) -> u32 {
    while turn() {
        checkpoint!("the second function");
    }
    line!() - 2
}

/// The paths of two locks.
fn two_locks() -> (TempDir, PathBuf, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = |name| folder.path().join(name);
    let (one, other) = (path("first.lock"), path("second.lock"));
    (folder, one, other)
}

#[test]
fn two_threads_in_two_functions_do_not_beat_for_each_other() {
    let (_folder, one, other) = two_locks();
    thread::scope(|scope| {
        let (go_first, first_turns) = channel();
        let (go_second, second_turns) = channel();
        let (one, other) = (&*one, &*other);
        let working = scope.spawn(move || first(one, || first_turns.recv().is_ok()));
        let silent = scope.spawn(move || second(other, || second_turns.recv().is_ok()));

        go_second.send(()).unwrap();
        wait_for_record(one, "\"owner\":");
        wait_for_record(other, "\"checkpoint\":");
        let quiet = record(other);
        let heartbeats = record(one).heartbeats;
        wait_until("the first beats", || {
            go_first.send(()).unwrap();
            record(one).heartbeats >= heartbeats + 5
        });
        assert_eq!(record(other).progress_ns, quiet.progress_ns);
        let lines = (line(one), line(other));

        drop((go_first, go_second));
        let expected = (working.join().unwrap(), silent.join().unwrap());
        assert_eq!(lines, (Some(expected.0), Some(expected.1)));
    });
    assert!(!one.exists() && !other.exists());
}

#[test]
fn a_function_within_a_function_beats_for_both_until_it_returns() {
    let (_folder, outer, inner) = two_locks();
    let mut turns = 0;
    let inner_line = std::cell::Cell::new(0);
    let outer_line = first(&outer, || {
        turns += 1;
        if turns > 1 {
            return turns == 2;
        }
        let mut beats = true;
        inner_line.set(second(&inner, || {
            let both = record(&outer).heartbeats > 0 && record(&inner).heartbeats > 0;
            if both {
                assert_eq!(line(&outer), line(&inner));
                beats = false;
            }
            beats
        }));
        assert!(!inner.exists());
        wait_until("the outer function names the inner one's place", || {
            line(&outer) == Some(inner_line.get())
        });
        true
    });
    assert_ne!(outer_line, inner_line.get());
    assert!(!outer.exists());
}

#[test]
fn a_thread_outside_of_the_function_does_not_beat_for_it() {
    let (_folder, path, other) = two_locks();
    let mut turns = 0;
    first(&path, || {
        turns += 1;
        if turns == 2 {
            wait_for_record(&path, "\"checkpoint\":");
            let quiet = record(&path);
            // One pulse serves both: when it has told of this one several times, it has looked at the first as often.
            let lock = Lock::options().heartbeat(Duration::from_millis(20));
            let lock = lock.acquire(&other).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    wait_until("the pulse has looked several times", || {
                        checkpoint!("a stranger");
                        lock.heartbeat().unwrap();
                        record(&other).heartbeats > 5
                    });
                });
            });
            let now = record(&path);
            assert_eq!(
                (now.progress_ns, now.checkpoint),
                (quiet.progress_ns, quiet.checkpoint)
            );
        }
        turns < 2
    });
}

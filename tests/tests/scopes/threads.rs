//! Threads that work for a locked function.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use livinglock::{Error, Lock, Stop, checkpoint, try_checkpoint};
use livinglock_tests::{is_stale, wait_until};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{folder, lock, record};

/// Runs this under a lock whose heartbeats are written at once.
#[livinglock::batch(path = path, stale = "2s", heartbeat = Duration::from_millis(20), grace = "200ms", warn = "60s")]
fn locked<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, Error> {
    Ok(work())
}

#[test]
fn a_thread_beats_for_the_function_whose_scope_it_was_given() {
    let folder = folder();
    let path = lock(&folder, "a");
    locked(&path, || {
        let scope = livinglock::scope();
        let end = AtomicBool::new(false);
        thread::scope(|threads| {
            threads.spawn(|| {
                scope.run(|| {
                    while !end.load(Ordering::Relaxed) {
                        checkpoint!("by another thread");
                        thread::yield_now();
                    }
                });
            });
            wait_until("the record tells of it", || {
                record(&path).contains("by another thread")
            });
            end.store(true, Ordering::Relaxed);
        });
    })
    .expect("the lock is free");
}

/// Its work is none of the function's, which hangs, and gives way.
#[test]
fn a_thread_that_was_given_no_scope_does_not_beat_for_anybody() {
    let folder = folder();
    let path = lock(&folder, "a");
    let end = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            while !end.load(Ordering::Relaxed) {
                checkpoint!("for nobody");
                thread::yield_now();
            }
        });
        let hung = threads.spawn(|| {
            locked(&path, || {
                checkpoint!("about to hang");
                while !end.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
                try_checkpoint!("late")
            })
        });
        wait_until("it works", || record(&path).contains("about to hang"));
        let next = Lock::options()
            .wait(Duration::from_mins(1))
            .acquire(&path)
            .expect("the hung one gives way, though it is in this very process");
        assert!(next.predecessor().is_some());
        end.store(true, Ordering::Relaxed);
        let late = hung.join().expect("nobody panics");
        assert_eq!(late.expect("it had the lock"), Err(Stop::Lost));
    });
}

#[test]
fn two_functions_at_once_do_not_beat_for_each_other_by_the_threads_of_a_pool() {
    let folder = folder();
    let (left, right) = (lock(&folder, "left"), lock(&folder, "right"));
    let end = AtomicBool::new(false);
    let work = |path: &Path, say: &'static str| {
        locked(path, || {
            let scope = livinglock::scope();
            (0..4).into_par_iter().for_each(|_| {
                scope.run(|| {
                    while !end.load(Ordering::Relaxed) {
                        checkpoint!("{say}");
                        thread::yield_now();
                    }
                });
            });
        })
    };
    thread::scope(|threads| {
        let jobs = [
            threads.spawn(|| work(&left, "on the left")),
            threads.spawn(|| work(&right, "on the right")),
        ];
        for _ in 0..200 {
            assert!(!record(&left).contains("on the right"));
            assert!(!record(&right).contains("on the left"));
            thread::sleep(Duration::from_millis(2));
        }
        end.store(true, Ordering::Relaxed);
        for job in jobs {
            job.join()
                .expect("nobody panics")
                .expect("the lock is free");
        }
    });
}

#[test]
fn work_that_outlives_its_function_is_stopped() {
    let folder = folder();
    let path = lock(&folder, "a");
    let straggler = locked(&path, || {
        livinglock::scope().spawn(|| {
            loop {
                if let Err(stop) = try_checkpoint!() {
                    return stop;
                }
                thread::yield_now();
            }
        })
    });
    let stop = straggler.expect("the lock is free").join();
    assert_eq!(stop.expect("it does not panic"), Stop::Released);
    assert!(!path.exists());
}

#[test]
fn a_function_that_needs_a_lock_says_so() {
    let folder = folder();
    let path = lock(&folder, "a");
    let needs = || std::panic::catch_unwind(|| livinglock::assert_held!());
    let said = needs().expect_err("no lock is held");
    let said = said.downcast::<&str>().expect("a sentence");
    assert!(said.contains("no lock is held here"), "{said}");
    locked(&path, || needs().expect("it is held here")).expect("the lock is free");
    locked(&path, || {
        let scope = livinglock::scope();
        let elsewhere = thread::spawn(move || needs().is_err() && scope.run(|| needs().is_ok()));
        assert!(elsewhere.join().expect("nobody panics"));
    })
    .expect("the lock is free");
}

/// Nobody can wait for itself, hung or not.
#[test]
fn a_function_within_itself_is_refused() {
    let folder = folder();
    let path = lock(&folder, "a");
    let inner = locked(&path, || {
        wait_until("it is hung", || is_stale(&path));
        locked(&path, || ())
    });
    let refused = inner.expect("the lock is free").expect_err("it is ours");
    assert!(
        refused.to_string().contains("holds it already"),
        "{refused}"
    );
}

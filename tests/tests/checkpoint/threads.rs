//! Threads that come and go while the pulse looks at them.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use livinglock::{checkpoint, exit_status};

use crate::{
    jobs::{hold, job, leave, lock, lose_the_lock},
    record,
    stops::{LastWords, work_until_stopped},
};

const THREADS: usize = 4000;

#[test]
fn threads_may_end_while_the_pulse_looks_at_them() {
    job("short threads", 0);
}

/// Starts very many threads that pass a checkpoint or two, each with a message to be freed.
pub(crate) fn short() {
    leave(hold(|| {
        let passed = AtomicUsize::new(0);
        let before = record(&lock()).heartbeats;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..THREADS / 4 {
                        thread::scope(|scope| {
                            scope.spawn(|| {
                                checkpoint!("thread {turn}");
                                checkpoint!();
                                passed.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), THREADS);
        assert!(
            record(&lock()).heartbeats > before,
            "the pulse has not looked"
        );
    }));
}

thread_local! {
    static LATE: LastWords = const { LastWords("spoken") };
}

#[test]
fn a_checkpoint_in_a_thread_local_destructor_is_passed() {
    let errors = job("late words", 0);
    assert_eq!(errors.matches("spoken\n").count(), 3, "{errors}");
}

/// Destructors that run before and after the thread has left the list of those that pass checkpoints.
pub(crate) fn late_words() {
    leave(hold(|| {
        let run = |work: fn()| thread::spawn(work).join().unwrap();
        run(|| LATE.with(|_| checkpoint!()));
        run(|| {
            checkpoint!();
            LATE.with(|_| ());
        });
        run(|| LATE.with(|_| ()));
    }));
}

#[test]
fn a_checkpoint_in_a_thread_local_destructor_does_not_abort_a_job_that_was_stopped() {
    let errors = job("late words after a stop", exit_status::LOST);
    assert_eq!(errors.matches("spoken\n").count(), 1, "{errors}");
}

pub(crate) fn late_words_after_a_stop() {
    leave(hold(|| {
        lose_the_lock();
        let stopped = thread::spawn(|| LATE.with(|_| work_until_stopped()));
        assert!(stopped.join().is_err());
    }));
}

#[test]
fn a_checkpoint_in_a_thread_local_destructor_does_not_abort_a_job_that_has_ended() {
    let errors = job("late words of main", 0);
    assert_eq!(errors.matches("spoken\n").count(), 1, "{errors}");
}

/// The thread of `main` ends after its lock was released.
pub(crate) fn late_words_of_main() {
    let main = thread::spawn(|| {
        LATE.with(|_| ());
        hold(|| checkpoint!())
    });
    leave(main.join().unwrap());
}

//! How a checkpoint stops a job.

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    path::Path,
    thread,
};

use livinglock::{Stop, checkpoint, exit_status, try_checkpoint};
use livinglock_tests::wait_until;
use tempfile::TempDir;

use crate::{
    jobs::{hold, job, leave, lock, lose_the_lock},
    wait_for_record,
};

/// Passes checkpoints until one of them stops the job.
pub(crate) fn work_until_stopped() -> ! {
    wait_until("a checkpoint stops the job", || {
        checkpoint!("work");
        false
    });
    unreachable!("it waits in vain, or is stopped");
}

/// Passes checkpoints when dropped.
pub(crate) struct LastWords(pub(crate) &'static str);

impl Drop for LastWords {
    fn drop(&mut self) {
        for _ in 0..2 {
            checkpoint!("last words");
        }
        // To be seen by the test: it went on after its checkpoints. In one piece, since the pulse writes there too.
        let line = format!("{}\n", self.0);
        io::stderr().write_all(line.as_bytes()).expect("speak");
    }
}

#[test]
fn a_checkpoint_in_a_destructor_does_not_stop_a_job_twice() {
    let errors = job("destructor", exit_status::LOST);
    assert_eq!(errors.matches("spoken\n").count(), 2, "{errors}");
    assert!(
        errors.contains("stopped, because the lock is lost"),
        "{errors}"
    );
    assert!(!errors.contains("panicked"), "{errors}");
}

pub(crate) fn destructor() {
    leave(hold(|| {
        let _last = LastWords("spoken");
        lose_the_lock();
        let _first = LastWords("spoken");
        work_until_stopped();
    }));
}

#[test]
fn a_stop_that_is_swallowed_comes_again() {
    job("swallowed stop", exit_status::LOST);
}

pub(crate) fn swallowed_stop() {
    leave(hold(|| {
        lose_the_lock();
        for _ in 0..3 {
            let stop = panic::catch_unwind(AssertUnwindSafe(|| work_until_stopped()));
            assert!(matches!(stop, Err(reason) if reason.is::<Stop>()));
        }
    }));
}

#[test]
fn a_tried_checkpoint_returns_why_the_job_has_to_stop() {
    let errors = job("try", exit_status::LOST);
    assert!(
        errors.contains("the lock is lost; stop working"),
        "{errors}"
    );
    assert!(errors.contains("\"work\" (7/8)"), "{errors}");
}

pub(crate) fn tried() {
    leave(hold(|| {
        try_checkpoint!(done = 7, total = 8, "work").expect("the lock is ours");
        wait_for_record(&lock(), "\"checkpoint\":");
        lose_the_lock();
        let mut stop = None;
        wait_until("the job has to stop", || {
            stop = try_checkpoint!(done = 7, total = 8, "work").err();
            stop.is_some()
        });
        let stop = stop.unwrap();
        assert_eq!(stop, Stop::Lost);
        assert_eq!(stop.exit_status(), exit_status::LOST);
        eprintln!("{stop}");
        assert_eq!(try_checkpoint!(), Err(Stop::Lost));
        assert_eq!(try_checkpoint!("{}", 1), Err(Stop::Lost));
        assert_eq!(try_checkpoint!(done = 8, total = 8), Err(Stop::Lost));
    }));
}

#[test]
fn a_locked_function_that_lost_its_lock_unwinds_with_the_reason_and_others_go_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("job.lock");
    let other = folder.path().join("other");
    let work = thread::spawn({
        let path = path.clone();
        move || {
            let stop = panic::catch_unwind(|| locked_work(&path));
            // Outside of the function nothing is lost.
            checkpoint!();
            try_checkpoint!().unwrap();
            stop
        }
    });
    wait_for_record(&path, "\"checkpoint\":");
    std::fs::write(&other, "another owner's").unwrap();
    std::fs::rename(&other, &path).unwrap();
    wait_until("it has stopped", || work.is_finished());
    let reason = work.join().unwrap().unwrap_err();
    assert_eq!(reason.downcast_ref(), Some(&Stop::Lost));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "another owner's");
}

#[livinglock::batch(path = path, stale = "1h", heartbeat = "20ms", on_busy = panic!("busy"))]
fn locked_work(path: &Path) {
    work_until_stopped();
}

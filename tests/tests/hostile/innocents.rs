//! Processes that a record names by mistake: their number was recycled. They are neither trusted nor signalled.

use std::{
    fs,
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
    time::Instant,
};

use livinglock::{Lock, exit_status};
use livinglock_tests::{PATIENCE, wait_until};

use crate::{
    program::{Running, holder_of, program},
    scratch::{Scratch, sealed, unsealed, with},
};

/// A process that has nothing to do with any lock, and dies of any signal.
pub(crate) struct Innocent(Child);

impl Innocent {
    pub(crate) fn new() -> Self {
        // It lives until our end of the pipe is closed.
        let mut command = Command::new("cat");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Self(child.unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The fields of `/proc/PID/stat` after the name, from the state on.
    fn stat(&self) -> Vec<String> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let (_, fields) = text.rsplit_once(')').unwrap();
        fields.split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn assert_unharmed(&mut self) {
        assert!(self.is_alive(), "an innocent was killed");
        assert_ne!(self.stat()[0], "T", "an innocent was stopped");
    }

    /// The record of a run whose number went to this process within one tick of its start time.
    fn accuse(&self, json: &str) -> String {
        let json = with(json, "process_id", self.id());
        with(&json, "process_started", &self.stat()[19])
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn a_crashed_run_whose_number_was_recycled_is_succeeded_at_once() {
    let scratch = Scratch::new();
    let json = scratch.crash();
    let mut innocent = Innocent::new();
    let fresh = innocent.accuse(&json);
    let stale = with(&fresh, "progress_ns", 0);
    for json in [fresh, stale] {
        fs::write(&scratch, sealed(&json)).unwrap();
        let begun = Instant::now();
        Lock::acquire(&scratch).unwrap().release().unwrap();
        assert!(begun.elapsed() < PATIENCE);
        innocent.assert_unharmed();
    }
}

#[test]
fn nobody_else_is_signalled_for_a_holder_that_does_not_answer() {
    let scratch = Scratch::new();
    let mut innocent = Innocent::new();
    let mut command = holder_of(&scratch);
    let mut holder = Running::start(command.env("SILENT", "1").env("STALE_MS", "300"));
    holder.expect("owner");
    holder.stop();
    let file = fs::File::options().write(true).open(&scratch).unwrap();
    let json = with(&unsealed(&fs::read(&scratch).unwrap()), "progress_ns", 0);
    // To signal 0 is to signal a whole group, and -1 everybody.
    let forged = [0, 1, u32::MAX].map(|number| with(&json, "process_id", number));
    for json in forged.into_iter().chain([innocent.accuse(&json)]) {
        file.write_all_at(&sealed(&json), 0).unwrap();
        // A `main`, whose policy is to terminate.
        let newcomer = Running::start(program("batch").env("LOCK", &*scratch)).end();
        let text = &newcomer.errors;
        assert_eq!(
            newcomer.status.code(),
            Some(exit_status::CANNOT_LOCK.into()),
            "{text}"
        );
        assert!(
            text.contains("does not answer and cannot be ended"),
            "{text}"
        );
        innocent.assert_unharmed();
    }

    holder.go_on();
    wait_until("the hung holder gives way itself", || {
        Lock::acquire(&scratch).is_ok()
    });
    innocent.assert_unharmed();
}

//! One run of one batch.

use std::{
    panic::{self, AssertUnwindSafe},
    process::{ExitCode, Termination},
    sync::Arc,
    thread,
};

use crate::{
    Error, Predecessor, Stop, checkpoint, exit_status,
    gate::{self, Gate, ThreadScope},
    job::Job,
    observer::{self, End},
    pulse::{self, Ended, Held, Role},
    report::{self, Event, Outcome},
};

/// Says why a job does not run, unless nobody wants to know.
pub(crate) fn decline(error: &Error, quiet: bool) {
    if error.is_busy() {
        if !quiet {
            error.event().say(&format!("{error}; yielding"));
        }
    } else {
        error.event().say(&report::chain(error));
    }
}

/// Runs the body of a `main` under its lock.
pub fn run<T: Termination>(job: &Job<'_>, body: impl FnOnce() -> T) -> ExitCode {
    run_as(Role::Main, job, |_| body())
}

/// Runs the body of a process that plays this role, and shows it its lock.
pub(crate) fn run_as<T: Termination>(
    role: Role,
    job: &Job<'_>,
    body: impl FnOnce(&Arc<Held>) -> T,
) -> ExitCode {
    match hold_main(role, job) {
        Ok(held) => {
            #[cfg(feature = "tracing")]
            let _span = crate::span::of(&held).entered();
            #[cfg(feature = "testing")]
            let _scope = held.is_sandboxed().then(|| ThreadScope::enter(held.gate()));
            // A panic goes on below, and a stop ends the process: neither lets anybody see a broken invariant.
            let ended = panic::catch_unwind(AssertUnwindSafe(|| body(&held).report()));
            leave_main(&held, ended)
        }
        Err(status) => ExitCode::from(status),
    }
}

fn hold_main(role: Role, job: &Job<'_>) -> Result<Arc<Held>, u8> {
    let gate = Gate::apart();
    match job.hold(gate.clone(), role) {
        // In a test it is the lock of this thread: others test other things.
        #[cfg(feature = "testing")]
        Ok(held) if held.is_sandboxed() => Ok(held),
        Ok(held) => {
            gate.become_root();
            Ok(held)
        }
        Err(error) => {
            decline(&error, job.is_quiet());
            Err(if error.is_busy() {
                job.status_of_yielding()
            } else {
                // Lost, or told to stop, before the body began.
                error
                    .stop()
                    .map_or(exit_status::CANNOT_LOCK, Stop::exit_status)
            })
        }
    }
}

fn leave_main(held: &Held, ended: thread::Result<ExitCode>) -> ExitCode {
    let ended = end_main(held, ended);
    held.wait_for_observers(observer::LONGEST_WAIT);
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Ends the hold; the exit status, unless the body has panicked.
fn end_main(held: &Held, ended: thread::Result<ExitCode>) -> thread::Result<ExitCode> {
    // Whatever the body made of it: a thread that unwound, an error of `try_checkpoint!`, or a last unit that was finished.
    if let Some(stop) = held.obeyed() {
        end_stopped(held, stop);
        return Ok(ExitCode::from(stop.exit_status()));
    }
    match ended {
        Ok(status) => {
            if let Err(error) = held.release_as(End::Returned(exit_status::of(status))) {
                error.event().say(&report::chain(&error));
                if error.is_lost() {
                    return Ok(ExitCode::from(exit_status::LOST));
                }
            }
            Ok(status)
        }
        Err(panic) => {
            if let Some(&stop) = panic.downcast_ref::<Stop>() {
                // Of a locked function, and nobody caught it.
                end_stopped(held, stop);
                return Ok(ExitCode::from(stop.exit_status()));
            }
            held.abandon(Ended::Panicked);
            Err(panic)
        }
    }
}

fn end_stopped(held: &Held, stop: Stop) {
    if let Some((record, descendants)) = held.abandon_with_descendants(Ended::Stopped) {
        Event::new(Outcome::Stopped, held.path(), Some(&record)).say(&report::stopped(
            held.path(),
            &record,
            stop,
            descendants,
        ));
    }
}

/// The run whose lock the calling thread's batch took over, if that one did not release it.
///
/// On a thread that is in a locked function it is that function's, on any other one that of `main`.
///
/// ```
/// // Resume where the run before was cut off: see `Predecessor::record` for what that number guarantees.
/// let done = livinglock::predecessor()
///     .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
///     .unwrap_or(0);
/// # assert_eq!(done, 0);
/// ```
#[must_use]
pub fn predecessor() -> Option<Predecessor> {
    pulse::held_behind(&gate::innermost()?)?
        .predecessor()
        .cloned()
}

/// The fencing token of the lock that the calling thread works under: a number that grows from one owner of a lock to the next.
///
/// No lock can stop a process that is frozen in the midst of a unit of work and goes on after its lease has run out. The place where the
/// data is can: it keeps the greatest token that it has seen, and refuses to write for a smaller one. In a
/// [store](crate::store) it is kept across releases, crashes and restarts of the server; what each engine guarantees there, and how a
/// table checks it, is in the [README](crate#more-than-one-machine). `None` with no lock held.
///
/// ```
/// assert_eq!(livinglock::fencing_token(), None);
/// ```
#[must_use]
pub fn fencing_token() -> Option<u64> {
    Some(pulse::held_behind(&gate::innermost()?)?.fencing_token())
}

/// Why the job has to stop at its next checkpoint, if it has to: for loops that want to finish a unit first.
///
/// A job that has seen a reason here counts as stopped, with the exit status of the reason, however its body ends.
///
/// ```
/// # let batches: [&[u32]; 0] = [];
/// for batch in batches {
///     if livinglock::stop_requested().is_some() {
///         break; // and write down how far we came
///     }
///     // a unit that is worth finishing
/// }
/// ```
#[must_use]
pub fn stop_requested() -> Option<Stop> {
    gate::stop_requested()
}

/// Holds the lock of a function until dropped.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct Guard {
    held: Arc<Held>,
    end: End,
    /// Dropped after the lock is released.
    _scope: ThreadScope,
    #[cfg(feature = "tracing")]
    _span: tracing::span::EnteredSpan,
}

/// Enters a function that says itself why it could not run.
///
/// # Errors
///
/// The lock is busy or cannot be had.
pub fn enter(job: &Job<'_>) -> Result<Guard, Error> {
    let gate = Gate::in_scope();
    let held = job.hold(gate.clone(), Role::Function)?;
    checkpoint::begin();
    Ok(Guard {
        #[cfg(feature = "tracing")]
        _span: crate::span::of(&held).entered(),
        held,
        end: End::Returned(None),
        _scope: ThreadScope::enter(&gate),
    })
}

/// Enters a function that is skipped, after a line on standard error, when its lock cannot be had.
#[must_use = "the lock is released when the guard is dropped"]
pub fn try_enter(job: &Job<'_>) -> Option<Guard> {
    enter(job)
        .inspect_err(|error| decline(error, job.is_quiet()))
        .ok()
}

impl Guard {
    /// The body under the lock, for whoever is told whether it succeeded: one that returns an error has not.
    ///
    /// # Errors
    ///
    /// Those of the body.
    pub fn hold_result<T, E>(mut self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let returned = body();
        if returned.is_err() {
            self.end = End::Failed;
        }
        returned
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.held.obeyed().is_some() {
            self.held.abandon(Ended::Stopped);
        } else if thread::panicking() {
            self.held.abandon(if checkpoint::is_leaving() {
                Ended::Stopped
            } else {
                Ended::Panicked
            });
        } else if let Err(error) = self.held.release_as(self.end) {
            error.event().say(&report::chain(&error));
        }
        self.held
            .wait_for_observers(observer::LONGEST_WAIT_OF_A_FUNCTION);
    }
}

//! The gate as a model, checked exhaustively: in every order that two threads and a pulse can take, behind whatever the processor
//! delays, and with a fault put in, which must then be found.
//!
//! The steps are named like the functions of `livinglock/src/gate`, and each is one access to a word that others see. `fenced.rs` checks
//! the variant for kernels without `membarrier(2)` under loom; the rest of the folder the usual one, whose barrier loom cannot express: the
//! kernel interrupts the *other* threads between two of their instructions. What must hold:
//!
//! * once `hold` or `shut` has returned, no checkpoint is passed until the gate is reopened;
//! * a checkpoint that was passed is proof: whoever closes the gate has been told of it;
//! * after the process was stopped and continued, no checkpoint is passed on that thread before the pulse has looked at the path;
//! * nobody waits for ever: from every state an end can be reached.

mod explorer;
mod fenced;
mod gate;
mod memory;
mod plan;
mod pulse;
mod worker;

use std::time::Instant;

use explorer::{Found, explore};
use gate::Gate;
use plan::{
    Act::{self, Harvest, Hold, Look, Reopen, Shut, TakePassed},
    Fault,
};
use worker::Worker;

const LATE: &str = "a checkpoint was passed behind a closed gate";
const LOST: &str = "a checkpoint was passed and is lost as proof";
const UNSURE: &str = "a checkpoint was passed before the pulse had looked";
const STUCK: &str = "somebody waits for ever";

/// A thread that passes the same checkpoint twice, another, and the first again, while the gate closes for a time and then for good.
fn working(fault: Option<Fault>) -> Gate {
    const ACTS: &[Act] = &[Harvest, TakePassed, Hold, Reopen, Hold, Shut, Harvest];
    let workers = [
        Worker::new(&[1, 1, 2, 1], true, 0),
        Worker::new(&[], false, 0),
    ];
    Gate::new(fault, workers, ACTS)
}

/// A thread that enrols while another one works and the gate closes.
fn enrolling(fault: Option<Fault>) -> Gate {
    const ACTS: &[Act] = &[Hold, Reopen, Shut];
    let workers = [Worker::new(&[1], true, 0), Worker::new(&[1, 1], false, 0)];
    Gate::new(fault, workers, ACTS)
}

/// A thread that is stopped and continued at any moment, also while the gate is closed and while the pulse looks at the path anyway.
fn waking(fault: Option<Fault>) -> Gate {
    const ACTS: &[Act] = &[Hold, Reopen, Look, Hold, Reopen];
    let workers = [Worker::new(&[1, 1, 2], true, 1), Worker::new(&[], false, 0)];
    Gate::new(fault, workers, ACTS)
}

#[track_caller]
fn assert_right(gate: Gate) {
    let start = Instant::now();
    let found = explore(gate);
    println!("{found} ({:.1?})", start.elapsed());
    assert!(
        matches!(found, Found::Nothing(states) if states > 10_000),
        "{found}"
    );
}

#[track_caller]
fn assert_found(gate: Gate, expected: &str) {
    let found = explore(gate);
    println!("{found}");
    assert!(
        matches!(found, Found::Wrong(what, _) if what == expected),
        "{found}"
    );
}

#[test]
fn the_gate_is_right_for_a_thread_that_works() {
    assert_right(working(None));
}

#[test]
fn the_gate_is_right_for_a_thread_that_enrols() {
    assert_right(enrolling(None));
}

#[test]
fn the_gate_is_right_for_a_process_that_wakes_up() {
    assert_right(waking(None));
}

#[test]
fn a_gate_that_is_checked_before_the_site_is_stored_is_found() {
    assert_found(working(Some(Fault::CheckThenStore)), LATE);
}

#[test]
fn a_missing_barrier_is_found() {
    assert_found(working(Some(Fault::NoBarrier)), LOST);
}

#[test]
fn a_missing_second_look_is_found() {
    assert_found(working(Some(Fault::NoSecondLook)), LOST);
}

#[test]
fn a_harvest_that_stores_instead_of_exchanging_is_found() {
    assert_found(working(Some(Fault::HarvestBlindly)), LOST);
}

#[test]
fn an_enrolment_outside_the_lock_is_found() {
    assert_found(enrolling(Some(Fault::EnrolOutside)), LATE);
}

#[test]
fn a_gate_that_closes_after_it_was_told_is_found() {
    assert_found(working(Some(Fault::TellFirst)), LATE);
}

#[test]
fn a_verdict_that_wakes_nobody_is_found() {
    assert_found(working(Some(Fault::NoNotification)), STUCK);
}

#[test]
fn an_admission_over_the_handler_s_sentinel_is_found() {
    assert_found(waking(Some(Fault::AdmitBlindly)), UNSURE);
}

#[test]
fn an_admission_without_another_look_is_found() {
    assert_found(waking(Some(Fault::NoLookAgain)), UNSURE);
}

#[test]
fn a_gate_that_is_made_shut_only_after_the_wait_is_found() {
    assert_found(waking(Some(Fault::WaitThenShut)), UNSURE);
}

#[test]
fn a_handler_that_leaves_the_site_is_found() {
    assert_found(waking(Some(Fault::HandlerKeepsSite)), UNSURE);
}

//! Tests of the gate. Each works behind a scope of its own, on threads of its own: the roster is the process's.

use std::{
    hint, panic,
    sync::atomic::{AtomicBool, AtomicU32},
    thread,
};

use super::*;
use crate::checkpoint::try_pass;

static HERE: Site = Site::new("here.rs", 1, 2, "tests");
static THERE: Site = Site::new("there.rs", 3, 4, "tests");

/// Runs a job behind a gate of its own.
fn behind_a_gate<R: Send>(job: impl FnOnce(&Arc<Gate>) -> R + Send) -> R {
    thread::scope(|scope| {
        let job = scope.spawn(|| {
            let gate = Gate::in_scope();
            let _scope = ThreadScope::enter(&gate);
            job(&gate)
        });
        job.join()
            .unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

#[test]
fn a_harvest_finds_the_last_site_with_its_message_and_progress() {
    behind_a_gate(|gate| {
        set_progress(3, 7);
        assert!(wants_message(&HERE));
        set_message(&HERE, "three".to_owned());
        try_pass(&THERE).unwrap();
        try_pass(&HERE).unwrap();
        harvest();
        let passed = gate.take_passed().unwrap();
        assert_eq!(passed.site, HERE);
        assert_eq!(passed.message.as_deref(), Some("three"));
        assert_eq!(passed.progress, Some((3, 7)));
        harvest();
        assert!(gate.take_passed().is_none(), "nothing was passed since");
    });
}

#[test]
fn a_message_is_wanted_once_in_a_harvest_by_each_site() {
    behind_a_gate(|_| {
        // Other tests harvest too, so only that it is wanted again is certain.
        assert!(wants_message(&HERE));
        assert!(wants_message(&THERE));
        harvest();
        assert!(wants_message(&HERE));
        assert!(wants_message(&THERE));
    });
}

#[test]
fn progress_belongs_to_the_scope_and_to_those_around_it_and_to_no_other() {
    behind_a_gate(|outer| {
        let stranger = Gate::in_scope();
        let inner = Gate::in_scope();
        let stay = ThreadScope::enter(&inner);
        try_pass(&HERE).unwrap();
        harvest();
        assert_eq!(inner.take_passed().unwrap().site, HERE);
        assert_eq!(outer.take_passed().unwrap().site, HERE);
        assert!(stranger.take_passed().is_none());
        drop(stay);
        try_pass(&THERE).unwrap();
        harvest();
        assert!(inner.take_passed().is_none(), "left");
        assert_eq!(outer.take_passed().unwrap().site, THERE);
    });
}

#[test]
fn a_shut_gate_lets_nobody_pass_and_an_inner_open_one_does_not_help() {
    behind_a_gate(|outer| {
        try_pass(&HERE).unwrap();
        outer.shut(Stop::Lost);
        assert_eq!(try_pass(&HERE), Err(Stop::Lost));
        let inner = Gate::in_scope();
        let _stay = ThreadScope::enter(&inner);
        assert_eq!(try_pass(&THERE), Err(Stop::Lost));
        outer.reopen();
        assert_eq!(try_pass(&THERE), Err(Stop::Lost), "shut is for good");
    });
}

#[test]
fn a_gate_is_not_held_when_there_is_progress() {
    behind_a_gate(|gate| {
        try_pass(&HERE).unwrap();
        assert!(!gate.hold());
        assert_eq!(gate.take_passed().unwrap().site, HERE);
        try_pass(&HERE).unwrap();
        assert_eq!(gate.stop(), None);
    });
}

#[test]
fn whoever_comes_to_a_held_gate_waits_for_the_verdict() {
    for verdict in [None, Some(Stop::Lost)] {
        behind_a_gate(|gate| {
            try_pass(&HERE).unwrap();
            harvest();
            gate.take_passed();
            assert!(gate.hold());
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !gate.has_arrivals() {
                        thread::yield_now();
                    }
                    match verdict {
                        None => gate.reopen(),
                        Some(stop) => gate.shut(stop),
                    }
                });
                assert_eq!(try_pass(&THERE).err(), verdict);
            });
        });
    }
}

#[test]
fn a_thread_that_ends_leaves_the_roster_and_its_destructors_still_ask() {
    struct Last(Arc<AtomicU32>);
    impl Drop for Last {
        fn drop(&mut self) {
            // Whether the thread is on the roster still or not any more: no panic, and it passes.
            try_pass(&HERE).unwrap();
            try_pass(&THERE).unwrap();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) };
    }
    let passed = Arc::new(AtomicU32::new(0));
    for first_last in [false, true] {
        let passed = passed.clone();
        thread::spawn(move || {
            let keep = || LAST.set(Some(Last(passed)));
            if first_last {
                keep();
                try_pass(&HERE).unwrap();
            } else {
                try_pass(&HERE).unwrap();
                keep();
            }
        })
        .join()
        .unwrap();
    }
    assert_eq!(passed.load(Ordering::Relaxed), 2);
}

/// The heart of the matter: while a gate is closed, no checkpoint is passed, however closely the two meet.
#[test]
fn no_checkpoint_is_passed_after_the_gate_has_closed() {
    // Where the code is optimised the two meet more closely: the race shows there, if it is there.
    const CLOSINGS: u32 = if cfg!(debug_assertions) {
        2_000
    } else {
        50_000
    };
    let gate = Gate::apart();
    // The number of the closing that is in force, or 0.
    let closed = AtomicU32::new(0);
    let done = AtomicBool::new(false);
    let (passed, late) = (AtomicU32::new(0), AtomicU32::new(0));
    let inner = Gate::new(Some(gate.clone()));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _stay = ThreadScope::enter(&inner);
            let mut pause = 1u32;
            while !done.load(Ordering::Relaxed) {
                let before = closed.load(Ordering::SeqCst);
                // As the macro does: a word that kept the site although the gate closed would let this pass unasked.
                if !is_here(&HERE) {
                    try_pass(&HERE).unwrap();
                }
                // A pass that waited was let through by the reopening: then the number is another.
                if before != 0 && closed.load(Ordering::SeqCst) == before {
                    late.fetch_add(1, Ordering::Relaxed);
                }
                passed.fetch_add(1, Ordering::Relaxed);
                pause = pause.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                for _ in 0..pause >> 25 {
                    hint::spin_loop();
                }
            }
        });
        let mut held = 0;
        for closing in 1..=CLOSINGS {
            // Until the other thread is in the midst of its work again, and then an instant that is never the same.
            let before = passed.load(Ordering::Relaxed);
            while passed.load(Ordering::Relaxed) == before {
                thread::yield_now();
            }
            for _ in 0..closing % 97 {
                hint::spin_loop();
            }
            harvest();
            gate.take_passed();
            if gate.hold() {
                held += 1;
                closed.store(closing, Ordering::SeqCst);
                for _ in 0..100 {
                    hint::spin_loop();
                }
                closed.store(0, Ordering::SeqCst);
                gate.reopen();
            }
        }
        done.store(true, Ordering::Relaxed);
        println!(
            "{CLOSINGS} closings, {held} held, {} checkpoints passed, {} late",
            passed.load(Ordering::Relaxed),
            late.load(Ordering::Relaxed)
        );
        assert!(held > 0 && passed.load(Ordering::Relaxed) > 0);
    });
    assert_eq!(late.load(Ordering::Relaxed), 0);
}

//! The gate on a kernel without `membarrier(2)` (`FENCED`) under loom: real code on real threads, in every order, and with every outdated
//! value that loom lets a load find. (It orders what comes after a fence more strictly than Rust does: that the second look after the
//! fence is needed here too, it cannot show.)

use std::sync::{Arc as StdArc, atomic::AtomicUsize};

use loom::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{
            AtomicBool, AtomicU32,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
            fence,
        },
    },
    thread,
};

/// `Words::site`: nothing, or shut; else the number of a checkpoint.
const EMPTY: u32 = 0;
const SHUT_SITE: u32 = 1;

/// `Words::gate`
const FENCED: u32 = 1;
const SHUT: u32 = 2;

/// What is left out.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    CheckThenStore,
    NoFence,
    EnrolOutside,
    TellFirst,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Open,
    Held,
    Shut,
}

struct State {
    status: Status,
    passed: bool,
}

/// The process: one thread that passes checkpoints, and what it shares with the pulse.
struct Process {
    fault: Option<Fault>,
    site: AtomicU32,
    gate: AtomicU32,
    /// The roster: whether the thread is on it.
    threads: Mutex<bool>,
    state: Mutex<State>,
    verdict: Condvar,
    /// The new owner: the gate is closed and nobody will reopen it.
    told: AtomicBool,
}

impl Process {
    fn new(fault: Option<Fault>, enrolled: bool) -> Self {
        Self {
            fault,
            site: AtomicU32::new(EMPTY),
            gate: AtomicU32::new(if enrolled { FENCED } else { SHUT }),
            threads: Mutex::new(enrolled),
            state: Mutex::new(State {
                status: Status::Open,
                passed: false,
            }),
            verdict: Condvar::new(),
            told: AtomicBool::new(false),
        }
    }

    /// A checkpoint; whether it was passed.
    fn checkpoint(&self, site: u32) -> bool {
        self.site.load(Relaxed) == site || self.pass(site)
    }

    fn pass(&self, site: u32) -> bool {
        if self.fault == Some(Fault::CheckThenStore) {
            let open = self.gate.load(Relaxed) == FENCED;
            if open {
                self.site.store(site, Relaxed);
            }
            return open || self.ask(site);
        }
        self.site.store(site, Relaxed);
        if self.gate.load(Relaxed) == FENCED {
            if self.fault == Some(Fault::NoFence) {
                return true;
            }
            fence(SeqCst);
            if self.gate.load(Relaxed) == FENCED {
                return true;
            }
        }
        self.ask(site)
    }

    fn ask(&self, site: u32) -> bool {
        loop {
            let mut threads = self.threads.lock().unwrap();
            if self.fault == Some(Fault::EnrolOutside) && !*threads {
                drop(threads);
                let open = self.state.lock().unwrap().status == Status::Open;
                threads = self.threads.lock().unwrap();
                if open {
                    *threads = true;
                    self.admit(site);
                    return true;
                }
            }
            *threads = true;
            let status = self.state.lock().unwrap().status;
            match status {
                Status::Open => {
                    self.admit(site);
                    return true;
                }
                Status::Shut => {
                    self.site.store(SHUT_SITE, Relaxed);
                    return false;
                }
                Status::Held => {
                    self.site.store(SHUT_SITE, Relaxed);
                    drop(threads);
                    let mut state = self.state.lock().unwrap();
                    while state.status == Status::Held {
                        state = self.verdict.wait(state).unwrap();
                    }
                }
            }
        }
    }

    /// A thread admits itself: both words are its own.
    fn admit(&self, site: u32) {
        self.gate.store(FENCED, Relaxed);
        self.site.store(site, Relaxed);
    }

    fn set_status(&self, status: Status) {
        self.state.lock().unwrap().status = status;
        self.verdict.notify_all();
    }

    fn take(&self, instead: u32) {
        for _ in 0..2 {
            let seen = self.site.load(Relaxed);
            if seen > SHUT_SITE {
                self.state.lock().unwrap().passed = true;
            }
            let replaced = self.site.compare_exchange(seen, instead, AcqRel, Relaxed);
            if replaced.is_ok() {
                return;
            }
        }
    }

    fn bar(&self) {
        self.gate.store(SHUT, Relaxed);
        self.take(SHUT_SITE);
        if self.fault != Some(Fault::NoFence) {
            fence(SeqCst);
        }
        self.take(SHUT_SITE);
    }

    /// Closes the gate; whether there was something in the way.
    fn hold(&self) -> bool {
        if self.fault == Some(Fault::TellFirst) {
            self.told.store(true, Release);
        }
        let threads = self.threads.lock().unwrap();
        self.set_status(Status::Held);
        if *threads {
            self.bar();
        }
        self.state.lock().unwrap().passed
    }

    fn reopen(&self) {
        let threads = self.threads.lock().unwrap();
        self.set_status(Status::Open);
        if *threads {
            self.gate.store(FENCED, Relaxed);
            let _ = self
                .site
                .compare_exchange(SHUT_SITE, EMPTY, AcqRel, Relaxed);
        }
    }

    /// Passes these checkpoints until it is told to stop; the last that was passed.
    fn work(&self, route: &[u32]) -> Option<u32> {
        let mut last = None;
        for &site in route {
            let knows = self.told.load(Acquire);
            if !self.checkpoint(site) {
                break;
            }
            assert!(!knows, "passed behind a closed gate");
            last = Some(site);
        }
        last
    }
}

/// A thread passes these checkpoints while the gate closes: for good if it is not in the way, else for an instant.
fn close(fault: Option<Fault>, enrolled: bool, route: &'static [u32]) {
    let process = Arc::new(Process::new(fault, enrolled));
    let worker = {
        let process = process.clone();
        thread::spawn(move || process.work(route))
    };
    let found = process.hold();
    if found {
        process.reopen();
    } else {
        process.told.store(true, Release);
        process.set_status(Status::Shut);
    }
    let last = worker.join().unwrap();
    if found {
        assert_eq!(last, route.last().copied(), "stopped at an open gate");
    } else {
        assert_eq!(last, None, "a checkpoint was passed and is lost as proof");
    }
}

fn explore(fault: Option<Fault>, enrolled: bool, route: &'static [u32]) {
    let orders = StdArc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    loom::model(move || {
        counted.fetch_add(1, Relaxed);
        close(fault, enrolled, route);
    });
    println!("{} orders", orders.load(Relaxed));
}

#[test]
fn the_fenced_gate_is_right_for_a_thread_that_works() {
    explore(None, true, &[2, 3]);
}

#[test]
fn the_fenced_gate_is_right_for_a_thread_that_enrols() {
    explore(None, false, &[2, 2, 3]);
}

#[test]
#[should_panic(expected = "lost as proof")]
fn a_fenced_gate_that_is_checked_before_the_site_is_stored_is_found() {
    explore(Some(Fault::CheckThenStore), true, &[2, 3]);
}

#[test]
#[should_panic(expected = "lost as proof")]
fn a_missing_fence_is_found() {
    explore(Some(Fault::NoFence), true, &[2, 3]);
}

#[test]
#[should_panic(expected = "lost as proof")]
fn an_enrolment_outside_the_lock_of_a_fenced_gate_is_found() {
    explore(Some(Fault::EnrolOutside), false, &[2]);
}

#[test]
#[should_panic(expected = "passed behind a closed gate")]
fn a_fenced_gate_that_closes_after_it_was_told_is_found() {
    explore(Some(Fault::TellFirst), true, &[2, 3]);
}

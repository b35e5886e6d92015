//! One operation played once, with a blow or without.

use std::fs;

use livinglock_tests::{Blow, Call, Ended, Running, Scene, Signal, Strace, wait_until};

use crate::{
    operation::{Course, Operation, job},
    rules,
};

/// Who is on the scene when an operation begins.
#[derive(Debug)]
pub(crate) struct Cast {
    /// The one that is struck.
    target: Running,
    /// It is stopped.
    stopped: bool,
    /// The thread that is struck.
    thread: u32,
    others: Others,
}

/// Who else is there.
#[derive(Debug)]
pub(crate) enum Others {
    Nobody,
    /// A holder that works until it is given `end`.
    Working(Running),
    /// A holder that hangs for ever.
    Hung(Running),
    /// A function that is stopped in its work.
    Frozen(Running),
}

impl Cast {
    /// One that is stopped, and whose main thread is struck.
    pub(crate) fn main(target: Running, others: Others) -> Self {
        Self {
            thread: target.id(),
            target,
            stopped: true,
            others,
        }
    }

    /// A holder that is stopped, and whose pulse is struck.
    pub(crate) fn pulse(target: Running) -> Self {
        Self {
            stopped: true,
            ..Self::awake_pulse(target)
        }
    }

    /// A holder whose pulse is struck.
    pub(crate) fn awake_pulse(target: Running) -> Self {
        Self {
            thread: target.thread("livinglock"),
            target,
            stopped: false,
            others: Others::Nobody,
        }
    }
}

/// What was seen when an operation was played.
#[derive(Debug)]
pub(crate) struct Performance {
    operation: &'static Operation,
    scene: Scene,
    ended: Ended,
    others: Others,
    /// All calls of the thread.
    pub(crate) calls: Vec<Call>,
    struck: Option<Call>,
}

const FOREIGN: &str = "somebody's notes";

impl Performance {
    /// Plays an operation with a blow at the call that is meant; `None` if time and again it is not made.
    pub(crate) fn struck(operation: &'static Operation, call: &Call, blow: Blow) -> Option<Self> {
        // A pulse that was stopped in the middle of a tick makes its calls in another order.
        (0..10).find_map(|_| {
            let performance = Self::of(operation, Some((call, blow)));
            let struck = performance.struck.as_ref()?;
            let meant =
                struck.place.starts_with(&call.place) || call.place.starts_with(&struck.place);
            meant.then_some(performance)
        })
    }

    /// Plays an operation.
    pub(crate) fn of(operation: &'static Operation, strike: Option<(&Call, Blow)>) -> Self {
        let scene = Scene::new();
        fs::write(scene.file("lock.notes"), FOREIGN).expect("write a file");
        let Cast {
            mut target,
            stopped,
            thread,
            others,
        } = (operation.stage)(&scene);
        let strace = Strace::attach(&scene, thread, strike).expect("attach strace");
        let cue = (operation.cue)(&scene);
        if stopped {
            target.signal(Signal::SIGCONT);
        }
        if matches!(operation.course, Course::Works | Course::PutsBack) {
            wait_until(
                "the blow has fallen, or there is no more to be seen",
                || {
                    let (calls, struck) = strace.calls();
                    struck.is_some() || operation.window(&calls).is_some() || target.has_ended()
                },
            );
            see_it_work(&scene, &mut target);
            scene.give("end");
        }
        let ended = if operation.course == Course::Fences {
            // It stops once more before that where it has to release what it could not begin; for one system call it stops only briefly.
            let mut stands_still = 0;
            wait_until("it works, or has stopped", || {
                stands_still = if target.is_stopped() {
                    stands_still + 1
                } else {
                    0
                };
                stands_still > 100 || target.has_ended() || !scene.owners().is_empty()
            });
            target.go_on()
        } else {
            target.wait()
        };
        drop(cue);
        let (calls, struck) = strace.finish();
        Self {
            operation,
            scene,
            ended,
            others,
            calls,
            struck,
        }
    }

    /// Sees to it that everything is as it should be, and what comes next too. How the one that was struck has ended.
    pub(crate) fn judge(self, strike: Option<(&Call, Blow)>) -> Ended {
        let Self {
            operation,
            scene,
            ended,
            others,
            ..
        } = self;
        assert!(operation.course.may_end(&ended, strike), "{ended:?}");
        if operation.course == Course::Releases && ended.code == Some(0) && scene.lock().exists() {
            assert!(ended.stderr.contains("failed to release"), "{ended:?}");
        }
        let mut all = vec![ended];
        match others {
            Others::Nobody => {}
            Others::Working(holder) => {
                all.push(next(&scene, true));
                scene.give("end");
                let holder = holder.wait();
                assert_eq!(holder.code, Some(0), "{holder:?}");
                all.push(holder);
            }
            Others::Hung(holder) => {
                all.push(next(&scene, false));
                // By itself; or by SIGTERM, if it was not asked.
                let holder = holder.wait();
                assert!(
                    holder.code == Some(75) || holder.signal == Some(15),
                    "{holder:?}"
                );
                all.push(holder);
            }
            Others::Frozen(mut holder) => {
                // If it was not replaced yet, this one ends it.
                all.push(next(&scene, false));
                scene.give("revive");
                holder.signal(Signal::SIGCONT);
                let holder = holder.wait();
                assert!(
                    holder.code == Some(0) || holder.signal.is_some(),
                    "{holder:?}"
                );
                assert_eq!(scene.lines("passed").len(), 0, "a late checkpoint");
                all.push(holder);
            }
        }
        all.push(next(&scene, false));
        // Killed, a fence cannot clear away.
        let leftover = scene.file("lock.fence").exists();
        assert!(!leftover || all[0].signal.is_some(), "{all:?}");
        for ended in &all {
            assert!(!ended.stderr.contains("panicked at"), "{ended:?}");
        }
        assert_eq!(scene.overlaps(), 0, "{all:?}");
        assert!(!scene.lock().exists(), "the last run leaves nothing");
        let notes = fs::read_to_string(scene.file("lock.notes")).expect("it is still there");
        assert_eq!(notes, FOREIGN);
        all.swap_remove(0)
    }
}

/// Waits until a holder has proved twice that it works, unless it ends; meanwhile nobody else gets its lock.
fn see_it_work(scene: &Scene, holder: &mut Running) {
    for _ in 0..2 {
        let record = || fs::read(scene.lock()).ok();
        let before = record();
        wait_until("the holder works", || {
            holder.has_ended() || record() != before
        });
    }
    if !holder.has_ended() {
        let yields = job(scene, &["work", "1", "0"]).spawn().wait();
        // Unless it lost the lock just now.
        assert!(
            rules::newcomer_ends(&yields, true) || holder.has_ended(),
            "{yields:?}"
        );
    }
}

/// The next run, to which nothing happens; the one after that, if the kernel has not ended a holder yet.
fn next(scene: &Scene, yields: bool) -> Ended {
    let patience = if yields { 0 } else { 10_000 };
    let run = || {
        job(scene, &["work", "1", "0"])
            .wait(patience)
            .spawn()
            .wait()
    };
    let mut next = run();
    wait_until("the holder dies", || {
        let refused = rules::is_refused_by_the_dying(&next);
        if refused {
            next = run();
        }
        !refused
    });
    assert!(
        rules::newcomer_ends(&next, yields),
        "the next run: {next:?}"
    );
    next
}

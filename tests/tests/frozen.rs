//! The holder's whole process is stopped, so that its pulse cannot answer: it is ended from outside, or left alone, as the newcomer
//! was told; and nobody who was not proven to be the holder is ever signalled.

use std::{
    fs,
    process::{self, Command},
};

use livinglock_tests::{
    Freezer, Innocent, Job, Running, Scene, Signal, hold, is_running, wait_until,
};
use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

const JOB: &str = env!("CARGO_BIN_EXE_job");

const STALE: u64 = 300;

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(STALE)
        .heartbeat(60)
        .grace(200)
}

/// A holder that works, then is stopped for longer than `stale`.
fn stopped_holder(scene: &Scene, behaviour: &[&str], last_words: &str) -> Running {
    let mut holder = job(scene, behaviour).spawn();
    // Its own record: one that a predecessor left may say the same.
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    scene.wait_for_record(last_words);
    stop(scene, &mut holder);
    holder
}

/// Stops a holder for longer than `stale`.
fn stop(scene: &Scene, holder: &mut Running) {
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    scene.wait_until_stale();
}

fn working_holder(scene: &Scene) -> Running {
    let holder = job(scene, &["until", "never"]).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    holder
}

#[test]
fn a_stopped_holder_is_ended_and_the_newcomer_runs() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let holder = stopped_holder(&scene, &["until", "never"], "\"message\":\"working\"");
        let id = holder.id();
        let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
        for text in [
            &*format!("pid {id} (job) made no checkpoint for"),
            "does not answer; last checkpoint tests/src/bin/job.rs:",
            "sending SIGTERM, and SIGKILL after 0.2s",
            "lock taken over",
        ] {
            assert!(
                newcomer.stderr.contains(text),
                "no {text:?} in {newcomer:?}"
            );
        }
        // A stopped process does not act on SIGTERM.
        assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
    }
    println!(
        "stopped holders: {ROUNDS} rounds, {} overlaps",
        scene.overlaps()
    );
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn a_frozen_holder_is_ended_and_the_newcomer_runs() {
    let Some(freezer) = Freezer::make("frozen") else {
        return;
    };
    let scene = Scene::new();
    let holder = working_holder(&scene);
    freezer.freeze(&holder);
    scene.wait_until_stale();
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert!(newcomer.stderr.contains("sending SIGTERM"), "{newcomer:?}");
    // Of a signal that it does not handle a process dies in the freezer too.
    assert_eq!(holder.wait().signal, Some(Signal::SIGTERM as i32));
    assert_eq!(scene.overlaps(), 0);
}

/// A debugger holds every thread; what it holds can be killed all the same.
#[test]
fn a_holder_in_a_debugger_is_ended_and_the_newcomer_runs() {
    let scene = Scene::new();
    let holder = working_holder(&scene);
    let threads: Vec<Pid> = fs::read_dir(format!("/proc/{}/task", holder.id()))
        .expect("list its threads")
        .map(|thread| {
            let name = thread.expect("a thread").file_name();
            Pid::from_raw(name.to_string_lossy().parse().expect("a number"))
        })
        .collect();
    for &thread in &threads {
        ptrace::seize(thread, ptrace::Options::empty()).expect("debug a thread");
        ptrace::interrupt(thread).expect("hold a thread");
    }
    scene.wait_until_stale();
    let mut newcomer = job(&scene, &["work", "3", "1"]).spawn();
    // As a debugger does: a thread that it has not let go of is not over.
    wait_until("the newcomer has run", || {
        for &thread in &threads[1..] {
            let _ = waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG));
        }
        newcomer.has_ended()
    });
    let newcomer = newcomer.wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert!(newcomer.stderr.contains("sending SIGTERM"), "{newcomer:?}");
    assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
    assert_eq!(scene.overlaps(), 0);
}

/// As of a process that waits for a broken disk.
#[test]
fn of_a_holder_that_does_not_die_the_state_is_named_and_the_remedy() {
    let Some(freezer) = Freezer::make_unkillable("frozen") else {
        return;
    };
    let scene = Scene::new();
    let holder = working_holder(&scene);
    freezer.freeze(&holder);
    scene.wait_until_stale();
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(73), "{newcomer:?}");
    for text in ["is in state D and does not die", "mend that, or reboot"] {
        assert!(newcomer.stderr.contains(text), "{newcomer:?}");
    }
    freezer.thaw();
    // Whichever of the two signals the kernel takes first.
    assert!(holder.wait().signal.is_some());
    let next = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!((next.code, scene.overlaps()), (Some(0), 0), "{next:?}");
}

/// The kernel shows the files of a process with its first thread, which may have ended before the others.
#[test]
fn a_holder_whose_first_thread_has_gone_is_ended_and_the_newcomer_runs() {
    let scene = Scene::new();
    let holder = job(&scene, &["work", "3", "1"])
        .faults("end@releasing")
        .spawn();
    wait_until("its first thread has gone", || {
        !is_running(&holder.id().to_string())
    });
    scene.wait_until_stale();
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert!(newcomer.stderr.contains("sending SIGTERM"), "{newcomer:?}");
    // The only thread that is left, the pulse, blocks all other signals.
    assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
}

#[test]
fn the_descendants_of_a_stopped_holder_are_ended_with_it() {
    let scene = Scene::new();
    let holder = job(&scene, &["children"]).stale(60_000).spawn();
    wait_until("the holder has children", || {
        scene.lines("children").len() == 2
    });
    drop(holder.kill());
    // Without the lock's help they are orphans now: that is why the takeover looks for them before it kills.
    let orphans = scene.lines("children");
    assert!(orphans.iter().all(|orphan| is_running(orphan)));
    for orphan in &orphans {
        let killed = Command::new("kill").args(["-9", orphan]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    }

    let mut holder = job(&scene, &["children"]).spawn();
    // Stopped before, it would never have any.
    wait_until("the holder has children", || {
        scene.lines("children").len() == 4
    });
    stop(&scene, &mut holder);
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    for child in &scene.lines("children")[2..] {
        assert!(!is_running(child), "{child} outlived its job");
    }
    assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
}

#[test]
fn with_report_a_stopped_holder_is_left_alone_and_works_on_when_continued() {
    let scene = Scene::new();
    let mut holder = stopped_holder(&scene, &["until", "end"], "\"message\":\"working\"");
    let newcomer = job(&scene, &["work", "3", "1"])
        .set("ON_STALE", "report")
        .spawn()
        .wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    assert!(
        newcomer
            .stderr
            .contains("does not answer: it is stopped, frozen or starved"),
        "{newcomer:?}"
    );
    assert!(holder.is_stopped());
    holder.signal(Signal::SIGCONT);
    scene.give("end");
    let holder = holder.wait();
    assert_eq!(holder.code, Some(0), "{holder:?}");
    assert_eq!(scene.owners().len(), 1);
}

/// The number in the record is another process's by now, as after a wrap of process ids while a child keeps the lock.
#[test]
fn a_process_that_did_not_write_the_record_is_never_signalled() {
    const ROUNDS: usize = 3;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let holder = stopped_holder(&scene, &["until", "never"], "\"message\":\"working\"");
        let mut innocent = Innocent::start();
        scene.rename_holder(holder.id(), innocent.id());
        let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
        assert_eq!(newcomer.code, Some(73), "round {round}: {newcomer:?}");
        assert!(
            newcomer
                .stderr
                .contains("cannot be ended: its process id belongs to another process now"),
            "{newcomer:?}"
        );
        innocent.assert_alive();
        assert!(holder.is_stopped(), "and so does the holder");
        drop(holder.kill());
    }
    println!("innocent processes: {ROUNDS} rounds, none was signalled");
}

/// The holder has died, but a child that it forked has the lock file open still.
#[test]
fn whoever_has_inherited_a_lock_is_named() {
    let scene = Scene::new();
    let crashed = job(&scene, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    // We play the child.
    let inherited = hold(&scene.lock()).expect("the lock is free");
    let named = format!("the lock is in the hands of pid {} (", process::id());
    let mut newcomer = None;
    wait_until("the record is stale", || {
        let ended = job(&scene, &["work", "3", "1"]).spawn().wait();
        let is_stale = ended.code != Some(42);
        newcomer = Some(ended);
        is_stale
    });
    let newcomer = newcomer.expect("it has run");
    assert_eq!(newcomer.code, Some(73), "{newcomer:?}");
    assert!(newcomer.stderr.contains(&named), "{newcomer:?}");
    drop(inherited);
    let next = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
}

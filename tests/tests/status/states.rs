//! Locks that somebody holds.

use std::fs;

use livinglock_tests::{Freezer, Running, Scene, Signal, is_asked, wait_until};
use nix::{
    sys::{
        ptrace,
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::{JOB, can, forge, json_of, status_of};

/// A holder that works until it is given `end`, and has said so.
pub(crate) fn working(scene: &Scene) -> Running {
    let holder = scene.job(JOB, &["until", "end"]).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    holder
}

/// A holder that hangs at its checkpoint 3 of 7.
fn hanging(scene: &Scene, grace: u64) -> Running {
    let job = scene.job(JOB, &["sleep"]).stale(300).heartbeat(60);
    let holder = job.grace(grace).warn(3_600_000).spawn();
    scene.wait_for_record("\"message\":\"about to hang\"");
    holder
}

/// Waits until a holder has two children, which are called what they will be: between fork and exec, the younger one is called a shell.
pub(crate) fn wait_for_children(scene: &Scene) {
    wait_until("the holder has children", || {
        scene.lines("children").len() == 2
    });
    let name = format!("/proc/{}/comm", scene.lines("children")[0]);
    wait_until("the younger one sleeps", || {
        fs::read_to_string(&name).is_ok_and(|name| name == "sleep\n")
    });
}

#[test]
fn a_free_lock_is_free() {
    let scene = Scene::new();
    status_of(&scene).is(3, &["/lock: free\n"]);
    fs::write(scene.lock(), "").unwrap();
    status_of(&scene).is(3, &["/lock: free\n"]);
    assert_eq!(json_of(&scene.lock())["condition"], "free");
}

#[test]
fn a_working_holder_is_told_with_all_there_is_of_it() {
    let scene = Scene::new();
    let holder = working(&scene);
    let who = format!("    holder       pid {} (job)\n", holder.id());
    status_of(&scene).is(
        0,
        &[
            "/lock: held and working\n",
            &who,
            " UTC, for ",
            "    checkpoint   tests/src/bin/job.rs:",
            " \"working\", as of its last heartbeat ",
            "    heartbeats   ",
            ", the last at 20",
            "    limits       stale after 1h without a checkpoint, then 10s to give way\n",
            "    token        1",
        ],
    );
    let lock = json_of(&scene.lock());
    assert_eq!(lock["condition"], "working");
    assert_eq!(lock["process_id"], holder.id());
    assert_eq!(lock["clock"], "monotonic");
    assert_eq!(lock["checkpoint"]["message"], "working");
    assert_eq!(lock["silence_is_exact"], false);
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    status_of(&scene).is(3, &["free"]);
}

#[test]
fn a_job_that_counts_has_an_estimate() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["work", "1000000", "1"]).heartbeat(20);
    let _holder = job.spawn();
    wait_until("some of the work is done", || {
        json_of(&scene.lock())["left_ms"].as_u64() > Some(0)
    });
    status_of(&scene).is(
        0,
        &["    progress     ", "/1000000 (", "/s, about ", " left\n"],
    );
}

#[test]
fn a_hung_holder_has_an_exact_silence_and_no_estimate() {
    let scene = Scene::new();
    let _holder = hanging(&scene, 10_000);
    wait_until("it counts as hung", || {
        json_of(&scene.lock())["condition"] == "hung"
    });
    let told = status_of(&scene);
    told.is(
        2,
        &[
            "/lock: hung: no checkpoint for ",
            " \"about to hang\", ",
            " ago\n",
            "    progress     3/7 (42%), ",
        ],
    );
    told.has_not("as of");
    told.has_not(" left");
    assert_eq!(json_of(&scene.lock())["silence_is_exact"], true);
}

#[test]
fn a_hung_holder_that_is_asked_is_about_to_give_way() {
    let scene = Scene::new();
    let _holder = hanging(&scene, 3_600_000);
    wait_until("it counts as hung", || {
        json_of(&scene.lock())["condition"] == "hung"
    });
    // The holder counts its silence in ticks, and may still find itself in time for the first question.
    let job = scene.job(JOB, &["work", "1", "1"]);
    let _newcomer = job.wait(3_600_000).spawn();
    scene.wait_for_record("\"state\":\"closing\"");
    status_of(&scene).is(2, &["/lock: hung, and about to give way to a new run"]);
    assert!(is_asked(&scene.lock()));
    assert_eq!(json_of(&scene.lock())["asked"], "proof");
}

#[test]
fn a_holder_that_was_told_to_stop_is_stopping() {
    let scene = Scene::new();
    let mut holder = scene
        .job(JOB, &["deaf"])
        .grace(3_600_000)
        .set("GRACEFUL", "1")
        .spawn();
    scene.wait_for_record("\"message\":\"deaf\"");
    holder.signal(Signal::SIGTERM);
    scene.wait_for_record("\"state\":\"stopping\"");
    status_of(&scene).is(0, &["/lock: held and stopping\n"]);
}

#[test]
fn a_stopped_process_is_told_from_a_working_one_at_once() {
    let scene = Scene::new();
    let mut holder = working(&scene);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    status_of(&scene).is(
        2,
        &["/lock: held, but its process is stopped; continue it or kill it\n"],
    );
    assert_eq!(json_of(&scene.lock())["condition"], "stopped");
    holder.signal(Signal::SIGCONT);
    wait_until("it works again", || status_of(&scene).code == Some(0));
}

#[test]
fn a_traced_process_is_named_as_such() {
    let scene = Scene::new();
    let holder = working(&scene);
    let id = Pid::from_raw(holder.id().try_into().unwrap());
    if !can("ptrace", ptrace::attach(id).is_ok()) {
        return;
    }
    let stopped = waitpid(id, None).expect("wait for the holder");
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "{stopped:?}");
    status_of(&scene).is(2, &["held, but its process is stopped by a debugger\n"]);
    assert_eq!(json_of(&scene.lock())["condition"], "traced");
    ptrace::detach(id, None).expect("let it go");
}

#[test]
fn a_frozen_process_is_named_as_such() {
    let freezers = [Freezer::make("status"), Freezer::make_unkillable("status")];
    for freezer in freezers.into_iter().flatten() {
        let scene = Scene::new();
        let holder = working(&scene);
        freezer.freeze(&holder);
        assert_eq!(json_of(&scene.lock())["condition"], "frozen");
        status_of(&scene).is(2, &["held, but its process is frozen by its cgroup;"]);
        freezer.thaw();
        wait_until("it works again", || status_of(&scene).code == Some(0));
        drop(holder.kill());
    }
}

#[test]
fn the_descendants_of_a_holder_are_named() {
    let scene = Scene::new();
    let _holder = scene.job(JOB, &["children"]).spawn();
    wait_for_children(&scene);
    let [child, grandchild] = &scene.lines("children")[..] else {
        panic!("two of them");
    };
    let mut names = [(child, "sleep"), (grandchild, "sh")];
    names.sort_by_key(|(_, name)| *name);
    let [shell, sleep] = names.map(|(id, name)| format!("pid {id} ({name})"));
    status_of(&scene).is(0, &[&format!("    descendants  {shell}, {sleep}\n")]);
}

#[test]
fn a_kept_lock_says_for_how_long() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["work", "1", "1"]);
    let ended = job.set("AT_LEAST_MS", "3000000").spawn().wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    status_of(&scene).is(
        0,
        &["/lock: kept by `at_least` after a run that has ended, for 49m"],
    );
    assert!(json_of(&scene.lock())["kept_for_ms"].as_u64() > Some(0));
}

#[test]
fn a_holder_with_another_clock_is_judged_by_the_wall_clock_and_that_is_said() {
    let scene = Scene::new();
    let mut holder = working(&scene);
    // It cannot put its record right then.
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    forge(&scene, "boot_id", "another");
    forge(&scene, "host", "elsewhere");
    status_of(&scene).is(
        0,
        &[
            "/lock: held and working\n",
            "(job) on elsewhere\n",
            " ago by the wall clock\n",
        ],
    );
    assert_eq!(json_of(&scene.lock())["clock"], "wall");
    forge(&scene, "timestamp", "2020-01-01T00:00:00.000Z");
    status_of(&scene).is(
        2,
        &["/lock: hung: no checkpoint for ", " by the wall clock\n"],
    );
}

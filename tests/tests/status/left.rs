//! Locks that a run has left behind.

use livinglock_tests::{Scene, Signal, hold};

use crate::{
    JOB, forge, json_of,
    states::{wait_for_children, working},
    status_of,
};

#[test]
fn each_fate_is_told() {
    let scene = Scene::new();
    let crashed = scene.job(JOB, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    let told = status_of(&scene);
    told.is(
        1,
        &[
            "/lock: left behind by a run that ended without releasing\n",
            "    last run     pid ",
            " until its last heartbeat\n",
        ],
    );
    assert_eq!(json_of(&scene.lock())["fate"], "crashed");

    forge(&scene, "boot_id", "earlier");
    status_of(&scene).is(1, &["that was cut off when the machine went down\n"]);
    assert_eq!(json_of(&scene.lock())["fate"], "rebooted");

    let panicked = scene.job(JOB, &["panic"]).spawn().wait();
    assert_eq!(panicked.code, Some(101), "{panicked:?}");
    status_of(&scene).is(1, &["a run that panicked\n", "\"before the panic\", "]);
    assert_eq!(json_of(&scene.lock())["fate"], "panicked");

    let job = scene.job(JOB, &["until", "never"]).set("GRACEFUL", "1");
    let mut holder = job.spawn();
    scene.wait_for_record("\"message\":\"working\"");
    holder.signal(Signal::SIGTERM);
    assert_eq!(holder.wait().code, Some(128 + 15));
    status_of(&scene).is(1, &["a run that was stopped\n"]);
    assert_eq!(json_of(&scene.lock())["fate"], "stopped");

    forge(&scene, "state", "closing");
    status_of(&scene).is(1, &["a run that hung, and was ended\n"]);
    assert_eq!(json_of(&scene.lock())["fate"], "hung");
}

#[test]
fn what_was_found_of_a_run_that_was_ended_is_told() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["children"]).grace(200);
    let mut holder = job.set("GRACEFUL", "1").spawn();
    wait_for_children(&scene);
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.code, Some(128 + 15), "{ended:?}");
    status_of(&scene).is(
        1,
        &[
            "a run that was stopped\n",
            "    found        silent for ",
            "ended the 2 processes that it had started\n",
            "    descendants  pid ",
            "(sleep)",
        ],
    );
    let lock = json_of(&scene.lock());
    assert_eq!(lock["descendants"].as_array().map(Vec::len), Some(2));
    assert_eq!(lock["autopsy"]["descendant_count"], 2);
}

#[test]
fn a_lock_that_a_child_has_inherited_is_in_the_hands_of_that() {
    let scene = Scene::new();
    drop(working(&scene).kill());
    // We play the child.
    let inherited = hold(&scene.lock()).expect("the lock is free");
    let hands = format!(
        "/lock: held, but its process has gone; the lock is in the hands of pid {} (",
        std::process::id()
    );
    status_of(&scene).is(2, &[&hands]);
    assert_eq!(json_of(&scene.lock())["condition"], "inherited");
    drop(inherited);
    status_of(&scene).is(1, &["ended without releasing"]);
}

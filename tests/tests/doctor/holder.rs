//! Who has the lock.

use std::{fs, process};

use livinglock_tests::{Running, Scene, Signal, hold};

use crate::{Diagnosis, JOB, names};

fn holder(scene: &Scene, behaviour: &[&str]) -> Running {
    // It writes one heartbeat, and the next one long after the test.
    let holder = scene.job(JOB, behaviour).heartbeat(600_000).spawn();
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    scene.wait_for_record("\"checkpoint\":");
    holder
}

#[test]
fn a_working_holder_is_named_and_not_disturbed() {
    let scene = Scene::new();
    let holder = holder(&scene, &["until", "end"]);
    let before = (
        fs::read(scene.lock()).expect("read it"),
        names(scene.folder()),
    );
    let id = format!("is busy: pid {} (job) has held it for", holder.id());
    Diagnosis::of(&scene.lock())
        .says("ok", &["is fit to be a lock file"])
        .says("ok", &[&id, "\"working\""])
        .says("ok", &["the process that the record names has the lock"])
        .is_fit();
    let after = (
        fs::read(scene.lock()).expect("read it"),
        names(scene.folder()),
    );
    assert_eq!(before, after);
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn a_holder_that_stands_still_is_a_warning() {
    let scene = Scene::new();
    let mut holder = holder(&scene, &["until", "never"]);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    Diagnosis::of(&scene.lock())
        .says(
            "warning",
            &["is stopped by a signal", "`livinglock stop --force`"],
        )
        .is_fit();
    assert!(holder.is_stopped());
}

#[test]
fn a_lock_left_behind_is_fit_for_the_next_run() {
    let scene = Scene::new();
    let crashed = scene.job(JOB, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    let left = fs::read(scene.lock()).expect("read it");
    Diagnosis::of(&scene.lock())
        .says("ok", &["a run that is gone has left it"])
        .is_fit();
    assert_eq!(fs::read(scene.lock()).expect("read it"), left);
}

#[test]
fn a_lock_in_other_hands_is_a_warning() {
    let scene = Scene::new();
    assert_eq!(scene.job(JOB, &["crash"]).spawn().wait().code, None);
    // As a child that it had forked.
    let inherited = hold(&scene.lock()).expect("the lock is free");
    let hands = format!("but pid {} (", process::id());
    Diagnosis::of(&scene.lock())
        .says(
            "warning",
            &["not the process that the record names has the lock", &hands],
        )
        .is_fit();
    drop(inherited);
}

#[test]
fn a_lock_that_only_a_record_claims_is_a_warning() {
    let scene = Scene::new();
    let timestamp = "2999-01-01T00:00:00Z";
    let record = format!(
        "{{\"process_id\":{},\"timestamp\":\"{timestamp}\"}}",
        process::id()
    );
    fs::write(scene.lock(), &record).expect("write a record");
    Diagnosis::of(&scene.lock())
        .says("warning", &["by another library's record", timestamp])
        .is_fit();
    assert_eq!(fs::read_to_string(scene.lock()).expect("read it"), record);
}

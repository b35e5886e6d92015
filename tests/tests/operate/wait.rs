//! `livinglock wait`: until nobody holds a lock.

use std::{
    fs,
    time::{Duration, Instant},
};

use livinglock_tests::{Running, Scene};

use crate::{DONE, REFUSED, TIMEOUT, assert_says, holder, job, run, start};

#[test]
fn a_free_lock_is_not_waited_for() {
    let scene = Scene::new();
    let wait = run(&scene, &["wait"]);
    assert_eq!((wait.code, &*wait.stderr), (DONE, ""));
    assert!(!scene.lock().exists(), "it was created");
}

#[test]
fn all_who_wait_learn_of_the_release() {
    const CROWD: usize = 5;
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["until", "end"]));
    let mut waiting: Vec<Running> = (0..CROWD).map(|_| start(&scene, &["wait"])).collect();
    // One that gives up proves that the others would have seen what it saw.
    let impatient = run(&scene, &["wait", "--timeout", "200ms"]);
    assert_eq!(impatient.code, TIMEOUT, "{impatient:?}");
    let id = holder.id();
    assert_says(
        &impatient,
        &[
            &format!("is busy: pid {id} (job) has held it for"),
            "\"working\"",
            "; gave up after 0.2s",
        ],
    );
    assert!(waiting.iter_mut().all(|wait| !wait.has_ended()));
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    for wait in waiting {
        let wait = wait.wait();
        assert_eq!((wait.code, &*wait.stderr), (DONE, ""));
    }
}

#[test]
fn a_crash_ends_the_waiting() {
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["until", "never"]));
    let mut wait = start(&scene, &["wait"]);
    assert!(!wait.has_ended());
    let before = fs::read(scene.lock()).expect("read it");
    drop(holder.kill());
    assert_eq!(wait.wait().code, DONE);
    let after = fs::read(scene.lock()).expect("read it");
    // Its pulse may have written a last heartbeat.
    assert_eq!(before.len(), after.len(), "the record is left");
}

#[test]
fn a_kept_lock_is_held_until_its_time_is_over() {
    let scene = Scene::new();
    let begun = Instant::now();
    let short = job(&scene, &["work", "1", "1"]).set("AT_LEAST_MS", "1500");
    assert_eq!(short.spawn().wait().code, Some(0));
    let wait = run(&scene, &["wait"]);
    assert_eq!((wait.code, &*wait.stderr), (DONE, ""));
    assert!(begun.elapsed() >= Duration::from_millis(1500));

    let kept = job(&scene, &["work", "1", "1"]).set("AT_LEAST_MS", "1800000");
    assert_eq!(kept.spawn().wait().code, Some(0));
    let wait = run(&scene, &["wait", "--timeout", "1ms"]);
    assert_eq!(wait.code, TIMEOUT, "{wait:?}");
    assert_says(&wait, &["has ended, but keeps it for", "by `at_least`"]);
}

#[test]
fn what_is_never_free_is_an_error_at_once() {
    let scene = Scene::new();
    fs::write(scene.lock(), "precious").expect("write a file");
    let wait = run(&scene, &["wait"]);
    assert_eq!(wait.code, REFUSED, "{wait:?}");
    assert_says(&wait, &["is not a lock file"]);
    fs::remove_file(scene.lock()).expect("remove it");
    fs::create_dir(scene.lock()).expect("make a folder");
    let wait = run(&scene, &["wait"]);
    assert_eq!(wait.code, REFUSED, "{wait:?}");
    assert_says(&wait, &["is a folder, not a lock file"]);
}

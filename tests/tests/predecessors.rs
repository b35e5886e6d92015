//! Whoever takes over knows what happened to the run before: its fate, its last checkpoint, and what it was at.

use std::fs;

use livinglock_tests::{Ended, Job, Scene, Signal, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");

const STALE: u64 = 400;

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(STALE)
        .heartbeat(50)
        .grace(200)
}

/// A run that may wait, and what it learned of the one before.
fn next(scene: &Scene) -> (Ended, Vec<String>) {
    let next = job(scene, &["work", "1", "1"]).wait(30_000).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    (next, scene.lines("predecessors"))
}

fn assert_told(scene: &Scene, fate: &str, sentence: &str) {
    let (next, predecessors) = next(scene);
    let [line] = &predecessors[..] else {
        panic!("one predecessor: {predecessors:?}");
    };
    assert!(line.starts_with(fate), "{line:?} is not {fate:?}");
    assert!(
        next.stderr.contains(sentence),
        "{next:?} lacks {sentence:?}"
    );
}

#[test]
fn a_run_that_released_is_no_predecessor() {
    let scene = Scene::new();
    assert_eq!(next(&scene).1, [""; 0]);
    assert_eq!(next(&scene).1, [""; 0]);
}

#[test]
fn a_killed_run_has_crashed_with_its_last_checkpoint() {
    let scene = Scene::new();
    let holder = job(&scene, &["sleep"]).stale(60_000).spawn();
    scene.wait_for_record("\"message\":\"about to hang\"");
    assert_eq!(holder.kill().code, None);
    assert_told(
        &scene,
        "Crashed about to hang Some(3)/Some(7)",
        "ended without releasing; last checkpoint tests/src/bin/job.rs",
    );
}

#[test]
fn a_panic_is_told() {
    let scene = Scene::new();
    let holder = job(&scene, &["panic"]).spawn().wait();
    assert_eq!(holder.code, Some(101), "{holder:?}");
    assert_told(&scene, "Panicked before the panic", ") panicked; last");
}

#[test]
fn a_hung_run_leaves_an_autopsy() {
    let scene = Scene::new();
    let holder = job(&scene, &["deadlock"]).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    let (next, predecessors) = next(&scene);
    let line = &predecessors[0];
    assert!(
        line.starts_with("Hung about to hang Some(3)/Some(7); 3 threads, 2 at checkpoints, 0 descendants, silent for "),
        "{line}"
    );
    for text in [
        "gave way after",
        "; silent for ",
        "(clerk-1) sleeps in futex",
        ", last at tests/src/bin/job.rs:",
    ] {
        assert!(next.stderr.contains(text), "no {text:?} in {next:?}");
    }
    assert_eq!(holder.wait().code, Some(75));
}

#[test]
fn the_descendants_of_a_hung_run_are_counted() {
    let scene = Scene::new();
    let holder = job(&scene, &["children"]).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    wait_until("the holder has children", || {
        scene.lines("children").len() == 2
    });
    assert_told(
        &scene,
        "Hung about to hang Some(3)/Some(7); 1 threads, 1 at checkpoints, 2 descendants",
        "; ended the 2 processes that it had started",
    );
    assert_eq!(holder.wait().code, Some(75));
}

#[test]
fn a_frozen_run_is_looked_at_from_outside() {
    for policy in ["terminate", "fence"] {
        let scene = Scene::new();
        let mut holder = job(&scene, &["until", "never"]).spawn();
        scene.wait_for_record("\"message\":\"working\"");
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        scene.wait_until_stale();
        // It still has the marker: no witness.
        let newcomer = job(&scene, &["tireless", "1"])
            .set("ON_STALE", policy)
            .set("AT_MOST_MS", "100")
            .spawn()
            .wait();
        assert_eq!(newcomer.code, Some(124), "{newcomer:?}");
        let line = scene.lines("predecessors").pop().expect("a predecessor");
        assert!(line.starts_with("Frozen working"), "{line}");
        if policy == "terminate" {
            assert!(line.contains("; 2 threads, 0 at checkpoints"), "{line}");
            assert!(newcomer.stderr.contains(" is stopped in "), "{newcomer:?}");
            assert!(newcomer.stderr.contains("ended after"), "{newcomer:?}");
        } else {
            assert!(
                newcomer.stderr.contains("did not answer for"),
                "{newcomer:?}"
            );
        }
    }
}

/// As after a power cut: the file is there, with the boot of before.
#[test]
fn a_run_of_an_earlier_boot_was_cut_off() {
    let scene = Scene::new();
    assert_eq!(job(&scene, &["crash"]).spawn().wait().code, None);
    scene.forge(|json| {
        let (head, tail) = json.split_once("\"boot_id\":\"").expect("a boot");
        format!("{head}\"boot_id\":\"00000000{}", &tail[8..])
    });
    assert_told(&scene, "Rebooted", "was cut off when the machine went down");
}

#[test]
fn another_librarys_record_is_foreign() {
    let scene = Scene::new();
    let record = "{\"process_id\":4194999,\"timestamp\":\"2020-11-23T02:43:10Z\"}";
    fs::write(scene.lock(), record).expect("write the lock file");
    assert_told(&scene, "Foreign", "left another library's record");
}

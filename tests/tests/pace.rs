//! What a job usually takes from a checkpoint to the next one is learned, told, and left to the next run.

use std::process::Command;

use livinglock_tests::{Job, Scene, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

/// A job that hangs after so many units of 150 milliseconds, and says so after half a second.
fn job(scene: &Scene, units: &str) -> Job {
    scene
        .job(JOB, &["paced", units, "150"])
        .stale(2000)
        .heartbeat(20)
        .warn(500)
}

/// `0.2s`, of a line like `tests/src/bin/job.rs:88 usually takes 0.2s, now 0.5s`; the rest of that line.
#[track_caller]
fn usual(text: &str) -> (f64, &str) {
    let (_, rest) = text.split_once(" usually takes ").expect(text);
    let (seconds, rest) = rest.split_once('s').expect(text);
    (seconds.parse().expect(text), rest)
}

fn status(scene: &Scene, more: &[&str]) -> String {
    let output = Command::new(CLI)
        .arg("status")
        .args(more)
        .arg(scene.lock())
        .output()
        .expect("run the command");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_silence_is_told_beside_what_is_usual_there() {
    let scene = Scene::new();
    let holder = job(&scene, "6").spawn();
    holder.wait_until_it_says("made no checkpoint for");
    let said = holder.stderr();
    let (seconds, rest) = usual(&said);
    assert!((0.1..0.5).contains(&seconds), "{said}");
    assert!(rest.starts_with(", now 0.5s; thread "), "{said}");

    let mut shown = String::new();
    wait_until("it is certain that nothing was passed since", || {
        shown = status(&scene, &[]);
        shown.contains("s, now ")
    });
    assert!(
        shown.contains("\n    pace         tests/src/bin/job.rs:"),
        "{shown}"
    );
    assert!((0.1..0.5).contains(&usual(&shown).0), "{shown}");
    assert!(status(&scene, &["--json"]).contains("\"usual_ms\":"));
    drop(holder.kill());
    // Of a run that has gone there is no now.
    let left = status(&scene, &[]);
    assert!(usual(&left).1.starts_with('\n'), "{left}");

    let next = job(&scene, "0").spawn();
    next.wait_until_it_says(" usually takes ");
    drop(next.kill());
}

#[test]
fn of_a_checkpoint_that_is_passed_all_the_time_nothing_is_told() {
    let scene = Scene::new();
    let holder = scene
        .job(JOB, &["until", "end"])
        .stale(60_000)
        .heartbeat(20)
        .spawn();
    wait_until("heartbeats are written", || {
        status(&scene, &[]).contains("heartbeats   9,")
    });
    let shown = status(&scene, &[]);
    assert!(!shown.contains("usually takes"), "{shown}");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
}

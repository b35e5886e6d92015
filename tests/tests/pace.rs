//! What a job usually takes from a checkpoint to the next one is learned, told, and left to the next run.

use std::{fs, process::Command};

use livinglock_tests::{Job, Running, Scene, wait_until};
use serde_json::Value;

const JOB: &str = env!("CARGO_BIN_EXE_job");
const OBSERVED: &str = env!("CARGO_BIN_EXE_observed");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

/// A job that hangs after so many units of 150 milliseconds, and says so after a second.
fn job(scene: &Scene, units: &str) -> Job {
    scene
        .job(JOB, &["paced", units, "150"])
        .stale(4000)
        .heartbeat(20)
        .warn(1000)
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
    let (_, rest) = rest.split_once(", now ").expect(&said);
    let (now, _) = rest.split_once("s; thread ").expect(&said);
    // Its pulse may be late.
    assert!(now.parse::<f64>().expect(&said) >= 1.0, "{said}");

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

/// Each run passes each checkpoint once, and releases the lock with its record: what is left is the journal.
#[test]
fn with_a_journal_it_is_learned_from_run_to_run() {
    let scene = Scene::new();
    for _ in 0..3 {
        let job = scene.job(OBSERVED, &["phases", "300", "600"]);
        let ended = job.spawn().wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!scene.lock().exists());
    }
    let holder = scene.job(OBSERVED, &["phases", "next", "end"]).spawn();
    for (phase, least, file) in [("first", 0.3, "next"), ("last", 0.6, "end")] {
        let message = format!("\"the {phase} phase\"");
        let mut shown = String::new();
        wait_until("it is known what is usual", || {
            shown = status(&scene, &[]);
            shown.contains(&message) && shown.contains(" usually takes ")
        });
        assert!((least..least * 10.0).contains(&usual(&shown).0), "{shown}");
        scene.give(file);
    }
    assert_eq!(holder.wait().code, Some(0));
}

#[test]
fn of_a_checkpoint_that_is_passed_all_the_time_nothing_is_told() {
    let scene = Scene::new();
    let holder = scene
        .job(JOB, &["until", "end"])
        .stale(60_000)
        // Two ticks of it are what could be told, and longer than anybody keeps the job from its work.
        .heartbeat(200)
        .spawn();
    wait_until("heartbeats are written", || {
        let locks: Value = serde_json::from_str(&status(&scene, &["--json"])).expect("JSON");
        locks[0]["heartbeats"].as_u64() >= Some(9)
    });
    let shown = status(&scene, &[]);
    assert!(!shown.contains("usually takes"), "{shown}");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
}

/// The gate was closed for each of them, and opened again: what they took is what they took.
#[test]
fn units_so_slow_that_a_newcomer_asked_are_learned_as_they_were() {
    const UNITS: usize = 4;
    const STALE: u64 = 400;
    let scene = Scene::new();
    let silences = |holder: &Running| holder.stderr().matches("made no checkpoint for").count();
    let holder = scene
        .job(JOB, &["awaited", &UNITS.to_string()])
        .stale(STALE)
        .heartbeat(80)
        .warn(STALE + 80)
        .grace(30_000)
        .spawn();
    for unit in 1..UNITS {
        wait_until("the holder is silent", || silences(&holder) == unit);
        let asker = scene.job(JOB, &["work", "1", "0"]).stale(STALE).spawn();
        scene.wait_for_record("\"state\":\"closing\"");
        assert_eq!(asker.kill().signal, Some(9), "unit {unit}");
        scene.give(&format!("unit-{unit}"));
        scene.wait_for_record("\"state\":\"working\"");
    }
    wait_until("the holder is silent", || silences(&holder) == UNITS);
    let left = fs::read_to_string(scene.lock()).expect("read the record");
    let (_, usual) = left.split_once("\"usual_ms\":").expect(&left);
    let (usual, _) = usual.split_once(['}', ',']).expect(&left);
    assert!(usual.parse::<u64>().expect(&left) >= STALE, "{left}");
    scene.give(&format!("unit-{UNITS}"));
    assert_eq!(holder.wait().code, Some(0));
}

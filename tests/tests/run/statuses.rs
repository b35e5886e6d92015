//! The exit status is the command's own, or says why there is none.

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use livinglock_tests::{Scene, Signal};

use super::{QUICK, UNIT, command, job};

fn run(scene: &Scene, options: &[&str], words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(scene, options, words)
        .output()
        .expect("start the runner");
    (
        status.code(),
        String::from_utf8(stderr).expect("sentences in UTF-8"),
    )
}

#[test]
fn it_is_that_of_the_command() {
    let scene = Scene::new();
    for (script, status) in [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
        ("kill -PIPE $$", 141),
    ] {
        let (code, said) = run(&scene, &[], &["sh", "-c", script]);
        assert_eq!((code, &*said), (Some(status), ""), "{script}");
        assert!(!scene.lock().exists(), "released after {script}");
    }
}

#[test]
fn a_command_that_cannot_be_executed_has_that_of_a_shell() {
    let scene = Scene::new();
    let file = scene.file("file");
    fs::write(&file, "no program").expect("write a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("make it plain");
    let file = file.to_str().expect("a path in UTF-8");
    let missing = format!("{file}-that-is-not-there");
    for (program, status) in [
        (&*missing, 127),
        ("livinglock-no-such-command", 127),
        (file, 126),
    ] {
        let (code, said) = run(&scene, &[], &[program]);
        assert_eq!(code, Some(status), "{said}");
        assert!(
            said.contains(&format!("failed to execute {program}: ")),
            "{said}"
        );
        assert!(!scene.lock().exists());
    }
}

#[test]
fn a_busy_lock_has_that_of_busy() {
    let scene = Scene::new();
    let holder = job(&scene, &["--name=nightly"], &[UNIT, "until", "end"]).spawn();
    scene.wait_for_owners(1);
    let (code, said) = run(&scene, &[], &[UNIT, "work", "0"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("(nightly) has held it for "), "{said}");
    assert!(said.ends_with("; yielding\n"), "{said}");
    let quiet = run(&scene, &["--busy=75", "--quiet"], &[UNIT, "work", "0"]);
    assert_eq!(quiet, (Some(75), String::new()));
    let patient = run(&scene, &["--busy=75", "--wait=100ms"], &[UNIT, "work", "0"]);
    assert_eq!(patient.0, Some(75));
    let waiting = job(&scene, &["--wait=1h"], &[UNIT, "work", "0"]).spawn();
    scene.give("end");
    assert_eq!(waiting.wait().code, Some(0));
    assert_eq!(holder.wait().code, Some(0));
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
}

#[test]
fn a_waiting_run_ends_by_a_signal() {
    let scene = Scene::new();
    let holder = job(&scene, &[], &[UNIT, "until", "end"]).spawn();
    scene.wait_for_owners(1);
    let mut waiting = job(&scene, &["--wait=1h"], &["true"]).spawn();
    waiting.signal(Signal::SIGTERM);
    assert_eq!(waiting.wait().signal, Some(15));
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
}

#[test]
fn a_lock_that_cannot_be_had_and_contradictions_have_73() {
    let scene = Scene::new();
    fs::write(scene.lock(), "somebody's notes").expect("write a file");
    let (code, said) = run(&scene, &[], &["true"]);
    assert_eq!(code, Some(73), "{said}");
    assert!(said.contains("is not a lock file"), "{said}");
    let (code, said) = run(&scene, &["--stale=1s", "--heartbeat=1s"], &["true"]);
    assert_eq!(code, Some(73), "{said}");
}

#[test]
fn the_longest_run_has_124() {
    let scene = Scene::new();
    let options = [&QUICK[..], &["--at-most=100ms"]].concat();
    let (code, said) = run(&scene, &options, &[UNIT, "sleep"]);
    assert_eq!(code, Some(124), "{said}");
    assert!(said.contains("has run for longer than `at_most`"), "{said}");
}

#[test]
fn the_shortest_hold_outlasts_the_command() {
    let scene = Scene::new();
    let kept = run(&scene, &["--at-least=1h"], &["true"]);
    assert_eq!(kept, (Some(0), String::new()));
    let (code, said) = run(&scene, &["--busy=75"], &["true"]);
    assert_eq!(code, Some(75));
    assert!(said.contains("has ended, but keeps it for "), "{said}");
}

#[test]
fn a_replaced_run_has_75() {
    let scene = Scene::new();
    let holder = job(&scene, &QUICK, &[UNIT, "sleep"]).spawn();
    scene.wait_for_owners(1);
    let options = [&QUICK[..], &["--replace", "--wait=1h"]].concat();
    let (code, said) = run(&scene, &options, &[UNIT, "work", "0"]);
    assert_eq!(code, Some(0), "{said}");
    let holder = holder.wait();
    assert_eq!(holder.code, Some(75), "{holder:?}");
    assert!(
        holder.stderr.contains("was asked to stop by a new run"),
        "{holder:?}"
    );
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
}

#[test]
fn words_that_make_no_sense_have_64() {
    let scene = Scene::new();
    for options in [
        &["--beat=pulse"][..],
        &["--mode=9"],
        &["--on-stale=shout"],
        &["--stale=soon"],
    ] {
        let (code, said) = run(&scene, options, &["true"]);
        assert_eq!(code, Some(64), "{said}");
    }
    assert_eq!(run(&scene, &[], &[]).0, Some(64), "no command");
}

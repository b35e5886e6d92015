//! A command that proves nothing for too long gives way to the next run, with all that it has started.

use std::fs;

use livinglock_tests::{Scene, Signal, wait_until};

use super::{QUICK, UNIT, assert_none_outlives_the_lock, job};

/// A newcomer that comes again until the lock is its own.
fn take_over(scene: &Scene) -> String {
    let mut said = String::new();
    let before = scene.owners().len();
    wait_until("the lock is taken over", || {
        let options = [&QUICK[..], &["--busy=42"]].concat();
        let newcomer = job(scene, &options, &[UNIT, "work", "1"]).spawn().wait();
        said.clone_from(&newcomer.stderr);
        newcomer.code == Some(0)
    });
    assert_eq!((scene.owners().len(), scene.overlaps()), (before + 1, 0));
    said
}

fn beat(name: &str) -> Vec<&str> {
    [&QUICK[..], &["--beat", name]].concat()
}

#[test]
fn a_sleeping_command_is_taken_over() {
    for beats in [&["cpu"][..], &["notify"], &["output"], &["cpu", "notify"]] {
        let scene = Scene::new();
        let beats = beats.iter().flat_map(|beat| ["--beat", *beat]);
        let options: Vec<_> = QUICK.into_iter().chain(beats).collect();
        let holder = job(&scene, &options, &[UNIT, "sleep"]).spawn();
        scene.wait_for_owners(1);
        let said = take_over(&scene);
        assert!(said.contains("; lock taken over; "), "{said}");
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
        assert!(
            holder.stderr.contains("made no checkpoint for"),
            "{holder:?}"
        );
        assert!(
            holder.stderr.contains("(unit) sleeps in"),
            "what the command is at: {holder:?}"
        );
    }
}

#[test]
fn a_spinning_command_that_has_to_speak_is_taken_over() {
    let scene = Scene::new();
    let holder = job(&scene, &beat("notify"), &[UNIT, "spin"]).spawn();
    scene.wait_for_owners(1);
    take_over(&scene);
    let holder = holder.wait();
    assert_eq!(holder.code, Some(75), "{holder:?}");
    assert!(holder.stderr.contains("(unit) runs"), "{holder:?}");
}

#[test]
fn a_command_that_speaks_is_left_alone_until_it_falls_silent() {
    let scene = Scene::new();
    let holder = job(&scene, &beat("notify"), &[UNIT, "speak", "silence"]).spawn();
    scene.wait_for_record("\"message\":\"speaking\"");
    for _ in 0..20 {
        let newcomer = job(&scene, &["--busy=42"], &[UNIT, "work", "0"])
            .spawn()
            .wait();
        assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
        assert!(
            newcomer
                .stderr
                .contains("last checkpoint unit \"speaking\""),
            "{newcomer:?}"
        );
    }
    scene.give("silence");
    let said = take_over(&scene);
    assert!(said.contains("last checkpoint unit \"speaking\""), "{said}");
    assert_eq!(holder.wait().code, Some(75));
}

/// It uses the processor, and is judged by that: newcomers come for several times `stale`.
#[test]
fn a_working_command_keeps_its_lock() {
    let scene = Scene::new();
    let holder = job(&scene, &beat("cpu"), &[UNIT, "spin"]).spawn();
    scene.wait_for_owners(1);
    let heartbeats = || {
        let text = fs::read(scene.lock()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let (_, rest) = text.split_once("\"heartbeats\":")?;
        rest.split(',').next()?.parse::<u32>().ok()
    };
    // At least 50 ms apart: together several times as long as `stale`.
    wait_until("it has beaten for long", || {
        let newcomer = job(&scene, &["--busy=42", "--quiet"], &[UNIT, "work", "0"])
            .spawn()
            .wait();
        assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
        heartbeats().is_some_and(|count| count > 40)
    });
    assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
    let holder = holder.kill();
    assert_eq!(holder.signal, Some(9));
    assert_none_outlives_the_lock(&scene, "owners", 1);
}

/// One that minds no SIGTERM, with a child and a grandchild.
#[test]
fn the_whole_tree_of_a_hung_command_is_ended() {
    let scene = Scene::new();
    let tree = scene.file("tree");
    let script = format!(
        "trap '' TERM; sleep 600 & echo $! >> {0}; setsid sleep 600 & echo $! >> {0}; echo $$ >> {0}; wait",
        tree.display()
    );
    let holder = job(&scene, &beat("notify"), &["sh", "-c", &script]).spawn();
    wait_until("the tree stands", || scene.lines("tree").len() == 3);
    take_over(&scene);
    assert_none_outlives_the_lock(&scene, "tree", 3);
    let holder = holder.wait();
    assert_eq!(holder.code, Some(75), "{holder:?}");
}

/// Its pulse cannot answer, and it is ended from outside.
#[test]
fn a_stopped_runner_is_ended_with_its_tree() {
    let scene = Scene::new();
    let mut holder = job(&scene, &beat("notify"), &[UNIT, "sleep"]).spawn();
    scene.wait_for_owners(1);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    let said = take_over(&scene);
    assert!(said.contains("does not answer"), "{said}");
    assert_eq!(holder.wait().signal, Some(9));
    assert_eq!(scene.overlaps(), 0);
}

/// Its command is not stopped with it, and has to end all the same, before the newcomer's begins.
#[test]
fn a_stopped_runner_that_is_fenced_loses_its_tree() {
    let scene = Scene::new();
    let mut holder = job(&scene, &beat("notify"), &[UNIT, "sleep"]).spawn();
    scene.wait_for_owners(1);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    let mut said = String::new();
    wait_until("the lock is fenced", || {
        let options = [&QUICK[..], &["--busy=42", "--on-stale=fence"]].concat();
        let newcomer = job(&scene, &options, &[UNIT, "work", "1"]).spawn().wait();
        said.clone_from(&newcomer.stderr);
        newcomer.code == Some(0)
    });
    assert!(said.contains("its lock file is replaced"), "{said}");
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    holder.signal(Signal::SIGCONT);
    let holder = holder.wait();
    assert_eq!(holder.code, Some(75), "{holder:?}");
}

//! `livinglock stop` among others: another user's job, and another run that wants the lock.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use livinglock_tests::{Job, Scene, Signal};

use crate::{
    CLI, DONE, HELD, JOB, PATIENT, REFUSED, TIMEOUT, assert_says, holder, job, run, start,
    wait_until_it_watches,
};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// Whether this test can be done here; says so if not, and fails where everything must be tested.
fn can_be_another_user() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let tried = Command::new("setpriv").args(["--version"]).output();
    let can = is_root && tried.is_ok_and(|output| output.status.success());
    if !can {
        assert!(
            env::var("CI").as_deref() != Ok("true"),
            "needs root and setpriv"
        );
        println!("SKIPPED: needs root, and setpriv(1)");
    }
    can
}

/// A program in a scene, run by somebody who may do nothing else.
fn by_nobody(scene: &Scene, program: &str, arguments: &[&str]) -> Job {
    // Nobody may enter the folder of the original, perhaps.
    let copy = scene.file(
        Path::new(program)
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name"),
    );
    if !copy.exists() {
        // By another process: what this one has open for writing, a child that is started meanwhile has too.
        let copied = Command::new("cp")
            .args([program.as_ref(), copy.as_os_str()])
            .status();
        assert!(
            copied.is_ok_and(|status| status.success()),
            "copy {program}"
        );
    }
    set_mode(&copy, 0o755);
    set_mode(scene.folder(), 0o755);
    let identity = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let copy = copy.to_str().expect("a path in UTF-8");
    scene.job("setpriv", &[&identity[..], &[copy], arguments].concat())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set permissions");
}

#[test]
fn whoever_may_not_write_the_file_is_told_who_can() {
    if !can_be_another_user() {
        return;
    }
    let scene = Scene::new();
    let mut holder = holder(&scene, job(&scene, &["until", "end"]));
    let lock = scene.lock();
    let lock = lock.to_str().expect("a path in UTF-8");
    for mode in [0o600, 0o644] {
        set_mode(&scene.lock(), mode);
        for arguments in [&["stop", lock][..], &["stop", "--force", lock]] {
            let stop = by_nobody(&scene, CLI, arguments).spawn().wait();
            assert_eq!(stop.code, REFUSED, "{mode:o}: {stop:?}");
            assert_says(&stop, &["or as root"]);
        }
        let wait = by_nobody(&scene, CLI, &["wait", "--timeout", "1ms", lock]);
        let wait = wait.spawn().wait();
        let expected = if mode == 0o600 { REFUSED } else { TIMEOUT };
        assert_eq!(wait.code, expected, "{mode:o}: {wait:?}");
    }
    assert!(!holder.has_ended());
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
}

#[test]
fn root_stops_the_job_of_any_user() {
    if !can_be_another_user() {
        return;
    }
    for (force, status) in [(false, Some(75)), (true, None)] {
        let scene = Scene::new();
        chown(scene.folder(), Some(NOBODY), Some(NOBODY)).expect("give the folder away");
        let theirs = by_nobody(&scene, JOB, &["until", "never"])
            .grace(300)
            .heartbeat(50);
        let mut holder = holder(&scene, theirs);
        if force {
            holder.signal(Signal::SIGSTOP);
            holder.wait_until_stopped();
        }
        let arguments = if force {
            &["stop", "--force", "--grace", "300ms"][..]
        } else {
            &PATIENT
        };
        let stop = run(&scene, arguments);
        assert_eq!(stop.code, DONE, "{stop:?}");
        assert_eq!(holder.wait().code, status);
        let owner = fs::metadata(scene.lock()).expect("it is left").uid();
        assert_eq!(owner, NOBODY, "nobody has taken the lock");
    }
}

/// A new run with `replace` has asked already, and gets the lock: it is none of the operator's business.
#[test]
fn a_run_that_replaces_the_job_meanwhile_is_named_and_left_alone() {
    let scene = Scene::new();
    let slow = |behaviour: &[&str]| scene.job(JOB, behaviour).grace(120_000);
    let first = holder(&scene, slow(&["late", "go"]));
    let newcomer = slow(&["until", "end"]).set("REPLACE", "1").spawn();
    first.wait_until_it_says("was asked to stop");
    let mut stop = start(&scene, &["stop"]);
    wait_until_it_watches(&scene, &stop);
    // So that it looks again when the newcomer works.
    stop.signal(Signal::SIGSTOP);
    stop.wait_until_stopped();
    scene.give("go");
    scene.wait_for_record(&format!("\"process_id\":{},", newcomer.id()));
    stop.signal(Signal::SIGCONT);
    let (first_id, newcomer_id) = (first.id(), newcomer.id());
    let stop = stop.wait();
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(
        &stop,
        &[
            &format!("pid {first_id} (job) has let go of it after"),
            &format!("is busy: pid {newcomer_id} (job) has held it for"),
        ],
    );
    assert_eq!(first.wait().code, Some(75));
    scene.give("end");
    let newcomer = newcomer.wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn a_run_that_waits_for_the_lock_gets_it() {
    let scene = Scene::new();
    let first = holder(&scene, job(&scene, &["until", "never"]));
    let newcomer = job(&scene, &["work", "3", "1"]).wait(60_000).spawn();
    let stop = run(&scene, &PATIENT);
    // It may reach a run that takes the lock in the very moment in which it is withdrawn.
    assert!([DONE, HELD].contains(&stop.code), "{stop:?}");
    assert_eq!(first.wait().code, Some(75));
    let newcomer = newcomer.wait();
    assert!([Some(0), Some(75)].contains(&newcomer.code), "{newcomer:?}");
    assert_eq!(scene.overlaps(), 0);
}

//! Whoever only looks disturbs nobody, and needs no more than the right to read.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use livinglock_tests::{Running, Scene, wait_until};

use crate::{CLI, JOB, Told, can, can_be_root, json_of, status_of};

const NOBODY: u32 = 65534;

/// A holder that hangs, and therefore writes no more.
fn quiet(scene: &Scene) -> Running {
    let holder = scene.job(JOB, &["sleep"]).spawn();
    scene.wait_for_record("\"message\":\"about to hang\"");
    holder
}

/// All that a look could change.
fn fingerprint(lock: &Path) -> (Vec<u8>, u64, i64, i64, u32) {
    let found = fs::metadata(lock).expect("look at the lock file");
    (
        fs::read(lock).expect("read the lock file"),
        found.ino(),
        found.mtime_nsec(),
        found.ctime_nsec(),
        found.mode(),
    )
}

#[test]
fn a_look_changes_nothing() {
    let scene = Scene::new();
    let holder = quiet(&scene);
    let before = fingerprint(&scene.lock());
    for _ in 0..10 {
        status_of(&scene).is(0, &["held and working", "\"about to hang\""]);
    }
    assert_eq!(fingerprint(&scene.lock()), before);
    let stderr = holder.stderr();
    assert_eq!(stderr, "", "the holder has noticed");
}

#[test]
fn a_look_takes_no_lock_and_opens_nothing_for_writing() {
    let strace = Command::new("strace").arg("-V").output();
    if !can("strace", strace.is_ok_and(|output| output.status.success())) {
        return;
    }
    let scene = Scene::new();
    let _holder = quiet(&scene);
    let log = scene.file("calls");
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&log);
    command.args(["-e", "trace=%file,%desc"]);
    let output = command.args([CLI, "status"]).arg(scene.lock()).output();
    Told::of(&output.expect("run strace")).is(0, &["held and working"]);
    let calls = fs::read_to_string(&log).expect("read the log");
    let lock = scene.lock().display().to_string();
    let opened = calls
        .lines()
        .filter(|line| line.contains(&lock) && line.contains("open"));
    assert!(opened.count() > 0, "{calls}");
    assert!(calls.contains("F_OFD_GETLK"), "{calls}");
    for line in calls.lines() {
        let changes = [
            "SETLK", "flock(", "O_WRONLY", "O_RDWR", "O_CREAT", "pwrite", "unlink", "rename",
            "chmod", "truncate",
        ];
        assert!(!changes.iter().any(|call| line.contains(call)), "{line}");
    }
}

/// A copy of the command in a folder that everybody may enter.
fn cli_for_everybody(scene: &Scene) -> PathBuf {
    let copy = scene.file("cli");
    // By another process: what this one has open for writing, a child started meanwhile has too, and then it cannot be run.
    let copied = Command::new("cp").arg(CLI).arg(&copy).status();
    assert!(copied.expect("run cp").success());
    set_mode(scene.folder(), 0o755);
    set_mode(&copy, 0o755);
    copy
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
}

#[test]
fn the_right_to_read_is_enough_and_without_it_that_is_said() {
    if !can_be_root() {
        return;
    }
    let scene = Scene::new();
    let cli = cli_for_everybody(&scene);
    let _holder = quiet(&scene);
    let as_nobody = |path: &Path| {
        let mut command = Command::new(&cli);
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        Told::of(&command.arg("status").arg(path).output().expect("run it"))
    };
    let why = "/lock cannot be read (Permission denied (os error 13)); look as the user of its job, or as root\n";
    as_nobody(&scene.lock()).is(4, &[why]);
    // In a folder too: it may be a lock.
    as_nobody(scene.folder()).is(4, &[why]);
    set_mode(&scene.lock(), 0o444);
    as_nobody(&scene.lock()).is(0, &["held and working", "\"about to hang\""]);
    set_mode(scene.folder(), 0o311);
    as_nobody(scene.folder()).is(4, &["failed to list the folder "]);
}

#[test]
fn a_lock_on_a_file_system_that_is_read_only_can_be_seen() {
    let unshare = Command::new("unshare").args(["--mount", "true"]).output();
    if !can_be_root()
        || !can(
            "unshare --mount",
            unshare.is_ok_and(|output| output.status.success()),
        )
    {
        return;
    }
    let scene = Scene::new();
    let _holder = quiet(&scene);
    let script = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/new" 2>&1 && exec "$2" status "$1/lock""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    let output = command.arg(scene.folder()).arg(CLI).output();
    Told::of(&output.expect("run unshare")).is(0, &["Read-only", "held and working"]);
}

#[test]
fn looks_from_everywhere_do_not_keep_a_job_from_its_work() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["until", "end"]).heartbeat(5).stale(60_000);
    let holder = job.spawn();
    scene.wait_for_owners(1);
    let mut seen = 0;
    wait_until("it was seen many times", || {
        status_of(&scene).is(0, &["held and working"]);
        seen += 1;
        seen == 50
    });
    scene.give("end");
    let ended = holder.wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
}

#[test]
fn a_lock_that_changes_hands_is_never_seen_half_way() {
    const OWNERS: usize = 30;
    let scene = Scene::new();
    let mut seen = BTreeMap::new();
    for _ in 0..OWNERS {
        // Between taking the lock and writing its record it takes its time, above the record of one that has crashed.
        let mut job = scene.job(JOB, &["crash"]).faults("delay=3000").spawn();
        while !job.has_ended() {
            let lock = json_of(&scene.lock());
            let condition = lock["condition"].as_str().expect("a text").to_owned();
            *seen.entry(condition).or_insert(0) += 1;
        }
    }
    println!("conditions seen: {seen:?}");
    let may_be = ["free", "working", "left"];
    assert!(seen.keys().all(|it| may_be.contains(&&**it)), "{seen:?}");
    assert_eq!(scene.owners().len(), OWNERS);
}

//! The path, its folder, and what is there already.

use std::{
    fs,
    os::unix::{
        fs::{chown, symlink},
        net::UnixListener,
    },
    process::Command,
};

use livinglock_tests::Scene;
use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::{CLI, Diagnosis, can_be_root, can_run, names, set_mode};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn a_fit_place_is_left_as_it_was() {
    let scene = Scene::new();
    let diagnosis = Diagnosis::of(&scene.lock());
    diagnosis.is_fit();
    for text in [
        "the path is absolute",
        "nothing is in the way",
        "we may create files in",
        "kernel locks work in",
        "is a local one",
        "has room",
        "the name is short enough",
        "nobody holds",
        "/proc shows the processes of our PID namespace",
        "the id of this boot can be read",
    ] {
        diagnosis.says("ok", &[text]);
    }
    assert_eq!(names(scene.folder()), [""; 0]);
}

#[test]
fn problems_are_shown_alone_on_demand() {
    let scene = Scene::new();
    fs::write(scene.lock(), "precious").expect("write a file");
    let mut command = Command::new(CLI);
    let diagnosis = Diagnosis::by(command.args(["doctor", "--problems"]).arg(scene.lock()));
    diagnosis.says("failure", &["is not a lock file: it has other content"]);
    assert!(!diagnosis.text.contains("ok "), "{diagnosis:?}");
    assert_eq!(fs::read(scene.lock()).expect("read it"), b"precious");
}

#[test]
fn what_is_no_file_of_ours_is_named_and_left_alone() {
    let scene = Scene::new();
    let lock = scene.lock();
    let target = scene.file("target");
    fs::write(&target, "precious").expect("write a file");
    let remove = || fs::remove_file(&lock).expect("remove it");

    symlink(&target, &lock).expect("make a symlink");
    Diagnosis::of(&lock).says("failure", &["is a symbolic link; use the path that"]);
    remove();
    symlink(scene.file("nothing"), &lock).expect("make a symlink");
    Diagnosis::of(&lock).says("failure", &["is a symbolic link"]);
    remove();
    fs::hard_link(&target, &lock).expect("make a link");
    Diagnosis::of(&lock).says("failure", &["has 2 hard links"]);
    remove();
    mkfifo(&lock, Mode::S_IRWXU).expect("make a FIFO");
    Diagnosis::of(&lock).says("failure", &["is a FIFO, not a lock file"]);
    remove();
    let listener = UnixListener::bind(&lock).expect("make a socket");
    Diagnosis::of(&lock).says("failure", &["is a socket, not a lock file"]);
    drop(listener);
    remove();
    fs::create_dir(&lock).expect("make a folder");
    Diagnosis::of(&lock).says("failure", &["is a folder, not a lock file"]);

    assert_eq!(fs::read(&target).expect("read it"), b"precious");
    assert_eq!(names(scene.folder()), ["lock", "target"]);
}

#[test]
fn a_folder_that_is_not_there_is_a_failure() {
    let scene = Scene::new();
    let missing = scene.file("missing");
    Diagnosis::of(&missing.join("lock")).says("failure", &["is not there; create it"]);
    assert!(!missing.exists());
    scene.give("file");
    Diagnosis::of(&scene.file("file").join("lock")).says("failure", &["is not a folder"]);
    Diagnosis::of("/".as_ref()).says("failure", &["names no file"]);
}

#[test]
fn a_relative_path_is_a_warning() {
    let scene = Scene::new();
    let mut command = Command::new(CLI);
    let command = command.args(["doctor", "lock"]).current_dir(scene.folder());
    let absolute = format!("write {}", scene.lock().display());
    Diagnosis::by(command)
        .says("warning", &["the path is relative", &absolute])
        .is_fit();
}

#[test]
fn a_long_name_leaves_no_room_for_a_fence() {
    let scene = Scene::new();
    let named = |length| scene.file(&"x".repeat(length));
    Diagnosis::of(&named(249)).says("ok", &["the name is short enough"]);
    Diagnosis::of(&named(250))
        .says("warning", &["250 bytes", "use at most 249"])
        .is_fit();
    Diagnosis::of(&named(256)).says("failure", &["256 bytes, and 255 are allowed"]);
}

#[test]
fn a_folder_for_everybody_is_unfit_unless_it_is_sticky() {
    let scene = Scene::new();
    set_mode(scene.folder(), 0o777);
    Diagnosis::of(&scene.lock()).says("failure", &["everybody may remove and replace files"]);
    set_mode(scene.folder(), 0o1777);
    Diagnosis::of(&scene.lock())
        .says(
            "warning",
            &["everybody may create files", "fs.protected_regular ("],
        )
        .is_fit();
}

#[test]
fn a_lock_file_for_everybody_is_a_warning() {
    let scene = Scene::new();
    scene.give("lock");
    set_mode(&scene.lock(), 0o666);
    Diagnosis::of(&scene.lock())
        .says("warning", &["others may write", "(mode 666)", "chmod go-w"])
        .is_fit();
}

#[test]
fn another_users_file_and_folder_are_named() {
    if !can_be_root() {
        return;
    }
    let scene = Scene::new();
    fs::write(scene.lock(), "").expect("make a file");
    chown(scene.lock(), Some(NOBODY), Some(NOBODY)).expect("give it away");
    Diagnosis::of(&scene.lock()).says("failure", &["belongs to user 65534, not to us"]);
    fs::remove_file(scene.lock()).expect("remove it");
    chown(scene.folder(), Some(NOBODY), Some(NOBODY)).expect("give it away");
    Diagnosis::of(&scene.lock())
        .says(
            "warning",
            &["belongs to user 65534, who can remove or replace"],
        )
        .is_fit();
}

#[test]
fn a_folder_that_we_may_not_write_is_a_failure() {
    if !can_be_root() || !can_run("setpriv", &["--reuid=65534"]) {
        return;
    }
    let scene = Scene::new();
    set_mode(scene.folder(), 0o755);
    // Nobody may enter the folder of the original, perhaps.
    let copy = scene.file("cli");
    let copied = Command::new("cp").arg(CLI).arg(&copy).status();
    assert!(copied.is_ok_and(|status| status.success()));
    set_mode(&copy, 0o755);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    Diagnosis::by(command.arg(copy).arg("doctor").arg(scene.lock()))
        .says(
            "failure",
            &["use a path that this user may write", "Permission denied"],
        )
        .says("ok", &["is a local one"]);
    assert_eq!(names(scene.folder()), ["cli"]);
}

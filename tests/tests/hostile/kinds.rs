//! What kind of thing the path names, and whose.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        net::UnixListener,
    },
    path::Path,
    process::Command,
};

use livinglock::Lock;

use crate::{
    assert_refused,
    program::{NOBODY, can_be_root},
    scratch::Scratch,
};

fn run(program: &str, arguments: &[&str], path: &Path) {
    let mut command = Command::new(program);
    // GNU tools take the options first.
    let status = match program {
        "mknod" => command.arg(path).args(arguments).status(),
        _ => command.args(arguments).arg(path).status(),
    };
    assert!(status.unwrap().success(), "{command:?}");
}

#[test]
fn a_symlink_is_refused_and_its_target_left_alone() {
    let scratch = Scratch::new();
    let target = scratch.file("target");
    for content in ["precious", ""] {
        fs::write(&target, content).unwrap();
        symlink(&target, &scratch).unwrap();
        assert_refused(
            &scratch,
            "is a symbolic link; use the path that it leads to",
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), content);
        assert!(scratch.is_symlink());
        fs::remove_file(&scratch).unwrap();
    }
}

#[test]
fn a_dangling_symlink_is_refused_and_leads_nowhere_still() {
    let scratch = Scratch::new();
    symlink(scratch.file("target"), &scratch).unwrap();
    assert_refused(&scratch, "is a symbolic link");
    assert_eq!(scratch.names(), ["job.lock"]);
}

#[test]
fn a_fifo_is_refused_without_waiting_for_its_other_end() {
    let scratch = Scratch::new();
    run("mkfifo", &[], &scratch);
    assert_refused(
        &scratch,
        "is a FIFO, not a lock file; use a path of its own",
    );
    assert_eq!(scratch.names(), ["job.lock"]);
}

#[test]
fn a_socket_is_refused() {
    let scratch = Scratch::new();
    let _listener = UnixListener::bind(&scratch).unwrap();
    assert_refused(
        &scratch,
        "is a socket, not a lock file; use a path of its own",
    );
    assert_eq!(scratch.names(), ["job.lock"]);
}

#[test]
fn a_folder_is_refused() {
    let scratch = Scratch::new();
    fs::create_dir(&scratch).unwrap();
    assert_refused(
        &scratch,
        "is a folder, not a lock file; use a path of its own",
    );
    let inside = scratch.join("");
    assert_refused(&inside, "is a folder");
    assert!(scratch.is_dir());
}

#[test]
fn a_device_is_refused() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    for numbers in [["c", "1", "3"], ["c", "1", "5"], ["b", "7", "250"]] {
        run("mknod", &numbers, &scratch);
        assert_refused(
            &scratch,
            "is a device, not a lock file; use a path of its own",
        );
        assert_eq!(scratch.names(), ["job.lock"]);
        fs::remove_file(&scratch).unwrap();
    }
}

#[test]
fn a_file_with_a_second_name_is_refused() {
    let scratch = Scratch::new();
    let other = scratch.file("other");
    for content in ["", "precious", &*Scratch::new().crash()] {
        fs::write(&other, content).unwrap();
        fs::hard_link(&other, &scratch).unwrap();
        assert_refused(&scratch, "has 2 hard links");
        assert_eq!(fs::read_to_string(&other).unwrap(), content);
        assert_eq!(fs::metadata(&other).unwrap().nlink(), 2);
        fs::remove_file(&scratch).unwrap();
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    File::create(&scratch).unwrap();
    // Anybody may write it, so only its owner speaks against it.
    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o666)).unwrap();
    chown(&scratch, Some(NOBODY), Some(NOBODY)).unwrap();
    assert_refused(
        &scratch,
        "belongs to user 65534, not to us (user 0) or root",
    );
    assert_eq!(fs::read(&scratch).unwrap(), b"");
    assert_eq!(fs::metadata(&scratch).unwrap().uid(), NOBODY);
    chown(&scratch, Some(0), Some(0)).unwrap();
    Lock::acquire(&scratch).unwrap().release().unwrap();
}

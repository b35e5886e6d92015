//! Where the path leads.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use livinglock::Lock;
use livinglock_tests::wait_until;

use crate::{
    assert_refused,
    program::{self, NOBODY, Running, can_be_root, chain},
    scratch::Scratch,
};

#[test]
fn a_missing_folder_is_an_error() {
    let scratch = Scratch::new();
    assert_refused(&scratch.file("missing/job.lock"), "create its folder first");
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn a_file_on_the_way_is_an_error() {
    let scratch = Scratch::new();
    fs::write(&scratch, "precious").unwrap();
    let path = scratch.join("job.lock");
    assert_refused(&path, "a part of the path before the last is a file");
    assert_eq!(fs::read_to_string(&scratch).unwrap(), "precious");
}

#[test]
fn a_path_that_is_too_long_is_an_error() {
    let scratch = Scratch::new();
    assert_refused(&scratch.file(&"x".repeat(256)), "use a shorter path");
    assert_refused(&scratch.file(&"x/".repeat(2500)), "use a shorter path");
    Lock::acquire(scratch.file(&"x".repeat(255)))
        .unwrap()
        .release()
        .unwrap();
}

#[test]
fn a_path_that_no_file_can_have_is_an_error() {
    let with_nul = Scratch::new().file("job\0.lock");
    let error = Lock::acquire(with_nul).unwrap_err();
    assert!(!error.is_busy());
    assert!(error.to_string().contains("job\\u{0}.lock"), "{error}");
    let empty = chain(&Lock::acquire("").unwrap_err());
    assert!(empty.contains("empty path"), "{empty}");
}

#[test]
fn a_relative_path_stays_where_it_was_when_the_job_moves() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file("elsewhere")).unwrap();
    let mut command = program::program("wanderer");
    let ended = Running::start(command.current_dir(scratch.folder())).end();
    assert!(ended.status.success(), "{}", ended.errors);
    assert_eq!(scratch.names(), ["elsewhere"]);
    assert!(
        fs::read_dir(scratch.file("elsewhere"))
            .unwrap()
            .next()
            .is_none()
    );
}

/// Takes a lock by a relative path, and moves.
pub(crate) fn wanderer() {
    let path = env::current_dir().unwrap().join("job.lock");
    let options = Lock::options().heartbeat(std::time::Duration::from_millis(20));
    let lock = options.acquire("job.lock").unwrap();
    env::set_current_dir("elsewhere").unwrap();
    let known = |path: &Path| {
        let busy = Lock::acquire(path).unwrap_err();
        busy.holder()
            .expect("the record of this process")
            .heartbeats
    };
    assert_eq!(lock.path(), path);
    // So often the pulse has found the file at its path.
    wait_until("heartbeats are written", || {
        lock.heartbeat().expect("the lock is still ours");
        known(&path) >= 3
    });
    lock.release().unwrap();
}

#[test]
fn a_folder_that_we_may_not_write_is_an_error() {
    let scratch = Scratch::new();
    let folder = scratch.file("read-only");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let mut holder = Running::start(&mut holder_as_nobody(&scratch, &folder.join("job.lock")));
    let text = holder.expect("refused: ");
    assert!(
        text.contains("use a path that this user may write"),
        "{text}"
    );
    assert!(text.contains("read-only/job.lock"), "{text}");
    assert!(fs::read_dir(folder).unwrap().next().is_none());
}

#[test]
fn a_file_that_root_left_is_an_error_unless_we_may_write_it() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    scratch.crash();
    let mut refused = Running::start(&mut holder_as_nobody(&scratch, &scratch));
    let text = refused.expect("refused: ");
    assert!(
        text.contains("remove the file that another user left there"),
        "{text}"
    );

    fs::set_permissions(&scratch, fs::Permissions::from_mode(0o666)).unwrap();
    let mut owner = Running::start(&mut holder_as_nobody(&scratch, &scratch));
    owner.expect("owner");
    assert!(Lock::acquire(&scratch).unwrap_err().is_busy());
    assert_eq!(fs::metadata(&scratch).unwrap().uid(), 0);
}

/// As in /run: the folder is root's, and the file was made for the user in advance.
#[test]
fn a_file_that_cannot_be_removed_says_that_it_was_released() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    fs::set_permissions(scratch.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&scratch, "").unwrap();
    chown(&*scratch, Some(NOBODY), Some(NOBODY)).unwrap();
    for _ in 0..2 {
        let mut command = program::program_as_nobody(scratch.folder(), "batch");
        let ended = Running::start(command.env("LOCK", &*scratch)).end();
        assert!(
            ended.errors.contains("failed to release"),
            "{}",
            ended.errors
        );
        assert!(!ended.errors.contains("previous run"), "{}", ended.errors);
    }
    assert!(scratch.exists());
}

/// A holder that has no privileges, even if we have.
fn holder_as_nobody(scratch: &Scratch, path: &Path) -> Command {
    let mut command = program::program_as_nobody(scratch.folder(), "holder");
    command.env("LOCK", path);
    command
}

#[test]
fn the_mode_is_private_unless_asked_and_the_umask_changes_neither() {
    for (umask, asked, expected) in [
        ("000", None, 0o600),
        ("077", Some("644"), 0o644),
        ("000", Some("640"), 0o640),
    ] {
        let scratch = Scratch::new();
        let mut command = program::holder_of(&scratch);
        command.env("UMASK", umask);
        if let Some(mode) = asked {
            command.env("MODE", mode);
        }
        let mut running = Running::start(&mut command);
        running.expect("owner");
        let mode = || fs::metadata(&scratch).map(|found| found.mode() & 0o7777);
        assert_eq!(mode().unwrap(), expected, "umask {umask}, asked {asked:?}");
        // The holder puts a deleted file back with the same mode.
        fs::remove_file(&scratch).unwrap();
        wait_until("the file is back with its mode", || {
            mode().is_ok_and(|mode| mode == expected)
        });
    }
}

#[test]
fn a_child_that_outlives_the_holder_does_not_keep_the_lock() {
    let scratch = Scratch::new();
    let mut holder = Running::start(program::holder_of(&scratch).env("CHILD", "1"));
    let child = holder.expect("child");
    holder.expect("owner");
    holder.kill();
    Lock::acquire(&scratch).unwrap().release().unwrap();
    let state = fs::read_to_string(format!("/proc/{child}/stat")).expect("the child lives");
    assert!(!state.contains(") Z "), "the child lives: {state}");
}

#[test]
fn a_second_acquire_in_one_process_is_busy_and_says_that_we_hold_it() {
    let scratch = Scratch::new();
    let lock = Lock::acquire(&scratch).unwrap();
    let roundabout = scratch.folder().join("./missing/../job.lock");
    fs::create_dir(scratch.file("missing")).unwrap();
    for path in [&*scratch, &roundabout] {
        let busy = std::thread::scope(|scope| scope.spawn(|| Lock::acquire(path)).join());
        let error = busy.unwrap().unwrap_err();
        assert!(error.is_busy(), "{error}");
        assert_eq!(error.holder().unwrap().process_id, std::process::id());
        let text = error.to_string();
        assert!(text.contains("this process"), "{text}");
        assert!(text.contains("release it first"), "{text}");
    }
    lock.release().unwrap();
    Lock::acquire(&roundabout).unwrap().release().unwrap();
}

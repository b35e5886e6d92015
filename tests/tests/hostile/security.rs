//! What somebody may try who shares the machine: the lines of `livinglock/SECURITY.md` that no other file tests.

use std::{
    env,
    fs::{self, File},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{MetadataExt, PermissionsExt, chown},
            net::{SocketAddr, UnixDatagram},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::Command,
};

use livinglock::{Lock, exit_status};
use livinglock_tests::{Signal, wait_until};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::Pid,
};

use crate::{
    assert_refused,
    innocents::Innocent,
    program::{
        self, NOBODY, Running, binary_for_everybody, can, can_be_root, can_unshare, holder_of,
        listen, program, program_as_nobody, program_under, program_under_unshare, say,
    },
    scratch::{Scratch, sealed, unsealed, with},
};

/// A folder of this workspace.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_line_of_the_review_names_tests_that_exist() {
    let review = fs::read_to_string(folder("livinglock/SECURITY.md")).unwrap();
    let rows = review.lines().filter(|line| line.starts_with("| "));
    let mut tests = 0;
    for row in rows.filter(|row| !row.starts_with("| threat |")) {
        let named: Vec<_> = row
            .split('`')
            .filter_map(|code| code.split_once(".rs::"))
            .collect();
        assert!(!named.is_empty(), "no test: {row}");
        for (file, test) in named {
            let from_the_root = file.starts_with("livinglock/");
            let within = folder(if from_the_root { "" } else { "tests/tests" });
            let text = fs::read_to_string(within.join(format!("{file}.rs")));
            let text = text.unwrap_or_else(|error| panic!("{file}.rs: {error}"));
            let function = format!("#[test]\nfn {test}() {{");
            let on_each_engine = format!("\n    fn {test}(server) {{");
            let is_there = text.contains(&function) || text.contains(&on_each_engine);
            assert!(is_there, "no test {file}.rs::{test}");
            tests += 1;
        }
    }
    println!("{tests} tests");
    assert!(tests > 20, "the table is not read");
}

/// Shared locks need no more than the right to read.
pub(crate) fn squatter() {
    let file = match File::open(env::var_os("LOCK").unwrap()) {
        Ok(file) => file,
        Err(error) => {
            say(&format!("refused: {error}"));
            return listen();
        }
    };
    let every_byte = libc::flock {
        l_type: libc::F_RDLCK.try_into().unwrap(),
        l_whence: libc::SEEK_SET.try_into().unwrap(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&every_byte)).unwrap();
    say("squats");
    listen();
}

fn squatter_on(scratch: &Scratch) -> Running {
    let mut command = program_as_nobody(scratch.folder(), "squatter");
    Running::start(command.env("LOCK", &**scratch))
}

#[test]
fn whoever_may_read_the_file_can_block_the_lock_and_by_default_nobody_may() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    // What a crash leaves behind is as private as it was made.
    let mut crashed = Running::start(&mut holder_of(&scratch));
    crashed.expect("owner");
    crashed.kill();
    squatter_on(&scratch).expect("refused: Permission denied");

    set_mode(&scratch, 0o644);
    let mut squatter = squatter_on(&scratch);
    squatter.expect("squats");
    assert!(Lock::acquire(&scratch).unwrap_err().is_busy());
    squatter.kill();
    Lock::acquire(&scratch).unwrap().release().unwrap();
}

#[test]
fn in_a_sticky_folder_a_stranger_can_neither_remove_nor_replace_a_held_file() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    set_mode(scratch.folder(), 0o1777);
    let mut holder = Running::start(&mut holder_of(&scratch));
    holder.expect("owner");
    let inode = fs::metadata(&scratch).unwrap().ino();
    let mut stranger = Command::new("sh");
    let tries = r#": >"$1.own" && ! rm -f "$1" && ! mv -f "$1.own" "$1" && ! ln -sf own "$1""#;
    stranger.args(["-c", tries, "sh"]).arg(&*scratch);
    let output = stranger.uid(NOBODY).gid(NOBODY).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::symlink_metadata(&scratch).unwrap().ino(), inode);
    assert_eq!(holder.end().status.code(), Some(0));
}

#[test]
fn a_set_uid_program_locks_as_its_owner_and_its_caller_gets_nothing() {
    if !can_be_root() {
        return;
    }
    let scratch = Scratch::new();
    let set_uid = || {
        let binary = binary_for_everybody(scratch.folder());
        set_mode(&binary, 0o4755);
        let mut command = program::program_of(&binary, "holder");
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        command.env("LOCK", &*scratch).env("UMASK", "000");
        Running::start(&mut command)
    };
    let mut holder = set_uid();
    let verdict = holder.line();
    let status = fs::read_to_string(format!("/proc/{}/status", holder.id())).unwrap();
    if !can(
        "a temporary folder without `nosuid`",
        status.contains("\nUid:\t65534\t0\t0\t0\n"),
    ) {
        return;
    }
    assert_eq!(verdict, format!("owner {}", holder.id()));
    let file = fs::metadata(&scratch).unwrap();
    assert_eq!((file.uid(), file.mode() & 0o7777), (0, 0o600));
    // What the program may, its caller may not.
    squatter_on(&scratch).expect("refused: Permission denied");
    let busy = Lock::acquire(&scratch).unwrap_err();
    assert_eq!(busy.holder().unwrap().process_id, holder.id());
    assert_eq!(holder.end().status.code(), Some(0));
    assert!(!scratch.exists(), "it was released");

    // Nor does the program touch what its caller has put there.
    fs::write(&scratch, "").unwrap();
    chown(&scratch, Some(NOBODY), Some(NOBODY)).unwrap();
    let refused = set_uid().expect("refused: ");
    assert!(
        refused.contains("belongs to user 65534, not to us (user 0)"),
        "{refused}"
    );
    assert_eq!(fs::read(&scratch).unwrap(), b"");
}

#[test]
fn the_environment_is_read_for_the_service_manager_and_by_fault_injection_alone() {
    let mut readers = Vec::new();
    look_for_readers(&folder("livinglock/src"), &mut readers);
    readers.sort();
    let only = r#"let list = std::env::var("LIVINGLOCK_FAULTS").unwrap_or_default();"#;
    let manager =
        "env::var_os(VARIABLE).filter(|address| !address.is_empty() && !sys::is_set_uid())";
    let reader = |file: &str, line: &str| (file.to_owned(), line.to_owned());
    assert_eq!(
        readers,
        [
            reader("faults.rs", only),
            reader("service_manager.rs", manager)
        ]
    );
    let faults = folder("livinglock/src/store/file/faults.rs");
    let text = fs::read_to_string(faults).unwrap();
    let (_, with_the_feature) = text
        .split_once("\n#[cfg(feature = \"fault-injection\")]\nmod seams {")
        .expect("the seams of the feature");
    assert!(with_the_feature.contains(only));
}

/// Whoever starts a set-uid program chooses its environment, and is told nothing for that.
#[test]
fn a_set_uid_program_tells_no_service_manager() {
    if !can_be_root() {
        return;
    }
    let name = format!("livinglock-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let told = |mode| {
        let scratch = Scratch::new();
        let binary = binary_for_everybody(scratch.folder());
        set_mode(scratch.folder(), 0o777);
        set_mode(&binary, mode);
        let mut command = program::program_of(&binary, "batch");
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        command.env("LOCK", &*scratch).env("BODY", "work");
        command.env("NOTIFY_SOCKET", format!("@{name}"));
        let mut running = Running::start(&mut command);
        running.expect("the body runs");
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap_or_default();
        running.kill();
        message[..length].to_vec()
    };
    assert_eq!(told(0o755), b"READY=1");
    while socket.recv(&mut [0; 64]).is_ok() {}
    assert_eq!(told(0o4755), b"");
}

/// Every line of the sources in which the environment is read.
fn look_for_readers(folder: &Path, readers: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            // The command line is a program of its own: it is given its environment by whom it serves.
            if entry.file_name() != "cli" && entry.file_name() != "tests" {
                look_for_readers(&entry.path(), readers);
            }
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        if name == "tests.rs" {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let reads = |line: &&str| {
            let line = line.replace("std::env::args_os()", "");
            !line.starts_with("//") && (line.contains("env::") || line.contains("getenv"))
        };
        let lines = text.lines().map(str::trim).filter(reads);
        readers.extend(lines.map(|line| (name.clone(), line.to_owned())));
    }
}

#[test]
fn closed_standard_descriptors_never_lead_to_the_lock_file() {
    let scratch = Scratch::new();
    let left = scratch.crash();
    // It says what became of its predecessor, on a standard error that is closed.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec "$@" <&- 2>&-"#, "sh"]);
    let mut command = program_under(shell, "batch");
    command.env("LOCK", &*scratch).env("BODY", "work");
    let mut job = Running::start(&mut command);
    job.expect("the body runs");
    let busy = Lock::acquire(&scratch).unwrap_err();
    assert_eq!(busy.holder().expect("a whole record").process_id, job.id());
    let bytes = fs::read(&scratch).unwrap();
    assert_eq!(bytes.len(), 4096);
    assert_ne!(unsealed(&bytes), left);
}

#[test]
fn a_child_is_started_without_any_descriptor_of_ours() {
    let descriptors = || {
        let output = Command::new("ls").arg("/proc/self/fd").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = descriptors();
    assert!(before.starts_with("0\n1\n"), "{before}");
    let scratch = Scratch::new();
    let options = Lock::options().heartbeat(std::time::Duration::from_millis(20));
    let lock = options.acquire(&scratch).unwrap();
    wait_until("heartbeats are written", || {
        lock.heartbeat().unwrap();
        assert_eq!(descriptors(), before);
        let busy = Lock::acquire(&scratch).unwrap_err();
        busy.holder().is_some_and(|record| record.heartbeats >= 3)
    });
    lock.release().unwrap();
}

#[test]
fn endless_nesting_in_a_record_is_an_end_to_reading() {
    let deep = "[".repeat(60_000);
    let scratch = Scratch::new();
    let foreign = format!("{{\"process_id\":1,\"x\":{deep}");
    fs::write(&scratch, &foreign).unwrap();
    assert_refused(&scratch, "use another path");
    assert_eq!(fs::read_to_string(&scratch).unwrap(), foreign);

    let nested = format!("{{\"livinglock\":1,\"checkpoint\":{}}}", &deep[..4000]);
    fs::write(&scratch, sealed(&nested)).unwrap();
    Lock::acquire(&scratch).unwrap().release().unwrap();
}

/// A namespace whose `/proc` shows the processes of another.
const BLIND: [&str; 3] = ["--pid", "--fork", "--kill-child"];

#[test]
fn nobody_is_signalled_where_proc_shows_other_processes() {
    if !can_unshare(&BLIND) {
        return;
    }
    let scratch = Scratch::new();
    let mut command = program_under_unshare(&BLIND, "blind");
    let ended = Running::start(command.env("LOCK", &*scratch)).end();
    assert!(ended.status.success(), "{}", ended.errors);
}

/// Meets a holder that does not answer, and an innocent process, by numbers that mean others in `/proc`.
pub(crate) fn blind() {
    let path: PathBuf = env::var_os("LOCK").unwrap().into();
    let mut command = holder_of(&path);
    let mut holder = Running::start(command.env("SILENT", "1").env("STALE_MS", "300"));
    holder.expect("owner");
    holder.signal(Signal::SIGSTOP);
    let id = Pid::from_raw(holder.id().try_into().unwrap());
    wait_until("the holder is stopped", || {
        let changed = waitpid(id, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::WNOHANG));
        matches!(changed, Ok(WaitStatus::Stopped(..)))
    });
    let json = with(&unsealed(&fs::read(&path).unwrap()), "progress_ns", 0);
    let mut innocent = Innocent::new();
    for process_id in [holder.id(), innocent.id()] {
        fs::write(&path, sealed(&with(&json, "process_id", process_id))).unwrap();
        let newcomer = Running::start(program("batch").env("LOCK", &path)).end();
        let text = newcomer.errors;
        assert_eq!(
            newcomer.status.code(),
            Some(exit_status::CANNOT_LOCK.into())
        );
        assert!(text.contains("/proc shows another PID namespace"), "{text}");
        assert!(innocent.is_alive(), "an innocent was killed");
        let state = waitpid(id, Some(WaitPidFlag::WNOHANG)).unwrap();
        assert_eq!(state, WaitStatus::StillAlive, "the holder was ended");
    }
}

//! What somebody may try who can write to the file, read it, or choose how the job is started.

use std::{
    env,
    fs::{self, File},
    os::unix::{
        fs::{FileExt, MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use livinglock::{Error, Lock, OnStale, exit_status};
use livinglock_tests::{hold, wait_until};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};

use crate::{
    program::{Running, can_unshare, holder_of, program, program_under},
    scratch::{Scratch, sealed, unsealed, with},
};

/// Much longer than an honest newcomer takes, which has to be patient for eight ticks of a second.
const LONG: Duration = Duration::from_secs(25);

/// A holder that works on for ever as far as it knows, but is stopped; its record, stale.
fn stopped_holder(scratch: &Scratch) -> (Running, String) {
    let mut command = holder_of(scratch);
    let mut holder = Running::start(command.env("SILENT", "1").env("STALE_MS", "300"));
    holder.expect("owner");
    holder.stop();
    let json = with(&unsealed(&fs::read(scratch).unwrap()), "progress_ns", 0);
    (holder, json)
}

fn forge(scratch: &Scratch, json: &str) {
    let file = File::options().write(true).open(scratch).unwrap();
    file.write_all_at(&sealed(json), 0).unwrap();
}

/// What a newcomer is told that takes nothing over.
fn look(scratch: &Scratch) -> Error {
    let options = Lock::options().on_stale(OnStale::Report);
    options.acquire(scratch).expect_err("somebody holds it")
}

#[test]
fn whoever_may_only_read_the_file_asks_nothing() {
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("MODE", "644"));
    holder.expect("owner");
    let reader = File::open(&scratch).unwrap();
    let question_and_stop = libc::flock {
        l_type: libc::F_RDLCK.try_into().unwrap(),
        l_whence: libc::SEEK_SET.try_into().unwrap(),
        l_start: 2,
        l_len: 2,
        l_pid: 0,
    };
    fcntl(&reader, FcntlArg::F_OFD_SETLK(&question_and_stop)).unwrap();
    let record = || look(&scratch).holder().unwrap().clone();
    let before = record();
    wait_until("the holder has written", || {
        let now = record();
        now.heartbeats + now.answers >= before.heartbeats + before.answers + 3
    });
    assert_eq!(record().answers, before.answers, "it answers a reader");
    assert_eq!(holder.end().status.code(), Some(0));
}

#[test]
fn a_umask_cannot_take_the_file_from_its_owner() {
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("UMASK", "777"));
    holder.expect("owner");
    assert_eq!(fs::metadata(&scratch).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_file_of_ours_that_is_open_to_others_becomes_private() {
    for content in ["", &Scratch::new().crash()] {
        let scratch = Scratch::new();
        fs::write(&scratch, content).unwrap();
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o666)).unwrap();
        let _lock = Lock::acquire(&scratch).unwrap();
        assert_eq!(fs::metadata(&scratch).unwrap().mode() & 0o7777, 0o600);
    }
}

/// It has the whole file by flock(2), which has nothing to do with bytes.
#[test]
fn a_process_with_another_kind_of_lock_is_not_signalled() {
    let scratch = Scratch::new();
    let (_holder, json) = stopped_holder(&scratch);
    let other = scratch.file("other");
    let mut flock = Command::new("flock");
    flock.arg("--no-fork").arg(&*scratch);
    let mut command = program_under(flock, "holder");
    let mut innocent = Running::start(command.env("LOCK", &other));
    innocent.expect("owner");
    // Its own record tells who it is.
    let of_innocent = unsealed(&fs::read(&other).unwrap());
    let json = ["process_id", "process_started", "process_inode"]
        .iter()
        .fold(json, |json, field| {
            with(&json, field, value(&of_innocent, field))
        });
    forge(&scratch, &json);
    let newcomer = Running::start(program("batch").env("LOCK", &*scratch)).end();
    let status = newcomer.status.code();
    assert_eq!(
        status,
        Some(exit_status::CANNOT_LOCK.into()),
        "{}",
        newcomer.errors
    );
    assert_eq!(innocent.end().status.code(), Some(0));
}

fn value<'a>(json: &'a str, field: &str) -> &'a str {
    let (_, rest) = json.split_once(&format!("\"{field}\":")).unwrap();
    rest.split_once(',').unwrap().0
}

#[test]
fn a_record_cannot_make_a_newcomer_wait_for_ever() {
    for field in ["tick_ms", "grace_ms"] {
        let scratch = Scratch::new();
        let (_holder, json) = stopped_holder(&scratch);
        forge(&scratch, &with(&json, field, u64::MAX));
        let mut newcomer = holder_of(&scratch);
        let begun = Instant::now();
        let mut newcomer = match field {
            "tick_ms" => Running::start(&mut newcomer),
            // A `main`, whose policy is to terminate.
            _ => Running::start(program("batch").env("LOCK", &*scratch)),
        };
        while newcomer.is_silent() {
            assert!(begun.elapsed() < LONG, "it waits for {field}");
        }
    }
}

#[test]
fn somebody_who_keeps_writing_cannot_make_a_newcomer_wait_for_ever() {
    let scratch = Scratch::new();
    let (_holder, json) = stopped_holder(&scratch);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for heartbeats in 0.. {
                forge(&scratch, &with(&json, "heartbeats", heartbeats));
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let begun = Instant::now();
        let mut newcomer = Running::start(&mut holder_of(&scratch));
        while newcomer.is_silent() && begun.elapsed() < LONG {}
        done.store(true, Ordering::Relaxed);
        assert!(begun.elapsed() < LONG, "it waits");
    });
}

#[test]
fn proof_of_work_from_the_future_is_none() {
    let scratch = Scratch::new();
    let (_holder, json) = stopped_holder(&scratch);
    forge(&scratch, &with(&json, "progress_ns", u64::MAX));
    let busy = look(&scratch).to_string();
    assert!(busy.contains("does not answer"), "{busy}");
}

#[test]
fn a_forged_token_does_not_stop_the_tokens_from_growing() {
    let scratch = Scratch::new();
    let json = scratch.crash();
    fs::write(&scratch, sealed(&with(&json, "fencing_token", u64::MAX))).unwrap();
    let token = || {
        let lock = Lock::acquire(&scratch).unwrap();
        let bytes = fs::read(&scratch).unwrap();
        let token = Lock::acquire(&scratch)
            .unwrap_err()
            .holder()
            .unwrap()
            .fencing_token;
        drop(lock);
        fs::write(&scratch, bytes).unwrap();
        token
    };
    let first = token();
    let second = token();
    assert!(first < second, "{first} and then {second}");
}

#[test]
fn no_character_begins_a_new_line() {
    let scratch = Scratch::new();
    let (_holder, json) = stopped_holder(&scratch);
    forge(&scratch, &with(&json, "name", "\"a\u{2028}b\u{2029}c\""));
    let error = look(&scratch);
    assert_eq!(error.holder().unwrap().name, "a\u{2028}b\u{2029}c");
    let text = error.to_string();
    assert!(!text.contains(['\u{2028}', '\u{2029}']), "{text}");
}

#[test]
fn no_sentence_is_endless() {
    let scratch = Scratch::new();
    let (_holder, json) = stopped_holder(&scratch);
    let endless = format!("\"{}\"", "x".repeat(50_000));
    fs::write(&scratch, sealed_at_length(&with(&json, "name", endless))).unwrap();
    let error = look(&scratch);
    assert!(error.is_busy());
    let length = error.to_string().len();
    assert!(length < 4096, "{length} bytes");
}

/// `sealed`, without its size.
fn sealed_at_length(json: &str) -> Vec<u8> {
    let body = json.strip_suffix('}').unwrap();
    let checksum = crc32fast::hash(body.as_bytes());
    format!("{body},\"checksum\":\"{checksum:08x}\"}}").into_bytes()
}

const OWN_MOUNTS: [&str; 2] = ["--map-root-user", "--mount"];

#[test]
fn nobody_is_blamed_for_a_lock_on_another_file_system() {
    if !can_unshare(&OWN_MOUNTS) {
        return;
    }
    let scratch = Scratch::new();
    let mut command = crate::program::program_under_unshare(&OWN_MOUNTS, "twins");
    let ended = Running::start(command.env("DISK", scratch.folder())).end();
    assert!(ended.status.success(), "{}", ended.errors);
}

/// Two files with one inode number, on two small file systems.
pub(crate) fn twins() {
    let folder: PathBuf = env::var_os("DISK").unwrap().into();
    let [path, twin] = ["one", "two"].map(|name| {
        let disk = folder.join(name);
        fs::create_dir(&disk).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "tmpfs"]).arg(&disk);
        assert!(mount.status().unwrap().success(), "{mount:?}");
        disk.join("job.lock")
    });
    let mut crashed = Running::start(&mut holder_of(&path));
    crashed.expect("owner");
    let mut innocent = Running::start(&mut holder_of(&twin));
    innocent.expect("owner");
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&path), inode(&twin));
    crashed.kill();
    let json = with(&unsealed(&fs::read(&path).unwrap()), "progress_ns", 0);
    fs::write(&path, sealed(&json)).unwrap();
    let _inherited = hold(&path).unwrap();
    let newcomer = Running::start(program("batch").env("LOCK", &path)).end();
    let text = newcomer.errors;
    let hands = |id: u32| format!("pid {id} (");
    assert!(text.contains(&hands(std::process::id())), "{text}");
    assert!(!text.contains(&hands(innocent.id())), "{text}");
}

const OWN_PROCESSES: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/// In the `/proc` that the job sees, its number is that of a process with many children. Theirs are the numbers of innocents.
#[test]
fn a_stopped_job_ends_no_stranger_where_proc_shows_other_processes() {
    const OUTSIDE: &str = r#"
        sh -c 'for i in $(seq 80); do sleep 600 & done; echo; wait' | {
            read ready
            exec unshare --pid --fork --kill-child sh -c "$INSIDE" "$@"
        }"#;
    const INSIDE: &str = r#"
        "$0" "$@" &
        job=$!
        for i in $(seq 40); do tail -f "$INNOCENT" & done
        wait $job
        echo; echo @ended
        wait"#;
    if !can_unshare(&OWN_PROCESSES) {
        return;
    }
    let scratch = Scratch::new();
    let innocent = scratch.file("innocent");
    File::create(&innocent).unwrap();
    let mut unshare = Command::new("unshare");
    unshare
        .args(OWN_PROCESSES)
        .args(["sh", "-c", OUTSIDE, "sh"]);
    let mut command = program_under(unshare, "batch");
    command.env("INSIDE", INSIDE).env("INNOCENT", &innocent);
    command
        .env("LOCK", &*scratch)
        .env("BODY", "work")
        .process_group(0);
    let mut job = Running::start(&mut command);
    job.expect("the body runs");
    let innocents = || {
        let name = innocent.to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().map(Result::unwrap);
        let words =
            processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
        words
            .filter(|words| words.starts_with("tail\0") && words.contains(name))
            .count()
    };
    wait_until("the innocents live", || innocents() == 40);
    let record = unsealed(&fs::read(&scratch).unwrap());
    assert!(record.contains("\"process_id\":2,"), "{record}");
    let other = scratch.file("other");
    fs::write(&other, "").unwrap();
    fs::rename(&other, &scratch).unwrap();
    job.expect("ended");
    assert_eq!(innocents(), 40);
}

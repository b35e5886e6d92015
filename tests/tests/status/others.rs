//! Files that are no locks of ours, folders, and what the output promises.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::SystemTime,
};

use livinglock_tests::{Scene, hold};
use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::Value;

use crate::{JOB, json_of, states::working, status, status_of};

#[test]
fn another_tools_record_is_judged_by_its_process() {
    let scene = Scene::new();
    let record = |process_id: u32| {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        format!("{{\"process_id\":{process_id},\"timestamp\":\"{now}\"}}")
    };
    let own = process::id();
    fs::write(scene.lock(), record(own)).unwrap();
    let holder = format!("    holder       pid {own}\n");
    status_of(&scene).is(
        0,
        &[
            "/lock: held by another library's record\n",
            &holder,
            " UTC, ",
        ],
    );
    assert_eq!(json_of(&scene.lock())["condition"], "other_tool");
    // No process has this number.
    fs::write(scene.lock(), record(u32::MAX)).unwrap();
    status_of(&scene).is(1, &["/lock: left behind by another library\n"]);
    assert_eq!(json_of(&scene.lock())["fate"], "foreign");
}

#[test]
fn what_is_no_lock_is_unknown_and_a_damaged_one_is_left() {
    let scene = Scene::new();
    fs::write(scene.lock(), "diary\n").unwrap();
    status_of(&scene).is(4, &["/lock: not a lock file: it has other content\n"]);
    let hands = format!(
        "/lock: held, but its record cannot be read; the lock is in the hands of pid {} (",
        process::id()
    );
    let held = hold(&scene.lock()).expect("nobody has it");
    status_of(&scene).is(4, &[&hands]);
    drop(held);

    fs::write(scene.lock(), "{\"livinglock\":1,\"proc").unwrap();
    status_of(&scene).is(1, &["a run that ended without releasing\n"]);

    let fifo = scene.file("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    status([&fifo]).is(4, &["/fifo is a FIFO, not a lock file;"]);
    let lock = json_of(&fifo);
    assert_eq!(lock["condition"], "unknown");
    assert!(lock["error"].as_str().unwrap().contains("is a FIFO"));
}

#[test]
fn a_folder_stands_for_its_lock_files() {
    let scene = Scene::new();
    let folder = scene.file("locks");
    fs::create_dir(&folder).unwrap();
    status([&folder]).is(3, &["no lock in ", "/locks\n"]);
    fs::write(folder.join("diary"), "dear diary").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(
        folder.join("foreign"),
        "{\"process_id\":1,\"timestamp\":\"2020-01-01T00:00:00Z\"}",
    )
    .unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    mkfifo(&folder.join("fifo"), Mode::S_IRWXU).unwrap();
    status([&folder]).is(3, &["no lock in "]);

    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let job = scene.job(JOB, &["crash"]).set("LOCK", &at("b"));
    assert_eq!(job.spawn().wait().code, None);
    let left = status([&folder]);
    left.is(1, &["/locks/b: left behind"]);
    let job = scene.job(JOB, &["until", "end"]).set("LOCK", &at("a"));
    let holder = job.spawn();
    scene.wait_for_owners(2);
    // The most serious one counts.
    let both = status([&folder]);
    both.is(1, &["/locks/a: held and working\n", "\n\n"]);
    assert!(both.text.find("/locks/a:") < both.text.find("/locks/b:"));
    status([at("a"), at("diary")]).is(4, &["not a lock file"]);
    status([at("a"), at("nothing")]).is(0, &["/locks/nothing: free\n"]);
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
}

#[test]
fn nothing_that_somebody_wrote_steers_the_terminal() {
    let scene = Scene::new();
    let path = scene.file("\u{1b}[2J\u{9b}\u{202e}\n");
    fs::write(&path, "x").unwrap();
    status([&path]).is(4, &["/\\u{1b}[2J\\u{9b}\\u{202e}\\n: not a lock file"]);
    let mut command = process::Command::new(crate::CLI);
    let output = command
        .args(["status", "--json"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.trim_end().chars().all(|it| (' '..='~').contains(&it)),
        "{text:?}"
    );
    let [lock] = &serde_json::from_str::<Vec<Value>>(&text).unwrap()[..] else {
        panic!("one lock in {text}");
    };
    assert_eq!(lock["path"].as_str().map(Path::new), Some(&*path));
}

#[test]
fn what_json_has_is_documented_and_stays() {
    const KEYS: [&str; 25] = [
        "path",
        "condition",
        "exit_status",
        "error",
        "fate",
        "asked",
        "kept_for_ms",
        "process_id",
        "pid_namespace",
        "name",
        "host",
        "acquired",
        "clock",
        "held_ms",
        "checkpoint",
        "silence_ms",
        "silence_is_exact",
        "left_ms",
        "heartbeats",
        "last_heartbeat",
        "stale_ms",
        "grace_ms",
        "fencing_token",
        "descendants",
        "autopsy",
    ];
    const CONDITIONS: [&str; 13] = [
        "free",
        "working",
        "hung",
        "stopped",
        "traced",
        "frozen",
        "inherited",
        "stopping",
        "kept",
        "left",
        "other_tool",
        "unknown",
        "not_a_lock",
    ];
    let scene = Scene::new();
    let _holder = working(&scene);
    for path in [scene.lock(), scene.file("nothing")] {
        let lock = json_of(&path);
        let mut found: Vec<&str> = lock
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut keys = KEYS;
        found.sort_unstable();
        keys.sort_unstable();
        assert_eq!(found, keys);
    }
    let manual = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../livinglock/CLI.md");
    let manual = fs::read_to_string(manual).unwrap();
    for word in KEYS.iter().chain(&CONDITIONS) {
        assert!(
            manual.contains(&format!("| `{word}` |")),
            "no row for {word}"
        );
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let scene = Scene::new();
    let _holder = working(&scene);
    let mut command = process::Command::new(crate::CLI);
    command.arg("status").arg(scene.lock());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

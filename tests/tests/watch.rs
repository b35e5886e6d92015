//! `livinglock watch` in a terminal, where it draws bars, and on a pipe, where it writes a line for each change.

use std::{
    env,
    fs::{self, File},
    io::Write,
    os::fd::OwnedFd,
    path::Path,
    process::{Command, Stdio},
};

use livinglock_tests::{Heard, Running, Scene, Signal, terminal, wait_until};
use nix::sys::termios::tcgetattr;
use serde_json::Value;

const CLI: &str = env!("CARGO_BIN_EXE_cli");
const JOB: &str = env!("CARGO_BIN_EXE_job");

/// Somebody who watches these from a pipe.
fn on_a_pipe(paths: &[&Path]) -> Heard {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(CLI);
    command.arg("watch").args(paths).stdin(Stdio::null());
    command.stdout(writer);
    Heard::start(command, reader)
}

fn working(scene: &Scene) -> Running {
    let holder = scene.job(JOB, &["until", "end"]).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    holder
}

/// A holder that counts to a million.
fn counting(scene: &Scene) -> Running {
    let job = scene.job(JOB, &["work", "1000000", "1"]).heartbeat(20);
    let holder = job.spawn();
    scene.wait_for_record("\"total\":1000000");
    holder
}

/// `; tests/src/bin/job.rs:88 "working"`, of the checkpoint in the record
fn place(scene: &Scene) -> String {
    let record: Value = serde_json::from_slice(&fs::read(scene.lock()).unwrap()).unwrap();
    let checkpoint = &record["checkpoint"];
    let file = checkpoint["file"].as_str().unwrap();
    format!("; {file}:{} {}", checkpoint["line"], checkpoint["message"])
}

#[test]
fn on_a_pipe_every_change_is_a_line_at_once() {
    let scene = Scene::new();
    let lock = scene.lock();
    let mut holder = working(&scene);
    let who = format!("; pid {} (job){}\n", holder.id(), place(&scene));
    let line = |state: &str| format!("{}: {state}{who}", lock.display());
    let mut expected = line("held and working");
    let watcher = on_a_pipe(&[&lock]);
    watcher.wait_until_it_says(&expected);

    holder.signal(Signal::SIGSTOP);
    expected += &line("held, but its process is stopped; continue it or kill it");
    watcher.wait_until_it_says(&expected);

    holder.signal(Signal::SIGCONT);
    expected += &line("held and working");
    watcher.wait_until_it_says(&expected);

    drop(holder.kill());
    expected += &line("left behind by a run that ended without releasing");
    let (status, text) = watcher.end();
    assert_eq!(text, expected);
    assert_eq!(status.code(), Some(1));
}

#[test]
fn progress_is_a_change() {
    let scene = Scene::new();
    let holder = counting(&scene);
    let watcher = on_a_pipe(&[&scene.lock()]);
    wait_until("it tells of progress", || {
        watcher.text().lines().count() > 3
    });
    drop(holder.kill());
    let (status, text) = watcher.end();
    assert_eq!(status.code(), Some(1));
    let done = |line: &str| -> u64 {
        let (_, progress) = line.rsplit_once('(').expect("progress");
        let done = progress.strip_suffix("/1000000)").expect("of a million");
        done.parse().expect("a number")
    };
    let counts: Vec<u64> = text.lines().map(done).collect();
    // The last line tells of the end, and may have no more progress.
    let (last, counts) = counts.split_last().unwrap();
    assert!(
        counts.is_sorted_by(|before, after| before <= after),
        "{text}"
    );
    assert!(counts.last().unwrap() <= last, "{text}");
}

#[test]
fn it_ends_when_the_last_lock_is_released() {
    let scene = Scene::new();
    let folder = scene.file("locks");
    fs::create_dir(&folder).unwrap();
    let [first, second] = ["first", "second"].map(|name| {
        let lock = folder.join(name);
        let job = scene.job(JOB, &["until", &format!("end-{name}")]);
        let job = job.set("LOCK", lock.to_str().unwrap());
        (job.spawn(), lock)
    });
    scene.wait_for_owners(2);
    let mut watcher = on_a_pipe(&[&folder]);
    let says = |lock: &Path, state: &str| format!("{}: {state}", lock.display());
    for (_, lock) in [&first, &second] {
        watcher.wait_until_it_says(&says(lock, "held and working; pid "));
    }
    scene.give("end-first");
    assert_eq!(first.0.wait().code, Some(0));
    watcher.wait_until_it_says(&says(&first.1, "free\n"));
    assert_eq!(watcher.status(), None);
    scene.give("end-second");
    assert_eq!(second.0.wait().code, Some(0));
    let (status, text) = watcher.end();
    assert_eq!(status.code(), Some(3));
    assert!(text.ends_with(&says(&second.1, "free\n")), "{text}");
}

#[test]
fn where_nothing_can_change_it_ends_at_once() {
    let scene = Scene::new();
    let (status, text) = on_a_pipe(&[&scene.lock()]).end();
    assert_eq!(status.code(), Some(3));
    assert_eq!(text, format!("{}: free\n", scene.lock().display()));

    let (status, text) = on_a_pipe(&[scene.folder()]).end();
    assert_eq!(status.code(), Some(3));
    let folder = scene.folder().display();
    assert_eq!(text, format!("no lock in {folder}\n"));

    fs::write(scene.lock(), "diary").unwrap();
    let (status, text) = on_a_pipe(&[&scene.lock()]).end();
    assert_eq!(status.code(), Some(4));
    assert!(text.contains("not a lock file"), "{text}");
}

#[test]
fn it_ends_when_nobody_reads_it() {
    let scene = Scene::new();
    let _holder = working(&scene);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(CLI);
    command.arg("watch").arg(scene.lock()).stdout(writer);
    let (status, _) = Heard::start(command, std::io::empty()).end();
    assert_eq!(status.code(), Some(0));
}

/// Whoever watches in a terminal, with nothing in the environment that speaks of colours but this.
fn in_a_terminal(scene: &Scene, variables: &[(&str, &str)]) -> (Heard, File, OwnedFd) {
    let mut command = Command::new(CLI);
    command.arg("watch").arg(scene.lock());
    command.env("TERM", "xterm-256color");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    start_in_a_terminal(command)
}

fn start_in_a_terminal(mut command: Command) -> (Heard, File, OwnedFd) {
    let (ours, theirs) = terminal();
    command.stdin(theirs.try_clone().unwrap());
    command.stdout(theirs.try_clone().unwrap());
    command.stderr(theirs.try_clone().unwrap());
    let watcher = Heard::start(command, ours.try_clone().unwrap());
    (watcher, ours, theirs)
}

/// The control sequences in what was sent to a terminal, by their last characters.
fn controls(text: &str) -> Vec<char> {
    let rests = text.split("\u{1b}[").skip(1);
    let last = |rest: &str| rest.chars().find(char::is_ascii_alphabetic);
    rests.filter_map(last).collect()
}

#[test]
fn in_a_terminal_a_bar_is_drawn_until_the_end() {
    let scene = Scene::new();
    let holder = counting(&scene);
    let (watcher, _ours, theirs) = in_a_terminal(&scene, &[]);
    let who = format!("lock: held and working; pid {} (job) for ", holder.id());
    for part in [
        &*who,
        "[\u{1b}[36m>--",
        "/1000000  ",
        "/s, about ",
        " left",
        "job.rs:",
    ] {
        watcher.wait_until_it_says(part);
    }
    drop(holder.kill());
    watcher.wait_until_it_says("lock: left behind by a run that ended without releasing");
    // The last words are read before the terminal is closed.
    drop(theirs);
    let (status, text) = watcher.end();
    assert_eq!(status.code(), Some(1));
    assert!(controls(&text).contains(&'m'), "no colour in {text:?}");
    // The cursor is never hidden, and stands below the bars.
    assert!(!text.contains("\u{1b}[?25l"), "{text:?}");
    assert!(text.ends_with('\n'), "{text:?}");
}

#[test]
fn a_job_that_does_not_count_has_a_spinner_while_it_works() {
    let scene = Scene::new();
    let mut holder = working(&scene);
    let (watcher, _ours, theirs) = in_a_terminal(&scene, &[]);
    let place = place(&scene);
    let place = place.trim_start_matches("; ");
    watcher.wait_until_it_says(&format!("  / {place}"));
    holder.signal(Signal::SIGSTOP);
    watcher.wait_until_it_says(&format!("    {place}"));
    assert!(!watcher.text().contains("[\u{1b}[36m"), "a bar");
    holder.signal(Signal::SIGCONT);
    scene.give("end");
    watcher.wait_until_it_says("lock: free");
    drop(theirs);
    assert_eq!(watcher.end().0.code(), Some(3));
}

#[test]
fn with_no_color_nothing_is_coloured() {
    let scene = Scene::new();
    let holder = counting(&scene);
    let (watcher, _ours, theirs) = in_a_terminal(&scene, &[("NO_COLOR", "1")]);
    watcher.wait_until_it_says("[>--");
    drop(holder.kill());
    watcher.wait_until_it_says("left behind");
    drop(theirs);
    let (status, text) = watcher.end();
    assert_eq!(status.code(), Some(1));
    assert!(!controls(&text).contains(&'m'), "{text:?}");
}

#[test]
fn in_a_terminal_that_cannot_move_its_cursor_there_are_lines() {
    let scene = Scene::new();
    let holder = working(&scene);
    let who = format!("; pid {} (job){}", holder.id(), place(&scene));
    let (watcher, _ours, theirs) = in_a_terminal(&scene, &[("TERM", "dumb")]);
    watcher.wait_until_it_says("held and working");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    watcher.wait_until_it_says("free\r\n");
    drop(theirs);
    let (status, text) = watcher.end();
    assert_eq!(status.code(), Some(3));
    let lock = scene.lock();
    let lock = lock.display();
    assert_eq!(
        text,
        format!("{lock}: held and working{who}\r\n{lock}: free\r\n")
    );
}

#[test]
fn control_c_ends_it_and_leaves_the_terminal_in_order() {
    let scene = Scene::new();
    let holder = counting(&scene);
    // Of a terminal whose first process ends, the last words may be lost: the shell stays until they were read.
    let script = r#"trap : INT; "$@"; status=$?; until test -e "$SCENE/read"; do sleep 0.1; done; exit $status"#;
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "sh", "-c", script, "sh", CLI, "watch"]);
    command.arg(scene.lock()).env("SCENE", scene.folder());
    command.env("TERM", "xterm");
    let (watcher, mut ours, theirs) = start_in_a_terminal(command);
    let before = tcgetattr(&theirs).unwrap();
    watcher.wait_until_it_says("/1000000  ");
    ours.write_all(b"\x03").unwrap();
    wait_until("it leaves its bar", || watcher.text().ends_with('\n'));
    assert_eq!(tcgetattr(&theirs).unwrap(), before);
    scene.give("read");
    drop(theirs);
    let (status, text) = watcher.end();
    // What a shell says of a process that SIGINT has ended.
    assert_eq!(status.code(), Some(128 + Signal::SIGINT as i32), "{text:?}");
    assert!(!text.contains("\u{1b}[?25l"), "{text:?}");
    drop(holder.kill());
}

//! `livinglock run`: any program under a lock, and nothing of it outlives that.

mod contention;
mod hangs;
mod statuses;
mod streams;
mod terminal;
mod trees;

use std::{env, fs, process::Command};

use livinglock_tests::{Job, Scene, hold, is_running, wait_until};

const CLI: &str = env!("CARGO_BIN_EXE_cli");
const UNIT: &str = env!("CARGO_BIN_EXE_unit");

/// Times of a run that is to be found hung soon.
const QUICK: [&str; 3] = ["--stale=600ms", "--heartbeat=50ms", "--grace=400ms"];

/// A command that is about to run under the lock of a scene.
fn job(scene: &Scene, options: &[&str], command: &[&str]) -> Job {
    let lock = scene.lock();
    let lock = [lock.to_str().expect("a path in UTF-8"), "--"];
    scene.job(CLI, &[&["run"], options, &lock, command].concat())
}

/// The same with its output captured.
fn command(scene: &Scene, options: &[&str], command: &[&str]) -> Command {
    let mut run = Command::new(CLI);
    run.arg("run").args(options).arg(scene.lock()).arg("--");
    run.args(command).env("SCENE", scene.folder());
    run
}

/// The children of a process.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("list the processes");
    processes
        .flatten()
        .filter_map(|process| {
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
            let is_child = fields.nth(1)?.parse() == Ok(parent);
            is_child.then(|| process.file_name().to_str()?.parse().ok())?
        })
        .collect()
}

/// The keeper of a runner: its only child.
fn keeper(runner: u32) -> u32 {
    let children = children(runner);
    assert_eq!(children.len(), 1, "the children of {runner}: {children:?}");
    children[0]
}

/// Waits until the lock is free, and insists that none of the processes on a list runs then.
fn assert_none_outlives_the_lock(scene: &Scene, list: &str, count: usize) {
    wait_until("the lock is free", || {
        !scene.lock().exists() || hold(&scene.lock()).is_some()
    });
    let processes = scene.lines(list);
    assert_eq!(processes.len(), count, "{processes:?}");
    let running: Vec<_> = processes.iter().filter(|id| is_running(id)).collect();
    assert!(running.is_empty(), "{running:?} outlive the lock");
}

/// Whether a tool is there. Without it a test skips, and says so; but in CI it fails.
fn has(tool: &str, package: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    if !found {
        let words = format!("{tool} is not there: install the Debian package {package}");
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{words}");
        eprintln!("** SKIPPED: {words}");
    }
    found
}

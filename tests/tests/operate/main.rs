//! What operators do with other people's jobs: `livinglock stop` and `livinglock wait`, against real holders.

mod force;
mod others;
mod stop;
mod wait;

use std::{fs, path::PathBuf};

use livinglock_tests::{Ended, Job, Running, Scene, Signal, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

/// The exit statuses of `stop` and `wait`.
const DONE: Option<i32> = Some(0);
const HELD: Option<i32> = Some(1);
const REFUSED: Option<i32> = Some(73);
const TIMEOUT: Option<i32> = Some(124);

/// For longer than a busy machine starves anybody.
const PATIENT: [&str; 3] = ["stop", "--grace", "50s"];

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene.job(JOB, behaviour).grace(300).heartbeat(50)
}

/// A holder that has written what it is at.
fn holder(scene: &Scene, job: Job) -> Running {
    let holder = job.spawn();
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    scene.wait_for_record("\"checkpoint\":");
    holder
}

fn stopped_holder(scene: &Scene, job: Job) -> Running {
    let mut holder = holder(scene, job);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    holder
}

/// The command line, with the lock of the scene as its last argument.
fn start(scene: &Scene, arguments: &[&str]) -> Running {
    let lock = scene.lock();
    let lock = lock.to_str().expect("a path in UTF-8");
    scene.job(CLI, &[arguments, &[lock]].concat()).spawn()
}

fn run(scene: &Scene, arguments: &[&str]) -> Ended {
    start(scene, arguments).wait()
}

/// Waits until an operator waits for the holder: it sleeps, and has the lock file open for writing, as for a request.
fn wait_until_it_watches(scene: &Scene, process: &Running) {
    let folder = PathBuf::from(format!("/proc/{}", process.id()));
    let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap_or_default();
    let may_write = |descriptor: &str| {
        let info = read(&format!("fdinfo/{descriptor}"));
        // `flags:\t02500002`: the last digit is O_RDWR.
        info.lines()
            .any(|line| line.starts_with("flags:") && line.ends_with('2'))
    };
    wait_until("it watches", || {
        let is_open = fs::read_dir(folder.join("fd"))
            .into_iter()
            .flatten()
            .flatten()
            .any(|descriptor| {
                fs::read_link(descriptor.path()).is_ok_and(|path| path == scene.lock())
                    && descriptor.file_name().to_str().is_some_and(may_write)
            });
        is_open && read("stat").contains(") S ")
    });
}

#[track_caller]
fn assert_says(ended: &Ended, texts: &[&str]) {
    for text in texts {
        assert!(ended.stderr.contains(text), "no {text:?} in {ended:?}");
    }
}

/// What the next run learns of the last one, which left its record.
fn fate_of_the_last(scene: &Scene) -> String {
    let next = job(scene, &["work", "1", "1"]).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    scene.lines("predecessors").pop().expect("a predecessor")
}

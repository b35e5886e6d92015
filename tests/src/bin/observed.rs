//! A batch that tells of itself in files, and behaves as its first argument says.

use std::{
    env,
    path::PathBuf,
    process::{self, ExitCode},
    sync::LazyLock,
    thread,
    time::Duration,
};

use livinglock::checkpoint;
use livinglock_tests::{Part, work_for};

static PART: LazyLock<Part> = LazyLock::new(Part::of_this_process);

#[livinglock::batch(
    path = take_part(),
    name = env::var("NAME").unwrap_or_else(|_| "observed".to_owned()),
    stale = PART.time("STALE_MS").unwrap_or(Duration::from_secs(3600)),
    heartbeat = PART.time("HEARTBEAT_MS").unwrap_or(Duration::from_millis(20)),
    warn = "1h",
    wait = PART.time("WAIT_MS").unwrap_or_default(),
    grace = PART.time("GRACE_MS").unwrap_or(Duration::from_secs(10)),
    metrics = file("METRICS", "job.prom"),
    history = file("HISTORY", "runs.jsonl"),
    busy = 42
)]
fn main() -> ExitCode {
    let _stay = PART.begin();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["exit", status] => {
            checkpoint!(done = 1, total = 2, "about to end");
            return ExitCode::from(status.parse::<u8>().expect("an exit status"));
        }
        ["until", file] => {
            let mut units = 0;
            while !PART.has(file) {
                checkpoint!(done = units, total = 1_000_000, "unit {units}");
                work_for(1);
                units += 1;
            }
        }
        ["phases", first, last] => {
            checkpoint!("the first phase");
            phase(first);
            checkpoint!("the last phase");
            phase(last);
        }
        ["panic"] => {
            checkpoint!("before the panic");
            panic!("on purpose");
        }
        ["crash"] => {
            checkpoint!("before the crash");
            process::abort();
        }
        ["hang"] => {
            checkpoint!(done = 3, total = 7, "about to hang");
            loop {
                thread::park();
            }
        }
        _ => panic!("unknown behaviour {arguments:?}"),
    }
    ExitCode::SUCCESS
}

/// Takes so many milliseconds, or until the test gives a file of this name.
fn phase(length: &str) {
    match length.parse() {
        Ok(milliseconds) => work_for(milliseconds),
        Err(_) => PART.wait_for(length),
    }
}

/// Runs before the lock file is opened.
fn take_part() -> PathBuf {
    PART.wait_at_the_gate();
    PART.lock()
}

/// A file that the test has named, or the usual one.
fn file(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| PART.scene().join(name), PathBuf::from)
}

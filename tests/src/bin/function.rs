//! Locks a function instead of `main`, and behaves as its first argument says.

use std::{env, fs, os::unix::fs::MetadataExt, process, time::Duration};

use livinglock::{Lock, checkpoint, try_checkpoint};
use livinglock_tests::Part;

fn main() {
    let part = Part::of_this_process();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    part.wait_at_the_gate();
    match arguments[..] {
        ["own", times] => own(&part, times.parse().expect("a number of times")),
        ["late", file] => late(&part, file),
        ["calls"] => calls(&part),
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// Tries until the lock was its own so many times.
fn own(part: &Part, times: u64) {
    let mut owned = 0;
    let mut tries: u64 = 0;
    while owned < times {
        owned += u64::from(work(part));
        tries += 1;
    }
    part.note("tries", &tries.to_string());
}

/// One unit of work, if the lock is free.
#[livinglock::batch(path = part.lock(), stale = "1h", quiet, on_busy = false)]
fn work(part: &Part) -> bool {
    let _stay = part.begin();
    for unit in 0..3_u64 {
        checkpoint!(done = unit, total = 3, "{}", part.scene().display());
    }
    true
}

/// Hangs until the test gives a file, and then tries to go on.
#[livinglock::batch(
    path = part.lock(),
    stale = Duration::from_millis(400),
    heartbeat = Duration::from_millis(80),
    warn = Duration::from_millis(480),
    grace = Duration::from_millis(200)
)]
fn late(part: &Part, file: &str) {
    checkpoint!("about to hang");
    part.wait_for(file);
    for _ in 0..1000 {
        let list = match try_checkpoint!("late") {
            Ok(()) => "passed",
            Err(_) => "stopped",
        };
        part.note(list, "");
    }
}

/// Proves its work by calls until it is stopped, and counts those that were late: begun when the path led to somebody else's file.
fn calls(part: &Part) {
    let lock = Lock::options()
        .stale(part.time("STALE_MS").expect("STALE_MS"))
        .heartbeat(part.time("HEARTBEAT_MS").expect("HEARTBEAT_MS"))
        .grace(part.time("GRACE_MS").expect("GRACE_MS"))
        .acquire(part.lock())
        .expect("the lock is free");
    let inode = || fs::metadata(part.lock()).map(|found| found.ino()).ok();
    let own = inode();
    let (mut passed, mut late) = (0, 0);
    loop {
        let is_ours = inode() == own;
        match lock.heartbeat() {
            Ok(()) if is_ours => passed += 1,
            Ok(()) => late += 1,
            Err(_) => break,
        }
    }
    part.note("tireless", &format!("{passed} {late}"));
    process::exit(75);
}

//! A batch whose lock is in a store, and which behaves as its first argument says.

use std::{env, hint, process, sync::LazyLock, thread, time::Duration};

use livinglock::{Stop, checkpoint, try_checkpoint};
use livinglock_tests::{Part, work_for};

static PART: LazyLock<Part> = LazyLock::new(Part::of_this_process);

#[livinglock::batch(
    store = take_part(),
    name = "leased",
    stale = time("STALE_MS", 3000),
    heartbeat = time("HEARTBEAT_MS", 300),
    warn = time("WARN_MS", 600_000),
    grace = time("GRACE_MS", 300),
    margin = time("MARGIN_MS", 700),
    wait = time("WAIT_MS", 0),
    at_most = time("AT_MOST_MS", 3_600_000),
    at_least = time("AT_LEAST_MS", 0),
    replace = env::var_os("REPLACE").is_some(),
    graceful = env::var_os("GRACEFUL").is_some(),
    busy = 42
)]
fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A process that stands still cannot let go of the marker: what it does afterwards is counted in another way.
    let _stay = env::var_os("UNSEEN").is_none().then(|| PART.begin());
    if let Some(before) = livinglock::predecessor() {
        let record = before.record().expect("stores keep whole records");
        let place = record.checkpoint.as_ref();
        let message = place.and_then(|place| place.message.clone());
        PART.note(
            "predecessors",
            &format!("{:?} {}", before.fate(), message.unwrap_or_default()),
        );
    }
    let token = livinglock::fencing_token().expect("the lock is held");
    PART.note("tokens", &token.to_string());
    match arguments[..] {
        ["work", units, milliseconds] => work(number(units), number(milliseconds)),
        ["until", file] => work_until(file),
        ["sleep"] => {
            checkpoint!(done = 3, total = 7, "about to hang");
            loop {
                thread::park();
            }
        }
        ["spin"] => {
            checkpoint!("about to spin");
            loop {
                hint::spin_loop();
            }
        }
        ["late", file] => {
            checkpoint!("about to hang");
            PART.wait_for(file);
            checkpoint!("late");
            work_until("end");
        }
        ["parent", program] => {
            // It heeds no SIGTERM.
            let mut child = process::Command::new("sh")
                .args(["-c", r#"trap '' TERM; exec "$0" sleep"#, program])
                .spawn()
                .expect("start a child");
            work_until("never");
            child.wait().expect("the end of the child");
        }
        ["tireless"] => tireless(),
        ["write"] => write(token),
        ["crash"] => {
            checkpoint!("before the crash");
            process::abort();
        }
        ["panic"] => {
            checkpoint!("before the panic");
            panic!("on purpose");
        }
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// Runs before the store is asked.
fn take_part() -> String {
    PART.wait_at_the_gate();
    env::var("STORE").expect("STORE: the URL of the lock")
}

fn time(name: &str, default: u64) -> Duration {
    PART.time(name).unwrap_or(Duration::from_millis(default))
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn work(units: u64, milliseconds: u64) {
    for unit in 0..units {
        checkpoint!(done = unit, total = units, "unit {unit}");
        work_for(milliseconds);
    }
}

fn work_until(file: &str) {
    while !PART.has(file) {
        checkpoint!("working");
        work_for(1);
    }
}

/// Passes checkpoints until it is stopped, and says how many, and why it was stopped.
fn tireless() {
    let mut passed: u64 = 0;
    let stop: Stop = loop {
        match try_checkpoint!("this").and_then(|()| try_checkpoint!("that")) {
            Ok(()) => passed += 1,
            Err(stop) => break stop,
        }
    };
    PART.note("tireless", &format!("{passed} {stop:?}"));
}

/// Units of work that each write to a table which checks the token. Between the look and the writing a process may be stopped.
fn write(token: u64) {
    let table = livinglock_tests::Table::open(&env::var("TABLE").expect("TABLE: its URL"));
    while !PART.has("end") {
        checkpoint!("writing");
        if PART.has("freeze") && !PART.has("frozen") {
            PART.note("frozen", "");
            PART.stop();
        }
        let list = if table.write(token) {
            "written"
        } else {
            "refused"
        };
        PART.note(list, &token.to_string());
        work_for(1);
    }
}

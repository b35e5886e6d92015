//! A batch that behaves as its first argument says: well, badly, or not at all.

use std::{
    env,
    fs::OpenOptions,
    hint,
    io::Read,
    path::PathBuf,
    process::{self, Command},
    sync::{
        Barrier, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use livinglock::{OnStale, checkpoint, try_checkpoint};
use livinglock_tests::{Part, Witness};
use nix::{sys::stat::Mode, unistd::mkfifo};

static PART: LazyLock<Part> = LazyLock::new(Part::of_this_process);
static WITNESS: Mutex<Option<Witness>> = Mutex::new(None);

#[livinglock::batch(
    path = take_part(),
    name = "job",
    stale = stale(),
    heartbeat = PART.time("HEARTBEAT_MS").unwrap_or(stale() / 10),
    warn = PART.time("WARN_MS").unwrap_or(stale() / 2),
    grace = PART.time("GRACE_MS").unwrap_or(Duration::from_secs(10)),
    wait = PART.time("WAIT_MS").unwrap_or_default(),
    on_stale = on_stale(),
    busy = 42
)]
fn main() {
    let witness = WITNESS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let _stay = witness.map(Witness::enter);
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["work", units, milliseconds] => work(number(units), milliseconds),
        ["until", file] => work_until(file),
        ["slow", milliseconds] => slow(milliseconds),
        ["late", file] => late(file),
        ["stop"] => {
            checkpoint!("about to stop");
            PART.stop();
        }
        ["sleep"] => sleep(),
        ["spin"] => spin(),
        ["deadlock"] => deadlock(),
        ["fifo"] => read_from_fifo(),
        ["children"] => start_children(),
        ["panic"] => {
            checkpoint!("before the panic");
            panic!("on purpose");
        }
        ["crash"] => {
            checkpoint!("before the crash");
            process::abort();
        }
        ["throng", more] => throng(number(more)),
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// Runs before the lock file is opened.
fn take_part() -> PathBuf {
    *WITNESS.lock().unwrap_or_else(PoisonError::into_inner) = Some(PART.witness());
    PART.wait_at_the_gate();
    PART.stop_if_told();
    PART.lock()
}

fn stale() -> Duration {
    PART.time("STALE_MS").unwrap_or(Duration::from_secs(3600))
}

fn on_stale() -> OnStale {
    match env::var("ON_STALE").as_deref() {
        Ok("report") => OnStale::Report,
        Ok("fence") => OnStale::Fence,
        _ => OnStale::Terminate,
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn pause(milliseconds: &str) {
    thread::sleep(Duration::from_millis(number(milliseconds)));
}

fn work(units: u64, milliseconds: &str) {
    for unit in 0..units {
        checkpoint!(done = unit, total = units, "unit {unit}");
        pause(milliseconds);
    }
}

fn work_until(file: &str) {
    while !PART.has(file) {
        checkpoint!("working");
        pause("1");
    }
}

/// Takes its time between two checkpoints, then works on for a while.
fn slow(milliseconds: &str) {
    checkpoint!("slow from here");
    pause(milliseconds);
    checkpoint!("but it works");
    PART.note("passed", &process::id().to_string());
    work(20, "1");
}

/// Hangs until the test gives a file.
fn late(file: &str) {
    about_to_hang();
    PART.wait_for(file);
    checkpoint!("late");
    PART.note("passed", &process::id().to_string());
    work_until("end");
}

fn about_to_hang() {
    PART.note("last", &format!("{}:{}", file!(), line!() + 1));
    checkpoint!(done = 3, total = 7, "about to hang");
}

fn sleep() {
    about_to_hang();
    loop {
        thread::park();
    }
}

fn spin() {
    about_to_hang();
    loop {
        hint::spin_loop();
    }
}

/// Two threads each wait for the other's mutex, and `main` for both.
fn deadlock() {
    let (left, right) = (Mutex::new(()), Mutex::new(()));
    let both_hold_one = Barrier::new(2);
    let clerk = |first: &Mutex<()>, second: &Mutex<()>| {
        about_to_hang();
        let _first = first.lock().expect("nobody panics");
        both_hold_one.wait();
        let _second = second.lock().expect("nobody panics");
    };
    thread::scope(|scope| {
        for (name, first, second) in [("clerk-1", &left, &right), ("clerk-2", &right, &left)] {
            thread::Builder::new()
                .name(name.to_owned())
                .spawn_scoped(scope, move || clerk(first, second))
                .expect("start a thread");
        }
    });
}

fn read_from_fifo() {
    let path = PART.scene().join(format!("fifo-{}", process::id()));
    mkfifo(&path, Mode::S_IRWXU).expect("make a FIFO");
    // Open for writing too, so that it is the reading that blocks.
    let mut fifo = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .expect("open the FIFO");
    about_to_hang();
    let _ = fifo.read(&mut [0]);
}

/// Hangs together with a child and a grandchild, of which one does not mind SIGTERM.
fn start_children() {
    let children = PART.scene().join("children");
    let script = format!(
        "trap '' TERM; sleep 600 & echo $! >> {0}; echo $$ >> {0}; wait; wait",
        children.display()
    );
    about_to_hang();
    let _ = Command::new("sh").args(["-c", &script]).status();
}

/// Many threads pass checkpoints until they are stopped, and then each tries to pass `more`.
///
/// A thread that is stopped says so to the others: a checkpoint that one of them begins after that and passes is late.
fn throng(more: u64) {
    const THREADS: u64 = 4;
    let stopped = AtomicBool::new(false);
    let late = AtomicU64::new(0);
    let passed = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut tried = 0;
                while tried < more {
                    let after_the_stop = stopped.load(Ordering::SeqCst);
                    // Two sites in turn, so that each pass takes a look at the gate.
                    let stop = try_checkpoint!("this").and_then(|()| try_checkpoint!("that"));
                    tried += u64::from(after_the_stop);
                    match stop {
                        Ok(()) if after_the_stop => late.fetch_add(1, Ordering::Relaxed),
                        Ok(()) => passed.fetch_add(1, Ordering::Relaxed),
                        Err(_) => {
                            stopped.store(true, Ordering::SeqCst);
                            continue;
                        }
                    };
                }
            });
        }
    });
    let (passed, late) = (passed.into_inner(), late.into_inner());
    PART.note("throng", &format!("{passed} {} {late}", THREADS * more));
}

//! A batch that behaves as its first argument says: well, badly, or not at all.

use std::{
    env,
    fmt::Write,
    fs::{self, OpenOptions},
    hint,
    io::Read,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{self, Command},
    sync::{
        Barrier, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use livinglock::{OnStale, Predecessor, Stop, checkpoint, try_checkpoint};
use livinglock_tests::{Part, work_for};
use nix::{
    sys::{
        signal::{SigSet, Signal},
        stat::Mode,
    },
    unistd::mkfifo,
};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

static PART: LazyLock<Part> = LazyLock::new(Part::of_this_process);

#[livinglock::batch(
    path = take_part(),
    name = "job",
    stale = stale(),
    heartbeat = PART.time("HEARTBEAT_MS").unwrap_or(stale() / 10),
    warn = PART.time("WARN_MS").unwrap_or(stale() / 2),
    grace = PART.time("GRACE_MS").unwrap_or(Duration::from_secs(10)),
    wait = PART.time("WAIT_MS").unwrap_or_default(),
    on_stale = on_stale(),
    at_most = PART.time("AT_MOST_MS").unwrap_or(Duration::from_secs(3600)),
    at_least = PART.time("AT_LEAST_MS").unwrap_or_default(),
    replace = env::var_os("REPLACE").is_some(),
    graceful = env::var_os("GRACEFUL").is_some(),
    progress = env::var_os("PROGRESS").is_some(),
    ping = env::var("PING_URL").unwrap_or_default(),
    busy = 42
)]
fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A process that is stopped cannot let go of the marker: what it does afterwards is counted in another way.
    let _stay = (arguments[0] != "tireless").then(|| PART.begin());
    if let Some(before) = livinglock::predecessor() {
        note_predecessor(&before);
    }
    match arguments[..] {
        ["work", units, milliseconds] => work(number(units), milliseconds),
        ["paced", units, milliseconds] => paced(number(units), number(milliseconds)),
        ["awaited", units] => awaited(number(units)),
        ["print", units] => print(number(units)),
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
        ["tireless", threads] => tireless(number(threads)),
        ["slow-units"] => slow_units(),
        ["deaf"] => deaf(),
        ["polite"] => polite(),
        ["nested"] => nested(),
        ["pool"] => pool(),
        ["tasks"] => tasks(),
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// Runs before the lock file is opened.
fn take_part() -> PathBuf {
    if env::var_os("DEAF_TO_SIGCONT").is_some() {
        // It is continued all the same; but like a freezer's, its waking has no signal.
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCONT);
        signals.thread_block().expect("block a signal");
    }
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
    work_for(number(milliseconds));
}

fn work(units: u64, milliseconds: &str) {
    for unit in 0..units {
        checkpoint!(done = unit, total = units, "unit {unit}");
        pause(milliseconds);
    }
}

/// So many units of one length, and then one that does not end. Each is one sleep: the sum of many short ones grows on a busy machine.
fn paced(units: u64, milliseconds: u64) {
    for unit in 0..=units {
        checkpoint!(done = unit, total = units, "unit {unit}");
        if unit == units {
            PART.wait_for("end");
        }
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// So many units, each of which takes until the test gives its file.
fn awaited(units: u64) {
    for unit in 1..=units {
        checkpoint!("unit {unit}");
        PART.wait_for(&format!("unit-{unit}"));
    }
}

/// Prints between the checkpoints: while the bar is away, and on the other stream.
fn print(units: u64) {
    for unit in 0..units {
        checkpoint!(done = unit, total = units, "unit {unit}");
        livinglock::suspend_progress(|| println!("printed {unit}"));
        pause("50");
    }
    checkpoint!(done = units, total = units, "all");
    PART.wait_for("end");
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

/// Passes checkpoints until it is stopped, and counts those that are late: begun when the path led to somebody else's file.
fn tireless(threads: u64) {
    let inode = || fs::metadata(PART.lock()).map(|found| found.ino()).ok();
    let own = inode();
    let late = AtomicU64::new(0);
    let passed = AtomicU64::new(0);
    let work = || loop {
        let is_ours = inode() == own;
        match try_checkpoint!("this").and_then(|()| try_checkpoint!("that")) {
            Ok(()) if is_ours => passed.fetch_add(1, Ordering::Relaxed),
            Ok(()) => late.fetch_add(1, Ordering::Relaxed),
            Err(_) => break,
        };
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let (passed, late) = (passed.into_inner(), late.into_inner());
    PART.note("tireless", &format!("{passed} {late}"));
}

/// Units of a length that a stop may well fall into, but shorter than `grace`.
fn slow_units() {
    loop {
        checkpoint!("slow unit");
        pause("100");
    }
}

/// Passes checkpoints, but does not mind what they say.
fn deaf() {
    loop {
        let _ = try_checkpoint!("deaf");
        pause("1");
    }
}

/// Looks whether it should stop, and finishes what it is at.
fn polite() {
    let mut units = 0;
    while livinglock::stop_requested().is_none() {
        checkpoint!(done = units, total = 1000);
        pause("1");
        units += 1;
    }
    PART.note("finished", &units.to_string());
}

/// A locked function within the locked `main`.
#[livinglock::batch(
    path = PART.scene().join("inner"),
    stale = "10s",
    heartbeat = Duration::from_millis(50)
)]
fn nested() {
    loop {
        checkpoint!("nested");
        pause("1");
    }
}

/// The threads of a pool, which hand a panic over to whoever waits for them.
fn pool() {
    (0..u64::MAX).into_par_iter().for_each(|unit| {
        checkpoint!("unit {unit}");
    });
}

/// Tasks of an asynchronous runtime, each of which returns why it was stopped.
fn tasks() {
    async fn task() -> Stop {
        loop {
            if let Err(stop) = try_checkpoint!("task") {
                return stop;
            }
            tokio::task::yield_now().await;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        for task in [(); 3].map(|()| tokio::spawn(task())) {
            let stop = task.await.expect("the task has returned");
            PART.note("tasks", &stop.to_string());
        }
    });
}

/// Writes down whose lock we took over.
fn note_predecessor(before: &Predecessor) {
    let mut line = format!("{:?}", before.fate());
    if let Some(checkpoint) = before
        .record()
        .and_then(|record| record.checkpoint.as_ref())
    {
        let message = checkpoint.message.as_deref().unwrap_or_default();
        let _ = write!(
            line,
            " {message} {:?}/{:?}",
            checkpoint.done, checkpoint.total
        );
    }
    if let Some(autopsy) = before.record().and_then(|record| record.autopsy.as_ref()) {
        let sites = autopsy
            .threads
            .iter()
            .filter(|thread| thread.checkpoint.is_some());
        let _ = write!(
            line,
            "; {} threads, {} at checkpoints, {} descendants, silent for {} ms",
            autopsy.thread_count,
            sites.count(),
            autopsy.descendant_count,
            autopsy.silence_ms
        );
    }
    PART.note("predecessors", &line);
}

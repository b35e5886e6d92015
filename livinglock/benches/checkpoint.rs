//! What a checkpoint costs in a loop, beside the loop without it and beside what else one would put there; in every place that it
//! can be in, and what it costs to get there.

use std::{
    cell::Cell,
    hint::black_box,
    ptr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget};
use livinglock::checkpoint;
use livinglock_benches::{
    CALLS, Loop, PLACES, POLLS, Place, Stay, Subject, Table, Work, print_host, timed,
};

/// Copies of a loop that differ in a constant, which keeps the linker from merging them, and therefore in their addresses.
macro_rules! copies {
    ($loop:ident) => {
        [$loop::<0>, $loop::<1>, $loop::<2>, $loop::<3>]
    };
}

/// Defines an empty loop around statements, in copies.
macro_rules! empty_loops {
    ($($(#[$doc:meta])* fn $name:ident($pass:ident, $passes:ident) $body:block)*) => {$(
        $(#[$doc])*
        #[inline(never)]
        fn $name<const COPY: u8>($passes: u64) {
            black_box(COPY);
            for $pass in 0..$passes {
                black_box(());
                $body
            }
        }
    )*};
}

thread_local! {
    /// What the yardstick loads: null, as a word is on a thread whose progress was just seen.
    static WORD: AtomicPtr<u8> = const { AtomicPtr::new(ptr::null_mut()) };
    static COUNTER: Cell<u64> = const { Cell::new(0) };
}

static SHARED: AtomicU64 = AtomicU64::new(0);

/// What a branch that is never taken leads to. It shows the word around, or the compiler would know that it stays null.
#[cold]
#[inline(never)]
fn never() {
    WORD.with(|word| {
        black_box(word);
    });
}

empty_loops! {
    fn bare(_pass, passes) {}

    /// The yardstick: the least that can notice anything at all.
    fn load_and_branch(_pass, passes) {
        if !WORD.with(|word| word.load(Relaxed)).is_null() {
            never();
        }
    }

    fn plain(_pass, passes) {
        checkpoint!();
    }

    fn with_message(pass, passes) {
        checkpoint!("pass {pass}");
    }

    fn with_progress(pass, passes) {
        checkpoint!(done = pass, total = passes);
    }

    fn with_both(pass, passes) {
        checkpoint!(done = pass, total = passes, "pass {pass}");
    }

    fn four_sites(_pass, passes) {
        checkpoint!();
        checkpoint!();
        checkpoint!();
        checkpoint!();
    }

    fn own_counter(_pass, passes) {
        COUNTER.with(|counter| counter.set(counter.get().wrapping_add(1)));
    }

    fn fetch_add(_pass, passes) {
        SHARED.fetch_add(1, Relaxed);
    }

    fn log_trace(pass, passes) {
        log::trace!("pass {pass}");
    }

    fn tracing_trace(pass, passes) {
        tracing::trace!(pass);
    }

    fn metrics_counter(_pass, passes) {
        metrics::counter!("passes").increment(1);
    }

    fn instant_now(_pass, passes) {
        black_box(Instant::now());
    }
}

fn empty_loop(lock: &str) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    Table::new(format!("a pass of an empty loop, one thread, {lock}"))
        .beside("load and branch")
        .row(Subject::new("bare loop").copies(copies!(bare)))
        .row(Subject::new("load and branch").copies(copies!(load_and_branch)))
        .row(
            Subject::new("`checkpoint!()`")
                .copies(copies!(plain))
                .within(1.15, "load and branch"),
        )
        .row(Subject::new("with message").copies(copies!(with_message)))
        .row(Subject::new("with progress").copies(copies!(with_progress)))
        .row(Subject::new("with both").copies(copies!(with_both)))
        .row(
            Subject::new("four sites in turn")
                .copies(copies!(four_sites))
                .net(0.5, 4, "bare loop"),
        )
        .row(Subject::new("`log::trace!`, disabled").copies(copies!(log_trace)))
        .row(Subject::new("`tracing::trace!`, disabled").copies(copies!(tracing_trace)))
        .row(Subject::new("thread's own counter").copies(copies!(own_counter)))
        .row(Subject::new("`fetch_add`").copies(copies!(fetch_add)))
        .row(Subject::new("`metrics::counter!`, no recorder").copies(copies!(metrics_counter)))
        .row(Subject::new("`Instant::now`").copies(copies!(instant_now)))
        .row(
            Subject::new("`indicatif` inc, hidden").copy(timed(|passes| {
                for _ in 0..passes {
                    bar.inc(1);
                }
            })),
        )
        .run();
}

/// Defines a loop that does something eight times a turn.
///
/// An empty loop cannot go round faster than once a cycle, and what fits into that cycle seems to cost nothing; eight to a
/// turn do not fit. It is one site all the same: one function, inlined eight times. No goal is set here: nobody writes this.
macro_rules! eightfold_loops {
    ($(fn $name:ident() $body:block)*) => {$(
        #[inline(never)]
        fn $name<const COPY: u8>(passes: u64) {
            #[inline(always)]
            fn once() {
                black_box(());
                $body
            }
            black_box(COPY);
            for _ in 0..passes {
                once();
                once();
                once();
                once();
                once();
                once();
                once();
                once();
            }
        }
    )*};
}

eightfold_loops! {
    fn eight_bare() {}
    fn eight_loads() {
        if !WORD.with(|word| word.load(Relaxed)).is_null() {
            never();
        }
    }
    fn eight_checkpoints() {
        checkpoint!();
    }
    fn eight_logs() {
        log::trace!("pass");
    }
    fn eight_traces() {
        tracing::trace!("pass");
    }
}

fn eightfold(lock: &str) {
    Table::new(format!(
        "eight passes to a turn of an empty loop, one thread, {lock}"
    ))
    .beside("load and branch")
    .row(Subject::new("bare loop").copies(copies!(eight_bare)))
    .row(Subject::new("load and branch").copies(copies!(eight_loads)))
    .row(Subject::new("`checkpoint!()`").copies(copies!(eight_checkpoints)))
    .row(Subject::new("`log::trace!`, disabled").copies(copies!(eight_logs)))
    .row(Subject::new("`tracing::trace!`, disabled").copies(copies!(eight_traces)))
    .run();
}

/// Sums the amounts of the paid orders: what a small batch does with each line of its input.
macro_rules! csv_loops {
    ($(fn $name:ident($line:ident) $body:block)*) => {$(
        #[inline(never)]
        fn $name<const COPY: u8>(text: &str) -> u64 {
            black_box(COPY);
            let mut cents = 0;
            for $line in text.lines() {
                $body
                let mut fields = $line.split(',');
                let (Some(_id), Some(_customer), Some(amount), Some(state)) =
                    (fields.next(), fields.next(), fields.next(), fields.next())
                else {
                    continue;
                };
                if state == "paid" {
                    cents += amount.parse::<u64>().unwrap_or(0);
                }
            }
            cents
        }
    )*};
}

csv_loops! {
    fn bare_csv(line) {}
    fn plain_csv(line) {
        checkpoint!();
    }
    fn message_csv(line) {
        checkpoint!("line {line}");
    }
}

fn csv_loop(lock: &str) {
    let lines: Vec<_> = (0..1000_u64)
        .map(|id| {
            let state = if id % 3 == 0 { "open" } else { "paid" };
            format!(
                "{id},customer {},{},{state}\n",
                id * 7919 % 97,
                id * 104_729 % 100_000
            )
        })
        .collect();
    let text = lines.concat();
    let over_text = |parse: fn(&str) -> u64| {
        let text = text.as_str();
        timed(move |passes| {
            for _ in 0..passes {
                black_box(parse(black_box(text)));
            }
        })
    };
    let subject = |name, parsers: [fn(&str) -> u64; 4]| {
        parsers
            .into_iter()
            .fold(Subject::new(name), |subject, parse| {
                subject.copy(over_text(parse))
            })
    };
    Table::new(format!("1000 lines of CSV, {lock}"))
        // Long enough for the branch predictor to have learnt the text again.
        .sample(Duration::from_millis(1))
        .row(subject("bare loop", copies!(bare_csv)))
        .row(subject("`checkpoint!()` each line", copies!(plain_csv)).within(1.05, "bare loop"))
        .row(subject("with message each line", copies!(message_csv)))
        .run();
}

/// Defines a loop in which each pass depends on the one before it, so that nothing of it can be vectorised or skipped.
macro_rules! hash_loops {
    ($(fn $name:ident() $body:block)*) => {$(
        #[inline(never)]
        fn $name<const COPY: u8>(passes: u64) -> u64 {
            let mut hash = u64::from(black_box(COPY));
            for pass in 0..passes {
                hash = (hash ^ pass).wrapping_mul(0x0000_0100_0000_01b3);
                $body
            }
            hash
        }
    )*};
}

hash_loops! {
    fn bare_hash() {}
    fn plain_hash() {
        checkpoint!();
    }
    fn fetch_add_hash() {
        SHARED.fetch_add(1, Relaxed);
    }
}

/// Runs a loop on several threads that start together; the time is the slowest thread's.
fn together(threads: usize, body: fn(u64) -> u64) -> impl FnMut(u64) -> Duration {
    move |passes| {
        let barrier = Arc::new(Barrier::new(threads));
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || {
                    barrier.wait();
                    timed(body)(passes)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("the loops do not panic"))
            .max()
            .unwrap_or_default()
    }
}

fn hash_loop(threads: usize, words: &str, lock: &str) {
    let subject = |name, loops: [fn(u64) -> u64; 4]| {
        loops.into_iter().fold(Subject::new(name), |subject, body| {
            subject.copy(together(threads, body))
        })
    };
    Table::new(format!("a pass of a hash loop, {words}, one site, {lock}"))
        // Long beside what it takes to start the threads together.
        .sample(Duration::from_millis(1))
        .row(subject("bare loop", copies!(bare_hash)))
        .row(subject("`checkpoint!()`", copies!(plain_hash)).within(1.05, "bare loop"))
        .row(subject("`fetch_add`", copies!(fetch_add_hash)))
        .run();
}

fn all(lock: &str) {
    empty_loop(lock);
    eightfold(lock);
    csv_loop(lock);
    hash_loop(1, "one thread", lock);
    hash_loop(2, "two threads", lock);
    hash_loop(4, "four threads", lock);
}

/// Where the other tables have it.
const CORE: &str = "below the locked `main`";

/// The core case, and the same loops in all other places.
fn places(title: &str, yardstick: [Loop; 4], loops: [Loop; 4]) {
    let table = Table::new(format!("{title}, `checkpoint!()` in other places"))
        // Long beside a thread that starts.
        .sample(Duration::from_millis(1))
        .row(Subject::new("load and branch").copies(yardstick))
        .row(Subject::new(CORE).copies(loops));
    let row = |place: Place| {
        let subject = Subject::new(place.name).within(1.05, CORE);
        loops.into_iter().fold(subject, |subject, body| {
            subject.copy(move |passes| (place.run)(body, passes).expect(OURS))
        })
    };
    PLACES.map(row).into_iter().fold(table, Table::row).run();
}

/// Why a lock of this process is to be had.
const OURS: &str = "nobody else knows its path";

fn there_and_back<const N: usize>(what: &str, stays: [Stay; N]) {
    let works = [
        ("nothing in it", nothing as Work),
        ("one checkpoint in it", one_checkpoint),
    ];
    for (title, work) in works {
        let row = |stay: Stay| {
            Subject::new(stay.name).copy(move |times| (stay.run)(times, work).expect(OURS))
        };
        let table = Table::new(format!("{what}, {title}")).sample(Duration::from_millis(1));
        stays.map(row).into_iter().fold(table, Table::row).run();
    }
}

fn nothing() {
    black_box(());
}

fn one_checkpoint() {
    checkpoint!();
}

fn elsewhere() {
    places(
        "a pass of an empty loop",
        copies!(load_and_branch),
        copies!(plain),
    );
    places(
        "eight passes to a turn of an empty loop",
        copies!(eight_loads),
        copies!(eight_checkpoints),
    );
    there_and_back("one call", CALLS);
    there_and_back("one poll of a future", POLLS);
}

/// The same loops under a lock; a `main` in a module, so that one run measures both.
mod held {
    #[livinglock::batch(path = std::env::temp_dir().join(format!("livinglock-bench-{}.lock", std::process::id())), stale = "1h")]
    pub(super) fn main() {
        super::all("lock held");
        super::elsewhere();
    }
}

fn main() -> std::process::ExitCode {
    print_host();
    all("no lock held");
    held::main()
}

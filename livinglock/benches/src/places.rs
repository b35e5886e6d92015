//! The places that a checkpoint can be in below a locked `main`: in locked functions, on threads and in tasks that work for one.

use std::{
    env,
    path::PathBuf,
    process,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use livinglock::{Error, Lock};
use tokio::runtime::Builder;

use crate::timed;

/// A number of passes. The code of a loop is the same in every place, and so are its addresses.
pub type Loop = fn(u64);

/// Somewhere to run a loop in; the time is the loop's alone.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// For a table.
    pub name: &'static str,
    /// For an argument.
    pub slug: &'static str,
    /// How many loops run at once.
    pub loops: u32,
    /// Runs a number of passes there.
    pub run: fn(Loop, u64) -> Result<Duration, Error>,
}

/// All of them.
pub const PLACES: [Place; 7] = [
    Place::new("the same, eight locks more", "others", with_others),
    Place::new("in a locked function", "function", in_a_function),
    Place::new("in one within another", "within", in_one_within_another),
    Place::new("on a thread that it starts", "thread", on_a_thread_of_it),
    Place::new("in a task, runtime of one thread", "task", in_a_task_here),
    Place::new(
        "in a task, runtime of two threads",
        "worker",
        in_a_task_of_workers,
    ),
    Place {
        loops: 2,
        ..Place::new("in two locked functions at once", "both", in_both)
    },
];

impl Place {
    const fn new(
        name: &'static str,
        slug: &'static str,
        run: fn(Loop, u64) -> Result<Duration, Error>,
    ) -> Self {
        Self {
            name,
            slug,
            loops: 1,
            run,
        }
    }
}

/// A lock of this process.
pub(crate) fn lock(name: &str) -> PathBuf {
    env::temp_dir().join(format!("livinglock-bench-{name}-{}.lock", process::id()))
}

fn time(body: Loop, passes: u64) -> Duration {
    timed(body)(passes)
}

fn with_others(body: Loop, passes: u64) -> Result<Duration, Error> {
    let _others = (0..8)
        .map(|number| Lock::acquire(lock(&format!("other-{number}"))))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(time(body, passes))
}

#[livinglock::batch(path = lock("function"), stale = "1h")]
fn in_a_function(body: Loop, passes: u64) -> Result<Duration, Error> {
    Ok(time(body, passes))
}

#[livinglock::batch(path = lock("outer"), stale = "1h")]
fn in_one_within_another(body: Loop, passes: u64) -> Result<Duration, Error> {
    in_a_function(body, passes)
}

#[livinglock::batch(path = lock("thread"), stale = "1h")]
fn on_a_thread_of_it(body: Loop, passes: u64) -> Result<Duration, Error> {
    let scope = livinglock::scope();
    let thread = thread::spawn(move || scope.run(|| time(body, passes)));
    Ok(thread.join().expect("the loops do not panic"))
}

#[livinglock::batch(path = lock("task"), stale = "1h")]
async fn in_a_task(body: Loop, passes: u64) -> Result<Duration, Error> {
    // Somebody else has had the thread in between.
    tokio::task::yield_now().await;
    Ok(time(body, passes))
}

fn in_a_task_here(body: Loop, passes: u64) -> Result<Duration, Error> {
    let runtime = Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime of one thread can be built");
    runtime.block_on(in_a_task(body, passes))
}

fn in_a_task_of_workers(body: Loop, passes: u64) -> Result<Duration, Error> {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    let runtime = runtime.expect("two threads can be started");
    let task = runtime.spawn(in_a_task(body, passes));
    runtime.block_on(task).expect("the loops do not panic")
}

#[livinglock::batch(path = lock(name), stale = "1h")]
fn beside_another(
    name: &str,
    barrier: &Barrier,
    body: Loop,
    passes: u64,
) -> Result<Duration, Error> {
    barrier.wait();
    Ok(time(body, passes))
}

/// They start together, and the slower one counts.
fn in_both(body: Loop, passes: u64) -> Result<Duration, Error> {
    let barrier = Arc::new(Barrier::new(2));
    let threads = ["one", "other"].map(|name| {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || beside_another(name, &barrier, body, passes))
    });
    let times = threads.map(|thread| thread.join().expect("the loops do not panic"));
    times
        .into_iter()
        .try_fold(Duration::ZERO, |slowest, time| Ok(slowest.max(time?)))
}

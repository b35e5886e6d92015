//! What a checkpoint costs in locked functions, on threads and in tasks that work for one, and what it costs to go there and back.

use std::{
    env,
    hint::black_box,
    pin::{Pin, pin},
    process,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use livinglock::{Lock, Scope, checkpoint};
use livinglock_benches::{Subject, Table, print_host};
use tokio::runtime::{Builder, Runtime};

fn lock(name: &str) -> std::path::PathBuf {
    env::temp_dir().join(format!("livinglock-bench-{name}-{}.lock", process::id()))
}

/// The loop, which is the same wherever it runs: so are its addresses.
#[inline(never)]
fn pass(passes: u64) {
    for _ in 0..passes {
        black_box(());
        checkpoint!();
    }
}

fn time(passes: u64) -> Duration {
    let start = Instant::now();
    pass(black_box(passes));
    start.elapsed()
}

#[livinglock::batch(path = lock("function"), stale = "1h", on_busy = panic!("nobody else has it"))]
fn in_a_function(passes: u64) -> Duration {
    time(passes)
}

#[livinglock::batch(path = lock("outer"), stale = "1h", on_busy = panic!("nobody else has it"))]
fn in_a_function_in_another(passes: u64) -> Duration {
    in_a_function(passes)
}

#[livinglock::batch(path = lock("thread"), stale = "1h", on_busy = panic!("nobody else has it"))]
fn on_a_thread_of_it(passes: u64) -> Duration {
    let thread = livinglock::scope().spawn(move || time(passes));
    thread.join().expect("the loop does not panic")
}

#[livinglock::batch(path = lock("task"), stale = "1h", on_busy = panic!("nobody else has it"))]
async fn in_a_task(passes: u64) -> Duration {
    time(passes)
}

fn a_pass() {
    let here = Builder::new_current_thread()
        .build()
        .expect("a runtime can be built");
    let workers = runtime();
    // The pulse has others to serve, too.
    let _others: Vec<Lock> = (0..8)
        .map(|other| {
            Lock::acquire(lock(&format!("other-{other}"))).expect("nobody else has such a lock")
        })
        .collect();
    Table::new("a pass of an empty loop, nine or ten locks held")
        // Long beside a lock and a thread.
        .sample(Duration::from_millis(1))
        .row(Subject::new("no scope").copy(time))
        .row(
            Subject::new("in a locked function")
                .copy(in_a_function)
                .within(1.15, "no scope"),
        )
        .row(
            Subject::new("in one within another")
                .copy(in_a_function_in_another)
                .within(1.15, "no scope"),
        )
        .row(
            Subject::new("on a thread that it has started")
                .copy(on_a_thread_of_it)
                .within(1.15, "no scope"),
        )
        .row(
            Subject::new("in a task, runtime of one thread")
                .copy(|passes| here.block_on(in_a_task(passes)))
                .within(1.15, "no scope"),
        )
        .row(
            Subject::new("in a task, runtime of two threads")
                .copy(|passes| {
                    let task = workers.spawn(in_a_task(passes));
                    workers.block_on(task).expect("the loop does not panic")
                })
                .within(1.15, "no scope"),
        )
        .run();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime can be built")
}

/// A future that is ready after so many polls, at each of which it passes a checkpoint.
struct Polls(u64);

impl Future for Polls {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        checkpoint!();
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        Poll::Pending
    }
}

/// The time from when it has its lock.
#[livinglock::batch(path = lock("polls"), stale = "1h", on_busy = panic!("nobody else has it"))]
async fn in_a_locked_function(polls: u64) -> Duration {
    let start = Instant::now();
    Polls(polls).await;
    start.elapsed()
}

/// Polls a future to its end, on no runtime.
fn drive<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// The time that it takes to poll a future to its end.
fn time_of(future: impl Future<Output = ()>) -> Duration {
    let start = Instant::now();
    drive(future);
    start.elapsed()
}

#[livinglock::batch(path = lock("scope"), stale = "1h", on_busy = panic!("nobody else has it"))]
fn there_and_back() {
    let scope = livinglock::scope();
    let through = |scope: &Scope, passes: u64| {
        let start = Instant::now();
        for _ in 0..passes {
            scope.run(|| checkpoint!());
        }
        start.elapsed()
    };
    Table::new("one poll of a future, or one stay in a scope, with one checkpoint")
        .beside("bare future")
        .sample(Duration::from_millis(1))
        .row(Subject::new("bare future").copy(|polls| time_of(Polls(polls))))
        .row(Subject::new("`scope.wrap(future)`").copy(|polls| time_of(scope.wrap(Polls(polls)))))
        .row(Subject::new("locked async function").copy(|polls| drive(in_a_locked_function(polls))))
        .row(Subject::new("`scope.run(..)`").copy(|passes| through(&scope, passes)))
        .run();
}

fn main() {
    print_host();
    a_pass();
    there_and_back();
}

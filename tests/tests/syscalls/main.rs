//! Every system call killed, and every system call failed: whatever befalls a process at any call that it makes for its lock, the
//! next run acquires, nobody works beside another, and whoever cannot go on says why.
//!
//! Each operation of the protocol is first played unharmed under strace(1), which tells the calls that it makes. Then it is played
//! again for each of them: killed there, and with that call failed in every way that [`ERRORS`] names.

mod operation;
mod performance;
mod rules;

use std::{collections::HashSet, env, sync::Mutex, thread, time::Instant};

use livinglock_tests::{Blow, Call, Errno, Scene, Strace, Tally};

use operation::{OPERATIONS, Operation};
use performance::Performance;

const ERRORS: [Errno; 6] = [
    Errno::EINTR,
    Errno::EIO,
    Errno::ENOSPC,
    Errno::EACCES,
    Errno::ENOLCK,
    Errno::EMFILE,
];

/// Most of the time everybody waits for somebody's tick.
const WORKERS: usize = 12;

/// One blow at one call of one operation.
struct Point {
    operation: &'static Operation,
    call: Call,
    blow: Blow,
}

impl Point {
    fn name(&self) -> String {
        let Self {
            operation,
            call,
            blow,
        } = self;
        format!("{}: {call} {blow:?}", operation.name)
    }
}

#[test]
fn every_call_killed_and_every_call_failed() {
    if !can_trace() {
        return;
    }
    let begun = Instant::now();
    let points = in_parallel(OPERATIONS.iter().collect(), Operation::name, |operation| {
        let performance = Performance::of(operation, None);
        let window = operation.window(&performance.calls);
        let points = points_of(operation, window.expect("the operation is over"));
        let ended = performance.judge(None);
        assert_eq!(ended.signal, None, "{ended:?}");
        points
    });
    let points = points.into_iter().flatten().collect();
    let ends = in_parallel(points, Point::name, |point| {
        let Point {
            operation,
            call,
            blow,
        } = &point;
        let performance = Performance::struck(operation, call, *blow);
        let ended = performance.map(|performance| performance.judge(Some((call, *blow))));
        (point, ended)
    });
    // What a thread does now and then, such as to wake another, is not always there to be struck.
    let (ends, missed): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(_, ended)| ended.is_some());
    for (point, _) in &missed {
        println!("not met again: {}", point.name());
    }
    assert!(
        missed.len() * 100 <= ends.len(),
        "{} points are missed",
        missed.len()
    );
    let mut killed = 0;
    for operation in &OPERATIONS {
        let ours = ends
            .iter()
            .filter(|(point, _)| point.operation.name == operation.name);
        let tally = Tally::of(ours.filter_map(|(_, ended)| ended.as_ref()));
        assert!(tally.killed > 0, "{} makes no call", operation.name);
        killed += tally.killed;
        println!("{}: {tally}", operation.name);
    }
    println!(
        "in all: {killed} points killed, {} failed, in {:.0?}",
        ends.len() - killed,
        begun.elapsed()
    );
}

/// Whether strace(1) is there and may attach to a job; where it is not, this says so, and in CI it fails.
fn can_trace() -> bool {
    let scene = Scene::new();
    let job = operation::newcomer(&scene);
    let Err(error) = Strace::attach(&scene, job.id(), None) else {
        return true;
    };
    eprintln!(
        "SKIPPED: strace(1) cannot attach to a job: {error}; install it, and allow ptrace(2)"
    );
    assert!(env::var("CI").as_deref() != Ok("true"), "needs strace(1)");
    false
}

/// The points of an operation that makes these calls.
///
/// Whatever waits makes the same calls over and over: the same call after the same call is the same point. Of /proc each kind of
/// look is a point once, and what is closed there nobody sees. Where the processes are listed there are more or fewer each time, so
/// that from there on the calls that look at them have another number in the next run: only the first of each name is a point.
fn points_of(operation: &'static Operation, calls: &[Call]) -> Vec<Point> {
    let mut seen = HashSet::new();
    let mut before = "";
    let mut listed = false;
    let mut uncounted = HashSet::new();
    let mut points = Vec::new();
    for call in calls {
        let of_proc = call.place.contains("/proc");
        let new = seen.insert((if of_proc { "" } else { before }, &*call.place));
        before = &call.place;
        let counted = !uncounted.contains(&*call.name);
        if listed && of_proc {
            uncounted.insert(&*call.name);
        }
        listed |= call.name == "getdents64" && call.place.ends_with("</proc>");
        if !new || !counted || (of_proc && call.name == "close") {
            continue;
        }
        let failures = ERRORS.map(Blow::Fail);
        let failures = failures.iter().filter(|_| rules::can_fail(call));
        points.extend([Blow::Kill].iter().chain(failures).map(|blow| Point {
            operation,
            call: call.clone(),
            blow: *blow,
        }));
    }
    points
}

/// Does this with each, and names all with which it panics.
fn in_parallel<T: Send, R: Send>(
    these: Vec<T>,
    name: fn(&T) -> String,
    act: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let queue = Mutex::new(these.into_iter());
    let next = || queue.lock().expect("nobody panics here").next();
    let results = Mutex::new(Vec::new());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(this) = next() {
                    let name = name(&this);
                    // A thread of its own, whose name a panic tells.
                    let thread = thread::Builder::new().name(name.clone());
                    let thread = thread.spawn_scoped(scope, || act(this));
                    match thread.expect("start a thread").join() {
                        Ok(result) => results.lock().expect("nobody panics here").push(result),
                        Err(_) => faults.lock().expect("nobody panics here").push(name),
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("nobody panics here");
    assert!(
        faults.is_empty(),
        "{} failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
    results.into_inner().expect("nobody panics here")
}

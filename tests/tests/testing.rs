//! Jobs as a user would unit-test them: their functions as they are, in a sandbox, without files, sleeps or processes.
//!
//! The lock files are in a folder that does not exist: without the sandbox no lock here could be had at all.

use std::{
    cell::Cell,
    future::poll_fn,
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    process::ExitCode,
    sync::Barrier,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use livinglock::{
    Error, Fate, Lock, State, Stop, checkpoint,
    testing::{FakeLock, MemoryStore, Run, Sandbox},
    try_checkpoint,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const NIGHTLY: &str = "/nonexistent/nightly.lock";

/// A job of ten orders, each of which does what the test says.
#[livinglock::batch(path = "/nonexistent/nightly.lock", stale = "1h", grace = "10s", on_busy = None)]
fn nightly(mut send: impl FnMut(u64)) -> Option<u64> {
    let first = livinglock::predecessor()
        .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
        .unwrap_or(0);
    for order in first..10 {
        checkpoint!(done = order, total = 10, "order {order}");
        send(order);
    }
    Some(10 - first)
}

fn sandbox() -> (Sandbox, FakeLock) {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock(NIGHTLY);
    (sandbox, lock)
}

/// A run that the job meets.
fn other() -> Run {
    Run::new("nightly").progress(4, 10).message("order 4")
}

fn last_done(lock: &FakeLock) -> Option<u64> {
    lock.record()?.checkpoint?.done
}

#[test]
fn outside_of_a_sandbox_the_lock_is_a_file() {
    assert_eq!(nightly(|_| {}), None);
    let (sandbox, lock) = sandbox();
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(10)));
    assert_eq!(nightly(|_| {}), None);
    assert_eq!(lock.acquired(), 1);
}

#[test]
fn a_free_lock_is_acquired_and_released() {
    let (sandbox, lock) = sandbox();
    let sent = Cell::new(0);
    let ran = sandbox.run(|| {
        nightly(|_| {
            sent.set(sent.get() + 1);
            assert!(lock.is_held());
            livinglock::assert_held!();
            assert_eq!(lock.passed(), sent.get());
            assert!(Lock::acquire(NIGHTLY).unwrap_err().is_busy());
        })
    });
    assert_eq!((ran, sent.get()), (Ok(Some(10)), 10));
    assert_eq!(
        (lock.acquired(), lock.released(), lock.passed()),
        (1, 1, 10)
    );
    assert!(!lock.is_held());
    let record = lock.record().unwrap();
    assert_eq!(record.state, State::Kept);
    assert!(record.name.ends_with("nightly"));
    let last = record.checkpoint.unwrap();
    assert_eq!((last.done, last.total), (Some(9), Some(10)));
    assert_eq!(last.message.as_deref(), Some("order 9"));
    assert!(last.file.ends_with("testing.rs"));
    assert!(sandbox.reports().is_empty());
    // What ended well is no predecessor.
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(10)));
    assert_eq!(lock.acquired(), 2);
}

#[test]
fn the_same_checkpoint_counts_each_time() {
    #[livinglock::batch(path = "/nonexistent/loop.lock")]
    fn endless() {
        loop {
            checkpoint!();
        }
    }
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/loop.lock");
    lock.stop_after(100_000, Stop::Replaced);
    assert_eq!(sandbox.run(endless), Err(Stop::Replaced));
    assert_eq!(lock.passed(), 100_000);
}

#[test]
fn a_busy_lock_is_yielded_to() {
    let (sandbox, lock) = sandbox();
    lock.held_by(other());
    assert_eq!(sandbox.run(|| nightly(|_| unreachable!())), Ok(None));
    assert_eq!((lock.acquired(), lock.is_held()), (0, false));
    let said = sandbox.reports();
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("is busy") && said[0].contains("(nightly)"),
        "{said:?}"
    );
    assert!(
        said[0].contains("\"order 4\" (4/10)") && said[0].ends_with("yielding"),
        "{said:?}"
    );
    lock.free();
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(10)));
}

#[test]
fn a_wait_for_a_busy_lock_takes_no_time() {
    let (sandbox, lock) = sandbox();
    lock.held_by(other());
    let begun = Instant::now();
    let error = sandbox
        .run(|| Lock::options().wait(HOUR).acquire(NIGHTLY))
        .unwrap()
        .unwrap_err();
    assert_eq!(error.holder().unwrap().name, "nightly");
    assert!(error.to_string().contains("has held it for 1h"), "{error}");
    assert_eq!(sandbox.elapsed(), HOUR);
    assert!(begun.elapsed() < MINUTE);
}

#[test]
fn every_fate_of_a_predecessor_is_told() {
    for (fate, said) in [
        (Fate::Crashed, "ended without releasing"),
        (Fate::Hung, "gave way after 1s"),
        (Fate::Frozen, "ended after 1s"),
        (Fate::Rebooted, "when the machine went down"),
        (Fate::Panicked, "panicked"),
        (Fate::Stopped, "was stopped"),
        (Fate::Foreign, "left another library's record"),
        (Fate::Lapsed, "let its lease run out"),
    ] {
        let (sandbox, lock) = sandbox();
        lock.left_by(other(), fate);
        let found = Cell::new(None);
        let ran = sandbox
            .run(|| nightly(|_| found.set(livinglock::predecessor().map(|before| before.fate()))));
        assert_eq!((ran, found.get()), (Ok(Some(6)), Some(fate)));
        let reports = sandbox.reports();
        assert!(
            reports[0].contains(said) && reports[0].contains("(4/10)"),
            "{reports:?}"
        );
        // Told once.
        assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(10)));
    }
}

#[test]
fn a_run_that_was_stopped_is_the_predecessor_of_the_next() {
    let (sandbox, lock) = sandbox();
    lock.stop_after(3, Stop::Replaced);
    assert_eq!(sandbox.run(|| nightly(|_| {})), Err(Stop::Replaced));
    assert_eq!((lock.released(), last_done(&lock)), (0, Some(2)));
    assert_eq!(lock.record().unwrap().state, State::Stopped);
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(8)));
}

#[test]
fn a_panic_goes_on_and_is_told_to_the_next_run() {
    let (sandbox, lock) = sandbox();
    let fails = || sandbox.run(|| nightly(|order| assert!(order < 5, "order 5 is a bad one")));
    catch_unwind(AssertUnwindSafe(fails)).unwrap_err();
    assert_eq!(lock.record().unwrap().state, State::Panicked);
    assert_eq!((lock.is_held(), last_done(&lock)), (false, Some(5)));
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(5)));
}

#[test]
fn it_stops_at_the_checkpoint_after_those_that_the_test_lets_pass() {
    for stop in [
        Stop::Lost,
        Stop::Replaced,
        Stop::AtMost,
        Stop::Signal(15),
        Stop::Signal(2),
    ] {
        for passes in [0, 1, 7] {
            let (sandbox, lock) = sandbox();
            lock.stop_after(passes, stop);
            let sent = Cell::new(0);
            let ran = sandbox.run(|| nightly(|_| sent.set(sent.get() + 1)));
            assert_eq!(
                (ran, sent.get(), lock.passed()),
                (Err(stop), passes, passes)
            );
            assert_eq!(last_done(&lock), passes.checked_sub(1));
            assert_eq!((lock.released(), lock.is_held()), (0, false));
        }
    }
}

#[test]
fn try_checkpoint_and_stop_requested_say_why() {
    #[livinglock::batch(path = "/nonexistent/nightly.lock", graceful)]
    fn careful(log: &mut Vec<u32>) -> Result<(), Box<dyn std::error::Error>> {
        for page in 0..10 {
            try_checkpoint!(done = page, total = 10)?;
            log.push(page);
            if let Some(stop) = livinglock::stop_requested() {
                return Err(format!("at page {page}: {stop}").into());
            }
        }
        Ok(())
    }
    let (sandbox, lock) = sandbox();
    let mut log = Vec::new();
    lock.stop_after(3, Stop::Signal(15));
    let ran = sandbox.run(|| careful(&mut log)).unwrap();
    let said = ran.unwrap_err().to_string();
    assert!(
        said.starts_with("at page 2: the process was sent signal 15"),
        "{said}"
    );
    assert_eq!((log.as_slice(), lock.released()), ([0, 1, 2].as_slice(), 0));

    log.clear();
    lock.stop_after(0, Stop::Lost);
    let ran = sandbox.run(|| careful(&mut log)).unwrap();
    assert_eq!(
        ran.unwrap_err().downcast_ref::<Stop>().copied(),
        Some(Stop::Lost)
    );
    assert!(log.is_empty());
}

#[test]
fn a_lock_that_another_run_takes_is_lost() {
    let (sandbox, lock) = sandbox();
    let ran = sandbox.run(|| {
        nightly(|order| {
            if order == 2 {
                lock.held_by(other());
                assert!(!lock.is_held());
            }
        })
    });
    assert_eq!((ran, lock.passed()), (Err(Stop::Lost), 3));
    // And stays that run's.
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(None));
}

#[test]
fn a_lock_that_cannot_be_had_says_why() {
    for (kind, remedy) in [
        (ErrorKind::PermissionDenied, "use a path that this user may"),
        (ErrorKind::StorageFull, "make room"),
    ] {
        let (sandbox, lock) = sandbox();
        lock.fail(kind);
        assert_eq!(sandbox.run(|| nightly(|_| unreachable!())), Ok(None));
        let said = sandbox.reports().concat();
        assert!(
            said.contains("failed to create") && said.contains(remedy),
            "{said}"
        );
        lock.free();
        assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(Some(10)));
    }
}

#[test]
fn bad_options_are_refused_as_ever() {
    let sandbox = Sandbox::new();
    let refused = sandbox.run(|| Lock::options().stale(Duration::ZERO).acquire(NIGHTLY));
    assert!(refused.unwrap().unwrap_err().to_string().contains("stale"));
}

#[test]
fn a_hung_job_gives_way_and_a_working_one_does_not() {
    let (sandbox, lock) = sandbox();
    let ran = sandbox.run(|| {
        nightly(|order| {
            if order < 5 {
                // Slow, but at work.
                sandbox.advance(MINUTE * 59);
                assert!(!lock.challenged_by(other()));
                assert!(lock.is_held());
            } else {
                sandbox.advance(HOUR + MINUTE);
                let before = sandbox.elapsed();
                assert!(lock.challenged_by(other()));
                let grace = sandbox.elapsed().saturating_sub(before);
                assert!(grace >= Duration::from_secs(10) && grace < MINUTE);
                assert!(!lock.is_held());
            }
        })
    });
    assert_eq!((ran, last_done(&lock)), (Err(Stop::Lost), Some(5)));
    let said = sandbox.reports().join("\n");
    assert!(said.contains("asks pid"), "{said}");
    // And the run that took it has it.
    assert_eq!(sandbox.run(|| nightly(|_| {})), Ok(None));
}

#[test]
fn the_next_run_takes_over_from_a_hung_one_on_another_thread() {
    let (sandbox, lock) = sandbox();
    let ran = sandbox.run(|| {
        nightly(|order| {
            if order == 6 {
                sandbox.advance(HOUR + MINUTE);
                let next = || sandbox.run(|| nightly(|_| {}));
                let next = thread::scope(|threads| threads.spawn(next).join().unwrap());
                assert_eq!(next, Ok(Some(4)));
            }
        })
    });
    assert_eq!(ran, Err(Stop::Lost));
    assert_eq!((lock.acquired(), lock.released()), (2, 1));
    assert!(sandbox.reports().join("\n").contains("gave way after"));
}

#[test]
fn a_job_that_comes_to_its_checkpoint_within_grace_is_stopped_there() {
    #[livinglock::batch(path = "/nonexistent/patient.lock", stale = "1h", grace = "10000h")]
    fn patient(work: impl Fn()) -> Result<(), Error> {
        for _ in 0..2 {
            checkpoint!();
            work();
        }
        Ok(())
    }
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/patient.lock");
    thread::scope(|threads| {
        let ran = sandbox.run(|| {
            patient(|| {
                sandbox.advance(HOUR + MINUTE);
                threads.spawn(|| assert!(lock.challenged_by(other())));
                // The newcomer lets grace pass, an hour in some milliseconds.
                while !sandbox.reports().concat().contains("asks pid") {
                    thread::yield_now();
                }
            })
        });
        assert_eq!(ran.unwrap_err(), Stop::Lost);
    });
    assert_eq!((lock.passed(), lock.is_held()), (1, false));
    assert!(sandbox.elapsed() < HOUR * 10_000);
}

#[test]
fn a_long_silence_is_reported_once_and_again_after_progress() {
    let (sandbox, _) = sandbox();
    let silences = || {
        let said = sandbox.reports();
        said.iter()
            .filter(|line| line.contains("made no checkpoint for 30m"))
            .count()
    };
    let ran = sandbox.run(|| {
        nightly(|order| match order {
            0 => {
                sandbox.advance(HOUR / 2);
                assert_eq!(silences(), 0);
                sandbox.advance(MINUTE);
                assert_eq!(silences(), 1);
                sandbox.advance(HOUR * 3);
                assert_eq!(silences(), 1);
            }
            1 => {
                sandbox.advance(HOUR);
                assert_eq!(silences(), 2);
            }
            _ => {}
        })
    });
    assert_eq!(ran, Ok(Some(10)));
}

#[livinglock::batch(
    path = "/nonexistent/long.lock",
    at_most = "6h",
    at_least = "1h",
    grace = "15m"
)]
fn long(mut work: impl FnMut()) -> Result<u32, Error> {
    for unit in 0..1000 {
        if livinglock::stop_requested().is_some() {
            return Ok(unit);
        }
        checkpoint!();
        work();
    }
    Ok(1000)
}

#[test]
fn the_longest_run_is_six_hours_by_the_clock_of_the_test() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/long.lock");
    // Six hours are 36 units, and no more than that.
    let ran = sandbox.run(|| long(|| sandbox.advance(MINUTE * 10)));
    assert_eq!(ran.unwrap().unwrap(), 37);
    assert_eq!(lock.record().unwrap().state, State::Stopped);
    assert!(sandbox.reports().concat().contains("longer than `at_most`"));
}

#[test]
fn the_shortest_hold_is_kept_by_the_clock_of_the_test() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(|| long(|| {})).unwrap().unwrap(), 1000);
    sandbox.advance(MINUTE * 20);
    let error = sandbox.run(|| long(|| {})).unwrap().unwrap_err();
    assert!(
        error.to_string().contains("keeps it for 40m more"),
        "{error}"
    );
    sandbox.advance(MINUTE * 41);
    assert_eq!(sandbox.run(|| long(|| {})).unwrap().unwrap(), 1000);
}

#[test]
fn time_stands_still_by_itself() {
    let (sandbox, lock) = sandbox();
    let options = Lock::options()
        .stale(Duration::from_millis(40))
        .warn(Duration::from_millis(20))
        .at_most(Duration::from_millis(50));
    let held = sandbox.run(|| options.acquire(NIGHTLY)).unwrap().unwrap();
    // Nothing happens, to be waited for: some real time has to pass, and more of it does no harm.
    thread::sleep(Duration::from_millis(200));
    held.heartbeat().unwrap();
    assert!(sandbox.reports().is_empty());
    sandbox.advance(Duration::from_millis(60));
    assert_eq!(held.heartbeat().unwrap_err().stop(), Some(Stop::AtMost));
    assert_eq!(lock.passed(), 1);
}

#[test]
fn a_lease_runs_out_under_a_job_that_hangs() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("memory");
    let options = Lock::options().stale(HOUR).grace(MINUTE);
    let store = MemoryStore::new();
    let work = || {
        let held = options.acquire_in(store.clone())?;
        for _ in 0..10 {
            // Renewed by work alone.
            sandbox.advance(MINUTE * 30);
            held.heartbeat()?;
        }
        sandbox.advance(HOUR * 2);
        held.heartbeat()
    };
    let error = sandbox.run(work).unwrap().unwrap_err();
    assert_eq!((error.stop(), lock.passed()), (Some(Stop::Lost), 10));
    assert!(sandbox.reports().concat().contains("the lease of pid"));
    let next = sandbox.run(|| options.acquire_in(store.clone()));
    let next = next.unwrap().unwrap();
    assert_eq!(next.fencing_token(), 2);
    let before = next.predecessor().unwrap();
    assert!(before.record().unwrap().autopsy.is_some());
    // The store itself has seen nothing of it.
    assert_eq!(
        Lock::options().acquire_in(store).unwrap().fencing_token(),
        1
    );
}

#[test]
fn a_job_that_comes_back_before_its_lease_is_over_works_on() {
    let sandbox = Sandbox::new();
    let options = Lock::options().stale(HOUR).grace(MINUTE * 10);
    let held = sandbox
        .run(|| options.acquire_in(MemoryStore::new()))
        .unwrap()
        .unwrap();
    // The gate is held by now: the margin and half of grace are left.
    sandbox.advance(MINUTE * 52);
    assert!(sandbox.reports().concat().contains("about to run out"));
    held.heartbeat().unwrap();
    sandbox.advance(MINUTE * 30);
    held.heartbeat().unwrap();
    held.release().unwrap();
}

#[test]
fn stores_are_named_as_reports_name_them() {
    #[livinglock::batch(
        store = "postgres://user:secret@db1/app",
        name = "nightly",
        stale = "1h",
        on_busy = 1
    )]
    fn stored() -> u32 {
        checkpoint!();
        0
    }
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("postgres://db1/app#nightly");
    assert_eq!((sandbox.run(stored), lock.released()), (Ok(0), 1));
    lock.held_by(Run::new("nightly"));
    assert_eq!(sandbox.run(stored), Ok(1));
    lock.fail(ErrorKind::ConnectionRefused);
    assert_eq!(sandbox.run(stored), Ok(1));
    let said = sandbox.reports().concat();
    assert!(
        said.contains("connection refused") && !said.contains("secret"),
        "{said}"
    );
}

mod program {
    use super::{MINUTE, checkpoint};

    #[livinglock::batch(path = "/nonexistent/main.lock", busy = 75, at_most = "1h", graceful)]
    pub(super) fn main() -> Result<(), std::fmt::Error> {
        for _ in 0..100 {
            checkpoint!();
            super::CLOCK.with_borrow(|clock| {
                clock
                    .as_ref()
                    .map_or(Ok(()), |clock| match clock.advance(MINUTE) {
                        () if clock.elapsed() == MINUTE * 99 => Err(std::fmt::Error),
                        () => Ok(()),
                    })
            })?;
        }
        Ok(())
    }
}

thread_local! {
    static CLOCK: std::cell::RefCell<Option<Sandbox>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn a_main_is_a_function_that_returns_its_exit_status() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/main.lock");
    // No process that this one has started ends with a stopped main.
    let mut innocent = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    assert_eq!(sandbox.run(program::main), Ok(ExitCode::SUCCESS));
    assert_eq!((lock.passed(), lock.released()), (100, 1));

    lock.stop_after(2, Stop::Signal(15));
    assert_eq!(sandbox.run(program::main), Ok(ExitCode::from(128 + 15)));
    assert_eq!(lock.passed(), 2);

    lock.held_by(other());
    assert_eq!(sandbox.run(program::main), Ok(ExitCode::from(75)));
    lock.free();

    lock.fail(ErrorKind::PermissionDenied);
    assert_eq!(sandbox.run(program::main), Ok(ExitCode::from(73)));
    lock.free();

    CLOCK.set(Some(sandbox.clone()));
    assert_eq!(sandbox.run(program::main), Ok(ExitCode::from(124)));
    assert!(innocent.try_wait().unwrap().is_none());
    innocent.kill().unwrap();
    innocent.wait().unwrap();
    // Other threads are in no scope of it.
    checkpoint!();
    assert_eq!(livinglock::fencing_token(), None);
}

#[test]
fn tests_in_threads_do_not_see_each_other() {
    const THREADS: u64 = 8;
    let barrier = Barrier::new(8);
    thread::scope(|threads| {
        for number in 0..THREADS {
            let barrier = &barrier;
            threads.spawn(move || {
                for round in 0..50 {
                    let (sandbox, lock) = sandbox();
                    if number % 2 == 0 {
                        lock.stop_after(number, Stop::Lost);
                    }
                    barrier.wait();
                    let ran = sandbox.run(|| {
                        nightly(|_| {
                            sandbox.advance(Duration::from_secs(number));
                            thread::yield_now();
                        })
                    });
                    if number % 2 == 0 {
                        assert_eq!((ran, lock.passed()), (Err(Stop::Lost), number), "{round}");
                    } else {
                        assert_eq!((ran, lock.passed()), (Ok(Some(10)), 10), "{round}");
                        assert_eq!(sandbox.elapsed(), Duration::from_secs(number * 10));
                        assert!(sandbox.reports().is_empty(), "{:?}", sandbox.reports());
                    }
                }
            });
        }
    });
}

#[test]
fn nested_locks_are_each_their_own() {
    #[livinglock::batch(path = "/nonexistent/inner.lock")]
    fn inner() -> Result<(), Error> {
        checkpoint!();
        Ok(())
    }
    let (sandbox, lock) = sandbox();
    let inner_lock = sandbox.lock("/nonexistent/inner.lock");
    assert_eq!(sandbox.run(|| nightly(|_| inner().unwrap())), Ok(Some(10)));
    // What beats the inner one beats the one around it.
    assert_eq!((lock.passed(), inner_lock.passed()), (20, 1));
    assert_eq!((lock.acquired(), inner_lock.acquired()), (1, 10));
    // A stop of the inner one reaches whoever called it.
    inner_lock.stop_after(0, Stop::Lost);
    assert_eq!(
        sandbox.run(|| nightly(|_| inner().unwrap())),
        Err(Stop::Lost)
    );
}

#[test]
fn threads_in_the_scope_of_a_job_are_in_its_sandbox() {
    #[livinglock::batch(path = "/nonexistent/part.lock")]
    fn part() -> Result<(), Error> {
        checkpoint!("a part");
        Ok(())
    }
    let (sandbox, lock) = sandbox();
    let ran = sandbox.run(|| {
        nightly(|_| {
            let thread = livinglock::scope().spawn(part);
            thread.join().unwrap().unwrap();
        })
    });
    assert_eq!((ran, lock.passed()), (Ok(Some(10)), 20));
    assert_eq!(sandbox.lock("/nonexistent/part.lock").acquired(), 10);
}

#[test]
fn a_real_lock_is_left_alone() {
    #[livinglock::batch(path = path, stale = "1h")]
    fn real(path: &Path, work: impl FnOnce()) -> Result<(), Error> {
        for _ in 0..3 {
            checkpoint!("a real one");
        }
        work();
        checkpoint!("to the end");
        Ok(())
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real");
    real(&path, || {
        let (sandbox, lock) = sandbox();
        lock.stop_after(3, Stop::Lost);
        let ran = sandbox.run(|| nightly(|_| sandbox.advance(HOUR / 60)));
        assert_eq!((ran, lock.passed()), (Err(Stop::Lost), 3));
        // In the sandbox the same path is another lock.
        assert!(sandbox.run(|| Lock::acquire(&path)).unwrap().is_ok());
        assert!(Lock::acquire(&path).unwrap_err().is_busy());
    })
    .unwrap();
    assert!(!path.exists());
}

#[livinglock::batch(path = "/nonexistent/async.lock", stale = "1h", at_most = "5h")]
async fn pages(log: &Cell<u32>, fetch: impl AsyncFn(u32)) -> Result<u32, Error> {
    for page in 0..10 {
        checkpoint!(done = page, total = 10, "page {page}");
        fetch(page).await;
        log.set(page + 1);
    }
    Ok(10)
}

/// Comes back later, once.
async fn later() {
    let mut is_later = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_later, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn on_one_thread<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

#[test]
fn an_asynchronous_function_is_wrapped() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/async.lock");
    let log = Cell::new(0);
    let ran = on_one_thread(sandbox.wrap(pages(&log, async |_| later().await)));
    assert_eq!(ran.unwrap().unwrap(), 10);
    assert_eq!(
        (lock.acquired(), lock.passed(), lock.released()),
        (1, 10, 1)
    );

    lock.stop_after(4, Stop::Signal(2));
    let ran = on_one_thread(sandbox.wrap(pages(&log, async |_| later().await)));
    assert_eq!(
        (ran.err(), log.get(), lock.passed()),
        (Some(Stop::Signal(2)), 4, 4)
    );
    assert_eq!(lock.record().unwrap().state, State::Stopped);

    let ran = on_one_thread(sandbox.wrap(pages(&log, async |_| sandbox.advance(HOUR))));
    assert_eq!((ran.err(), log.get()), (Some(Stop::AtMost), 6));

    lock.held_by(other());
    let ran = on_one_thread(sandbox.wrap(pages(&log, async |_| {})));
    assert!(ran.unwrap().unwrap_err().is_busy());
}

/// No thread is waited for: each poll goes on as far as the job can.
#[test]
fn an_asynchronous_function_needs_no_runtime() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/async.lock");
    let log = Cell::new(0);
    let mut job = pin!(sandbox.wrap(pages(&log, async |_| later().await)));
    let mut context = Context::from_waker(Waker::noop());
    for page in 0..10 {
        assert!(job.as_mut().poll(&mut context).is_pending());
        assert_eq!((lock.passed(), log.get()), (u64::from(page) + 1, page));
    }
    assert!(matches!(
        job.as_mut().poll(&mut context),
        Poll::Ready(Ok(Ok(10)))
    ));
    assert_eq!(lock.released(), 1);
}

#[test]
fn a_future_that_is_dropped_leaves_its_lock() {
    let sandbox = Sandbox::new();
    let lock = sandbox.lock("/nonexistent/async.lock");
    let log = Cell::new(0);
    {
        let mut job = pin!(sandbox.wrap(pages(&log, async |_| later().await)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(job.as_mut().poll(&mut context).is_pending());
        assert!(lock.is_held());
    }
    assert_eq!((lock.is_held(), lock.released()), (false, 0));
    assert_eq!(lock.record().unwrap().state, State::Stopped);
}

#[test]
fn tasks_on_many_threads_are_each_in_their_own_sandbox() {
    #[livinglock::batch(path = "/nonexistent/task.lock")]
    async fn task(number: u64) -> Result<u64, Error> {
        for _ in 0..number {
            checkpoint!("task {number}");
            tokio::task::yield_now().await;
        }
        Ok(number)
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap()
        .block_on(async {
            let tasks: Vec<_> = (1..=16)
                .map(|number| {
                    let sandbox = Sandbox::new();
                    let lock = sandbox.lock("/nonexistent/task.lock");
                    (number, lock, tokio::spawn(sandbox.wrap(task(number))))
                })
                .collect();
            for (number, lock, task) in tasks {
                assert_eq!(task.await.unwrap().unwrap().unwrap(), number);
                assert_eq!((lock.passed(), lock.released()), (number, 1));
                let last = lock.record().unwrap().checkpoint.unwrap();
                assert_eq!(last.message.unwrap(), format!("task {number}"));
            }
        });
}

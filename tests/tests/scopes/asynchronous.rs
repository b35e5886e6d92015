//! Locks on asynchronous functions, whose futures are polled by any thread.

use std::{
    future::pending,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use livinglock::{Error, Lock, Stop, checkpoint};
use livinglock_tests::{Engine, PATIENCE, Server};
use tokio::{runtime, task, time};

use crate::{folder, lock, record};

fn on_threads<T>(test: impl Future<Output = T>) -> T {
    runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        time::sleep(Duration::from_millis(2)).await;
    }
}

#[livinglock::batch(path = path, stale = "1s", heartbeat = Duration::from_millis(20), grace = "200ms", warn = "60s")]
async fn locked(path: PathBuf, work: impl Future<Output = ()>) -> Result<(), Error> {
    work.await;
    Ok(())
}

/// Every task at one site, on four threads: what each lock's record says is of its own task, with its own count.
#[test]
fn each_task_beats_for_its_own_lock_whichever_thread_polls_it() {
    const TASKS: u64 = 8;
    let folder = folder();
    on_threads(async {
        let path = |task| lock(&folder, &format!("task-{task}"));
        let rounds: Arc<[AtomicU64]> = (0..TASKS).map(|_| AtomicU64::new(0)).collect();
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let rounds = rounds.clone();
                task::spawn(locked(path(number), async move {
                    loop {
                        let round = rounds[usize::try_from(number).expect("small")]
                            .fetch_add(1, Ordering::Relaxed);
                        checkpoint!(done = number, total = TASKS, "of task {number}");
                        task::yield_now().await;
                        // The count stays with the task, where the next checkpoint has none.
                        checkpoint!("then task {number}");
                        if round.is_multiple_of(64) {
                            time::sleep(Duration::from_millis(1)).await;
                        }
                    }
                }))
            })
            .collect();
        for number in 0..TASKS {
            until("its record tells of it", || {
                record(&path(number)).contains(&format!("task {number}\""))
            })
            .await;
        }
        for _ in 0..100 {
            for number in 0..TASKS {
                let record = record(&path(number));
                for other in (0..TASKS).filter(|other| *other != number) {
                    assert!(
                        !record.contains(&format!("task {other}\"")),
                        "{number}: {record}"
                    );
                }
                assert!(
                    !record.contains("\"checkpoint\"")
                        || record.contains(&format!("\"done\":{number},")),
                    "{record}"
                );
            }
            time::sleep(Duration::from_millis(3)).await;
        }
        for task in tasks {
            task.abort();
            assert!(task.await.expect_err("aborted").is_cancelled());
        }
    });
}

/// A future that is polled no more is no proof of work: its lock is taken over, while its neighbour works on.
#[test]
fn a_hung_task_gives_way_and_its_neighbour_works_on() {
    let folder = folder();
    let (hung, busy) = (lock(&folder, "hung"), lock(&folder, "busy"));
    on_threads(async {
        let neighbour = task::spawn(locked(busy.clone(), async {
            loop {
                checkpoint!("at work");
                time::sleep(Duration::from_millis(1)).await;
            }
        }));
        let stuck = task::spawn(locked(hung.clone(), async {
            checkpoint!("about to hang");
            pending::<()>().await;
        }));
        until("both work", || {
            record(&hung).contains("hang") && record(&busy).contains("at work")
        })
        .await;
        let next = task::spawn_blocking({
            let hung = hung.clone();
            move || Lock::options().wait(PATIENCE).acquire(hung)
        });
        let next = next
            .await
            .expect("nobody panics")
            .expect("the hung one gives way");
        let before = next
            .predecessor()
            .and_then(|before| before.record()?.checkpoint.clone());
        assert_eq!(
            before.and_then(|place| place.message).as_deref(),
            Some("about to hang")
        );
        assert!(!neighbour.is_finished() && !stuck.is_finished());
        assert!(record(&busy).contains("\"working\""));
        stuck.abort();
        neighbour.abort();
        let _ = stuck.await;
        next.release().expect("its lock is not the aborted one's");
    });
}

/// It unwinds through the future to its runtime, and the next run is told.
#[test]
fn a_stop_unwinds_the_task_and_frees_its_lock() {
    let folder = folder();
    let path = lock(&folder, "a");
    on_threads(async {
        let working = task::spawn(locked(path.clone(), async {
            loop {
                checkpoint!("at work");
                time::sleep(Duration::from_millis(1)).await;
            }
        }));
        until("it works", || record(&path).contains("at work")).await;
        let next = task::spawn_blocking({
            let path = path.clone();
            move || Lock::options().replace(true).acquire(path)
        });
        let next = next.await.expect("nobody panics").expect("it stops");
        let panic = working.await.expect_err("it was stopped").into_panic();
        assert_eq!(*panic.downcast::<Stop>().expect("a stop"), Stop::Replaced);
        assert_eq!(
            format!("{:?}", next.predecessor().expect("it was stopped").fate()),
            "Stopped"
        );
    });
}

#[test]
fn the_next_run_is_told_of_a_panic_and_of_a_task_that_was_dropped() {
    let folder = folder();
    let path = lock(&folder, "a");
    let fate = |path: &Path| {
        let lock = Lock::acquire(path).expect("free");
        lock.predecessor()
            .map(|before| format!("{:?}", before.fate()))
    };
    on_threads(async {
        let panicked = task::spawn(locked(path.clone(), async {
            checkpoint!("before the panic");
            task::yield_now().await;
            panic!("on purpose");
        }));
        panicked.await.expect_err("it panics");
        assert_eq!(fate(&path).as_deref(), Some("Panicked"));
        let dropped = task::spawn(locked(path.clone(), async {
            checkpoint!("about to be dropped");
            pending::<()>().await;
        }));
        until("it works", || record(&path).contains("about to be dropped")).await;
        dropped.abort();
        dropped.await.expect_err("it was dropped");
        assert_eq!(fate(&path).as_deref(), Some("Stopped"));
        locked(path.clone(), async {}).await.expect("free");
        assert_eq!(fate(&path), None);
    });
}

/// One thread has to do it all; a lock that takes its time, or a server that does not answer, must not keep it.
#[test]
fn acquiring_and_releasing_keep_no_thread_of_the_runtime_waiting() {
    let Some(server) = Server::start(Engine::Redis) else {
        return;
    };
    let folder = folder();
    let path = lock(&folder, "a");
    let held = Lock::acquire(&path).expect("free");
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let waits = task::spawn(waiting(path.clone()));
            let [stands_still, is_over] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
            let url = format!("{}#scope", server.url());
            let leased = task::spawn(leased(url, stands_still.clone(), is_over.clone()));
            until("the lease is there", || {
                server
                    .command(&["EXISTS", "livinglock:{scope}"])
                    .starts_with(":1")
            })
            .await;
            server.stop_still();
            stands_still.store(true, Ordering::Relaxed);
            until("its work is over", || is_over.load(Ordering::Relaxed)).await;
            // Whoever kept the thread waiting for the release would give it back when that has failed.
            for _ in 0..10 {
                time::sleep(Duration::from_millis(10)).await;
            }
            assert!(!waits.is_finished(), "the lock is held");
            assert!(!leased.is_finished(), "the server stands still");
            server.go_on();
            drop(held);
            waits
                .await
                .expect("nobody panics")
                .expect("the lock came free");
            leased
                .await
                .expect("nobody panics")
                .expect("the lock is free");
        });
}

#[livinglock::batch(path = path, wait = "1m")]
async fn waiting(path: PathBuf) -> Result<(), Error> {
    checkpoint!();
    Ok(())
}

#[livinglock::batch(store = url, stale = "1m", grace = "1s")]
async fn leased(url: String, end: Arc<AtomicBool>, is_over: Arc<AtomicBool>) -> Result<(), Error> {
    while !end.load(Ordering::Relaxed) {
        checkpoint!();
        time::sleep(Duration::from_millis(10)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    Ok(())
}

//! Everything at once, for a time: jobs that work, hang, panic and crash, killed, stopped and told to end at random, with delays at
//! every step, while somebody damages the lock file, or fills its disk.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use livinglock_tests::{Dice, Job, Running, Scene, Signal, SmallDisk, Tally, soak};

const JOB: &str = env!("CARGO_BIN_EXE_job");

const GOOD: &[&[&str]] = &[
    &["work", "1", "0"],
    &["work", "5", "2"],
    &["work", "40", "1"],
];

const BAD: &[&[&str]] = &[
    &["panic"],
    &["crash"],
    &["slow", "150"],
    &["slow", "230"],
    &["slow", "260"],
];

const HUNG: &[&[&str]] = &[&["sleep"], &["spin"], &["deadlock"]];

const FAULTS: &[&str] = &[
    "",
    "",
    "delay=300",
    "delay=3000",
    "delay=1000,kill/30",
    "kill/100",
];

/// What the test does to a job meanwhile.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    Kill,
    /// Ask it to end, which it may be graceful about.
    Terminate,
    /// Stop it, and continue it so many milliseconds later.
    Stop(u64),
}

#[test]
fn no_two_work_whatever_happens_to_them() {
    let scene = Scene::new();
    let lock = scene.lock();
    let tally = chaos(&scene, &lock, soak(30), |dice| vandalise(&lock, dice));
    assert!(
        tally.ran > 0 && tally.yielded > 0 && tally.killed > 0,
        "{tally}"
    );
    assert_eq!(tally.refused, 0, "every file here is fit");
}

/// A small file system of its own, which is full half of the time.
#[test]
fn no_two_work_on_a_disk_that_is_full_now_and_then() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let scene = Scene::new();
    let filler = disk.path().join("filler");
    let tally = chaos(&scene, &disk.path().join("lock"), soak(10), |dice| {
        let full = fs::write(&filler, vec![0; 1 << 20]);
        thread::sleep(Duration::from_millis(dice.below(100)));
        drop(full);
        let _: io::Result<()> = fs::remove_file(&filler);
    });
    assert!(tally.ran > 0 && tally.refused > 0, "{tally}");
}

/// Whoever held a file that was deleted works until its next tick and checkpoint, or for as long as it is stopped: the documented gap,
/// in which others work too. That it closes, `lost.rs` shows; here, that nobody is stuck afterwards.
#[test]
fn deletions_leave_nobody_stuck() {
    let scene = Scene::new();
    let lock = scene.lock();
    let deletions = AtomicUsize::new(0);
    let (tally, _in_the_gap) = unleash(&scene, &lock, soak(10), |dice| {
        if dice.below(2) == 0 && fs::remove_file(&lock).is_ok() {
            deletions.fetch_add(1, Ordering::Relaxed);
        }
    });
    let deletions = deletions.into_inner();
    println!("{deletions} deletions");
    assert!(tally.ran > 0 && deletions > 0, "{tally}");
    assert_eq!(tally.refused, 0, "every file here is fit");
}

/// Damages the content of the lock file, if there is one.
fn vandalise(lock: &Path, dice: &mut Dice) {
    let Ok(file) = File::options().write(true).open(lock) else {
        return;
    };
    // Never anything that could be somebody's own file: that would be refused until somebody removes it.
    let damaged = match dice.below(4) {
        0 => file.set_len(dice.below(5000)),
        1 => file.write_all_at(&[0; 4096], 0),
        2 => file.write_all_at(b"{\"livinglock\":1,\"process_id\":1,\"garbage", 0),
        _ => file.set_len(60_000),
    };
    damaged.expect("damage the lock file");
}

/// Chaos in which nobody replaces or deletes a file: no two work, and whoever says that it lost the lock has lost it for nothing.
fn chaos(scene: &Scene, lock: &Path, time: Duration, trouble: impl Fn(&mut Dice) + Sync) -> Tally {
    let (tally, overlaps) = unleash(scene, lock, time, trouble);
    assert_eq!(overlaps, 0);
    assert_eq!(scene.lines("lost"), [""; 0]);
    tally
}

/// Eight at a time, each with its troubles, while `trouble` is made for all of them. How they ended, and the overlaps.
fn unleash(
    scene: &Scene,
    lock: &Path,
    time: Duration,
    trouble: impl Fn(&mut Dice) + Sync,
) -> (Tally, usize) {
    let mut dice = Dice::new();
    let tally = Mutex::new(Tally::default());
    let deadline = Instant::now() + time;
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut dice = dice.fork();
            let tally = &tally;
            scope.spawn(move || {
                while Instant::now() < deadline {
                    let ended = run_one(scene, lock, &mut dice, deadline).wait();
                    if ended.stderr.contains("lost the lock") {
                        scene.note("lost", &ended.stderr.replace('\n', " "));
                    }
                    let panicked = ended.stderr.contains("panicked at");
                    // The one says that the job panics; the other one is what `thread::scope` says of a thread that was stopped.
                    let expected = ["on purpose", "a scoped thread panicked"];
                    assert!(
                        !panicked || expected.iter().any(|text| ended.stderr.contains(text)),
                        "{ended:?}"
                    );
                    tally
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .count(&ended);
                }
            });
        }
        let mut dice = dice.fork();
        let trouble = &trouble;
        scope.spawn(move || {
            while Instant::now() < deadline {
                trouble(&mut dice);
                thread::sleep(Duration::from_millis(dice.below(200)));
            }
        });
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
    println!("chaos: {time:?}: {owners} owners, {tally}, {overlaps} overlaps");

    // Whatever is left, the next run gets it.
    let last = job(scene, lock, &["work", "1", "0"])
        .wait(20_000)
        .spawn()
        .wait();
    assert_eq!(last.code, Some(0), "{last:?}");
    (tally, overlaps)
}

fn job(scene: &Scene, lock: &Path, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .set("LOCK", lock.to_str().expect("a path that is text"))
        .stale(200)
        .heartbeat(40)
        .grace(100)
}

/// One job with its troubles; it has ended, or the time is up and it is being killed.
fn run_one(scene: &Scene, lock: &Path, dice: &mut Dice, deadline: Instant) -> Running {
    let behaviours = match dice.below(40) {
        0 => HUNG,
        1..10 => BAD,
        _ => GOOD,
    };
    let behaviour = dice.choose(behaviours);
    let faults = *dice.choose::<&str>(FAULTS);
    let wait = if dice.below(2) == 0 {
        0
    } else {
        dice.below(500)
    };
    let mut job = job(scene, lock, behaviour).wait(wait).faults(faults);
    for setting in ["GRACEFUL", "REPLACE"] {
        if dice.below(6) == 0 {
            job = job.set(setting, "1");
        }
    }
    for (setting, milliseconds) in [("AT_MOST_MS", 60), ("AT_LEAST_MS", 30)] {
        if dice.below(8) == 0 {
            job = job.set(setting, &milliseconds.to_string());
        }
    }
    let mut job = job.spawn();
    let trouble = match dice.below(9) {
        0 => Trouble::Kill,
        1 => Trouble::Stop(dice.below(30)),
        2 => Trouble::Stop(dice.below(600)),
        3 => Trouble::Terminate,
        _ => Trouble::None,
    };
    if !matches!(trouble, Trouble::None) {
        wait_for_end(
            &mut job,
            Instant::now() + Duration::from_millis(dice.below(60)),
        );
    }
    match trouble {
        Trouble::None => {}
        Trouble::Kill => job.signal(Signal::SIGKILL),
        Trouble::Terminate => job.signal(Signal::SIGTERM),
        Trouble::Stop(milliseconds) => {
            job.signal(Signal::SIGSTOP);
            wait_for_end(
                &mut job,
                Instant::now() + Duration::from_millis(milliseconds),
            );
            job.signal(Signal::SIGCONT);
        }
    }
    // A hung one is ended by its own pulse when the next newcomer asks.
    if !wait_for_end(&mut job, deadline) {
        job.signal(Signal::SIGKILL);
    }
    job
}

/// Whether the job has ended by then.
fn wait_for_end(job: &mut Running, then: Instant) -> bool {
    while !job.has_ended() {
        if Instant::now() >= then {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

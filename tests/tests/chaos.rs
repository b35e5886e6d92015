//! Everything at once, for a time: jobs that work, hang, panic and crash, killed and stopped at random, with delays at every step.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use livinglock_tests::{Dice, Running, Scene, Signal, Tally, soak};

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
    /// Stop it, and continue it so many milliseconds later.
    Stop(u64),
}

#[test]
fn no_two_work_whatever_happens_to_them() {
    let time = soak(20);
    let scene = Scene::new();
    let mut dice = Dice::new();
    let tally = Mutex::new(Tally::default());
    let deadline = Instant::now() + time;
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut dice = dice.fork();
            let (scene, tally) = (&scene, &tally);
            scope.spawn(move || {
                while Instant::now() < deadline {
                    let ended = run_one(scene, &mut dice, deadline).wait();
                    assert_ne!(ended.code, Some(73), "every file here is fit: {ended:?}");
                    tally
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .count(&ended);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
    println!("chaos: {time:?}: {owners} owners, {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert!(
        tally.ran > 0 && tally.yielded > 0 && tally.killed > 0,
        "{tally}"
    );

    // Whatever is left, the next run gets it.
    let last = scene
        .job(JOB, &["work", "1", "0"])
        .stale(200)
        .wait(20_000)
        .spawn()
        .wait();
    assert_eq!(last.code, Some(0), "{last:?}");
}

/// One job with its troubles; it has ended, or the time is up and it is being killed.
fn run_one(scene: &Scene, dice: &mut Dice, deadline: Instant) -> Running {
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
    let mut job = scene
        .job(JOB, behaviour)
        .stale(200)
        .heartbeat(40)
        .grace(100)
        .wait(wait)
        .faults(faults)
        .spawn();
    let trouble = match dice.below(8) {
        0 => Trouble::Kill,
        1 => Trouble::Stop(dice.below(30)),
        2 => Trouble::Stop(dice.below(600)),
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

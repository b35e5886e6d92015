//! The holder hangs: its own pulse stops it when asked, and one newcomer runs. The holder is only slow: it answers, and keeps its lock.

use std::fs;

use livinglock_tests::{
    Dice, Ended, Guarded, Job, Running, Scene, Signal, Tally, is_asked, is_running, wait_until,
};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

const STALE: u64 = 400;

/// What a holder says once it counts itself as hung.
const SILENT: &str = "made no checkpoint for";

/// A job with short times: a tick of 40 ms.
fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(STALE)
        .heartbeat(80)
        .warn(STALE + 80)
        .grace(200)
}

/// Starts a job that hangs, and waits until it is stale by its own count.
fn hang(holder: Job) -> Running {
    let holder = holder.spawn();
    holder.wait_until_it_says(SILENT);
    holder
}

/// Eight newcomers come at once; the one that runs does so until the others have decided. All eight, the one that ran first.
fn send_eight(scene: &Scene, round: usize) -> Vec<Ended> {
    let end = format!("end-{round}");
    let newcomers = scene.start_together((0..8).map(|_| job(scene, &["until", &end])));
    scene.outlast(newcomers, &end)
}

/// Eight newcomers meet a holder that hangs in one way, several times.
fn one_of_eight_takes_over_from(hang_how: &str, expected: &[&str]) {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let holder = hang(job(&scene, &[hang_how]));
        let id = holder.id();
        let before = scene.owners().len();
        let newcomers = send_eight(&scene, round);
        let ended = holder.wait();
        let stderr = &ended.stderr;

        assert_eq!(ended.code, Some(75), "round {round}: {ended:?}");
        let last = scene.lines("last").pop().expect("a last checkpoint");
        let last = format!("last checkpoint {last} \"about to hang\" (3/7)");
        for text in [
            &*last,
            "so its process ends now",
            &format!("thread {id} (job) "),
        ] {
            assert!(
                stderr.contains(text),
                "round {round}: no {text:?} in {stderr}"
            );
        }
        for text in expected {
            assert!(
                stderr.contains(text),
                "round {round}: no {text:?} in {stderr}"
            );
        }
        let newcomers_tally = Tally::of(&newcomers);
        assert_eq!(
            (newcomers_tally.ran, newcomers_tally.yielded),
            (1, 7),
            "round {round}: {newcomers:?}"
        );
        assert_eq!(scene.owners().len(), before + 1, "round {round}");
        let first = &newcomers[0].stderr;
        assert!(
            first.contains(&last) || first.contains("lock taken over"),
            "round {round}: {first}"
        );
        for ended in newcomers.iter().chain([&ended]) {
            tally.count(ended);
        }
    }
    let overlaps = scene.overlaps();
    println!("takeover from {hang_how}: {ROUNDS} rounds of 8: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
}

#[test]
fn a_holder_that_sleeps_for_ever_is_taken_over() {
    one_of_eight_takes_over_from("sleep", &["(job) sleeps"]);
}

#[test]
fn a_holder_that_spins_is_taken_over() {
    one_of_eight_takes_over_from("spin", &["(job) runs"]);
}

#[test]
fn a_deadlocked_holder_is_taken_over() {
    let threads = [
        "(clerk-1) sleeps",
        "(clerk-2) sleeps",
        ", last at tests/src/bin/job.rs:",
    ];
    one_of_eight_takes_over_from("deadlock", &threads);
}

#[test]
fn a_holder_blocked_in_a_read_from_a_fifo_is_taken_over() {
    one_of_eight_takes_over_from("fifo", &["(job) sleeps"]);
}

#[test]
fn the_descendants_of_a_hung_holder_are_ended_with_it() {
    const ROUNDS: usize = 3;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        let holder = hang(job(&scene, &["children"]));
        wait_until("the holder has children", || {
            scene.lines("children").len() == 2 * round
        });
        let next = job(&scene, &["work", "1", "0"]).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        let children = scene.lines("children");
        for child in &children {
            assert!(
                !is_running(child),
                "{child} of {children:?} outlived its job"
            );
        }
        let ended = holder.wait();
        assert_eq!(ended.code, Some(75), "{ended:?}");
        assert!(
            ended.stderr.contains("; ended the 2 processes"),
            "{ended:?}"
        );
    }
    println!(
        "descendants: {ROUNDS} rounds, {} of them ended before the next run",
        2 * ROUNDS
    );
    assert_eq!(scene.overlaps(), 0);
}

/// The record is old, because the whole process was stopped; but its pulse has not counted silence.
#[test]
fn a_holder_that_was_only_stopped_answers_and_keeps_its_lock() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let end = format!("end-{round}");
        let mut holder = job(&scene, &["until", &end]).spawn();
        scene.wait_for_record("\"message\":\"working\"");
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        scene.wait_until_stale();
        let newcomer = job(&scene, &["work", "1", "0"]).spawn();
        wait_until("the holder is asked", || is_asked(&scene.lock()));
        holder.signal(Signal::SIGCONT);
        let newcomer = newcomer.wait();
        assert_eq!(newcomer.code, Some(42), "round {round}: {newcomer:?}");
        assert!(newcomer.stderr.contains("has held it for"), "{newcomer:?}");
        scene.give(&end);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(0), "round {round}: {holder:?}");
    }
    println!(
        "stopped and continued: {ROUNDS} rounds, {ROUNDS} answers, {} overlaps",
        scene.overlaps()
    );
    assert_eq!((scene.owners().len(), scene.overlaps()), (ROUNDS, 0));
}

/// It comes to a checkpoint after its gate was closed, while the asker waits: it is stopped there.
#[test]
fn a_hung_holder_that_comes_to_a_checkpoint_while_it_is_asked_stops_there() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let revive = format!("revive-{round}");
        let holder = hang(job(&scene, &["late", &revive]).grace(30_000));
        let newcomer = job(&scene, &["work", "1", "0"]).spawn();
        scene.wait_for_record("\"state\":\"closing\"");
        scene.give(&revive);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "round {round}: {holder:?}");
        assert!(
            holder
                .stderr
                .contains(" stopped, because the lock is lost; "),
            "{holder:?}"
        );
        let newcomer = newcomer.wait();
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
        assert!(newcomer.stderr.contains("lock taken over"), "{newcomer:?}");
    }
    let passed = scene.lines("passed");
    println!(
        "late checkpoints: {ROUNDS} rounds, {} passed, {} overlaps",
        passed.len(),
        scene.overlaps()
    );
    assert_eq!(passed, [""; 0]);
    assert_eq!(scene.overlaps(), 0);
}

/// It comes to a checkpoint after its gate was closed, but the asker is gone: it works on.
#[test]
fn a_hung_holder_that_revives_after_the_asker_is_gone_keeps_its_lock() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        let revive = format!("revive-{round}");
        let holder = hang(job(&scene, &["late", &revive]).grace(30_000));
        let asker = job(&scene, &["work", "1", "0"]).spawn();
        scene.wait_for_record("\"state\":\"closing\"");
        assert_eq!(asker.kill().signal, Some(9), "round {round}");
        scene.give(&revive);
        scene.wait_for_record("\"state\":\"working\"");
        let passed = || scene.lines("passed").len();
        wait_until("the holder passes", || passed() == round);
        let newcomer = job(&scene, &["work", "1", "0"]).spawn().wait();
        assert_eq!(newcomer.code, Some(42), "round {round}: {newcomer:?}");
        scene.give("end");
        let holder = holder.wait();
        assert_eq!(holder.code, Some(0), "round {round}: {holder:?}");
        fs::remove_file(scene.file("end")).expect("begin anew");
    }
    println!(
        "revived: {ROUNDS} rounds, {} passed, {} overlaps",
        scene.lines("passed").len(),
        scene.overlaps()
    );
    assert_eq!((scene.owners().len(), scene.overlaps()), (ROUNDS, 0));
}

/// A slow unit ends at any instant around the one when the gate closes: either the job works on and every newcomer yields, or it
/// is stopped before its next unit and a newcomer runs.
#[test]
fn a_slow_holder_either_passes_or_gives_way() {
    const ROUNDS: usize = 40;
    let mut dice = Dice::new();
    let (mut kept, mut gave_way, mut overlaps) = (0, 0, 0);
    for round in 0..ROUNDS {
        let scene = Scene::new();
        // A little less: a unit of many short sleeps is longer than their sum.
        let unit = (STALE - STALE / 10 + dice.below(240)).to_string();
        let holder = job(&scene, &["slow", &unit]).faults("delay=2000").spawn();
        scene.wait_for_record("\"message\":\"slow from here\"");
        // The newcomers come when it has just become stale, unless it was quicker.
        wait_until("the holder is stale or has passed", || {
            scene.is_stale() || !scene.lines("passed").is_empty()
        });
        let newcomer = |_| {
            job(&scene, &["until", "end"])
                .wait(STALE)
                .faults("delay=2000")
        };
        let newcomers = scene.start_together((0..2).map(newcomer));
        let holder = holder.wait();
        scene.give("end");
        let newcomers: Vec<Ended> = newcomers.into_iter().map(Running::wait).collect();
        let newcomers = Tally::of(&newcomers);
        assert_eq!(
            newcomers.ran + newcomers.yielded,
            2,
            "round {round}: {newcomers}"
        );
        let passed = scene.lines("passed").len();
        match holder.code {
            Some(0) => {
                assert_eq!(passed, 1, "round {round}: {holder:?}");
                kept += 1;
            }
            Some(75) => {
                assert_eq!(
                    passed, 0,
                    "round {round}: stopped, but not before its next unit: {holder:?}"
                );
                gave_way += 1;
            }
            _ => panic!("round {round}: {holder:?}"),
        }
        overlaps += scene.overlaps();
    }
    println!(
        "slow: {ROUNDS} rounds, {kept} kept the lock, {gave_way} gave way, {overlaps} overlaps"
    );
    assert_eq!(overlaps, 0);
}

/// Four threads in a tight loop of checkpoints lose the lock; then each tries many times more.
#[test]
fn no_thread_passes_a_checkpoint_after_another_was_stopped() {
    const ROUNDS: u64 = 20;
    const TRIES: u64 = 12_500;
    let mut sums = [0; 3];
    for round in 0..ROUNDS {
        let scene = Scene::new();
        let holder = job(&scene, &["throng", &TRIES.to_string()])
            .grace(60_000)
            .spawn();
        scene.wait_for_record("\"message\":\"th");
        let other = Guarded::take(&scene.lock()).expect("the guard is free");
        let _other = other.replace();
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "round {round}: {holder:?}");
        let line = scene.lines("throng").pop().expect("the counts");
        let counts = line
            .split(' ')
            .map(|count| count.parse::<u64>().expect("a count"));
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let [passed, tried, late] = sums;
    println!(
        "throng: {ROUNDS} rounds, {passed} passed before, {tried} tried after the stop, {late} late"
    );
    assert!(tried >= 1_000_000);
    assert_eq!(late, 0);
}

/// A locked function that hangs cannot be ended, for its process may serve others; it loses its lock, and passes no checkpoint.
#[test]
fn a_hung_function_loses_its_lock_and_passes_no_checkpoint() {
    const ROUNDS: usize = 5;
    let mut stopped = 0;
    for round in 0..ROUNDS {
        let scene = Scene::new();
        let holder = hang(scene.job(FUNCTION, &["late", "revive"]));
        let newcomer = job(&scene, &["until", "end"]).wait(10_000).spawn();
        scene.wait_for_owners(1);
        scene.give("revive");
        let holder = holder.wait();
        assert_eq!(holder.code, Some(0), "round {round}: {holder:?}");
        assert_eq!(scene.lines("passed"), [""; 0], "round {round}: {holder:?}");
        stopped += scene.lines("stopped").len();
        scene.wait_for_record(&format!("\"process_id\":{},", newcomer.id()));
        scene.give("end");
        let newcomer = newcomer.wait();
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
    }
    println!("hung function: {ROUNDS} rounds, {stopped} checkpoints stopped, 0 passed");
    assert_eq!(stopped, ROUNDS * 1000);
}

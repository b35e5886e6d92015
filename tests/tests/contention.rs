//! Nobody holds the lock, or its holder has just died: of all who come at once exactly one gets it.

use std::time::{Duration, Instant};

use livinglock_tests::{Ended, Job, Running, Scene, Tally, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const ROUNDS: &str = env!("CARGO_BIN_EXE_rounds");

const CONTENDERS: usize = 8;

fn wait_for_all(running: Vec<Running>) -> Vec<Ended> {
    running.into_iter().map(Running::wait).collect()
}

/// The winner works until everybody else has decided: one owner a round, and all others yield.
#[test]
fn of_eight_contenders_one_runs_and_the_others_yield() {
    const ROUNDS: usize = 150;
    let scene = Scene::new();
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        if round % 3 == 1 {
            leave_a_crashed_run(&scene);
        }
        let before = scene.owners().len();
        let end = format!("end-{round}");
        let job = || scene.job(JOB, &["until", &end]).faults("delay=400");
        let mut running = scene.start_together((0..CONTENDERS).map(|_| job()));
        let mut yielded = Vec::new();
        wait_until("all but one have ended", || {
            let ended = running.extract_if(.., Running::has_ended);
            yielded.extend(ended.map(Running::wait));
            running.len() <= 1
        });
        scene.give(&end);
        let ran = wait_for_all(running);
        assert_eq!(ran.len(), 1, "round {round}: nobody owns it: {yielded:?}");
        assert_eq!(ran[0].code, Some(0), "round {round}: {ran:?}");
        for ended in &yielded {
            assert!(ended.stderr.contains("is busy: "), "{ended:?}");
            assert!(ended.stderr.contains("; yielding\n"), "{ended:?}");
        }
        assert_eq!(scene.owners().len(), before + 1, "round {round}");
        assert!(!scene.lock().exists(), "round {round}: released, so removed");
        for ended in ran.iter().chain(&yielded) {
            tally.count(ended);
        }
    }
    let overlaps = scene.overlaps();
    println!("fresh contention: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert_eq!((tally.ran, tally.yielded), (ROUNDS, ROUNDS * (CONTENDERS - 1)));
}

/// The winner leaves at once, so that releasing, removing and taking meet in every order.
#[test]
fn no_two_work_while_owners_come_and_go() {
    const ROUNDS: usize = 150;
    let scene = Scene::new();
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        if round % 3 == 1 {
            leave_a_crashed_run(&scene);
        }
        let job = || {
            scene
                .job(JOB, &["work", "2", "1"])
                .wait(20)
                .faults("delay=800")
        };
        let running = scene.start_together((0..CONTENDERS).map(|_| job()));
        for ended in wait_for_all(running) {
            tally.count(&ended);
        }
    }
    let overlaps = scene.overlaps();
    println!("coming and going: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert_eq!(tally.ran + tally.yielded, ROUNDS * CONTENDERS);
    assert!(tally.ran >= ROUNDS, "somebody runs in every round");
}

/// Processes that never stop taking and leaving: thousands of acquisitions, most of them against somebody.
#[test]
fn thousands_of_acquisitions_do_not_overlap() {
    const TRIES: usize = 1500;
    let scene = Scene::new();
    let job = |faults: &str| {
        scene
            .job(ROUNDS, &[&TRIES.to_string()])
            .faults(faults)
    };
    let running = scene.start_together((0..CONTENDERS).map(|contender| {
        // Some as fast as they can, some slowed down at every step.
        job(["", "delay=200", "delay=2000"][contender % 3])
    }));
    for ended in wait_for_all(running) {
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
    let tries = CONTENDERS * TRIES;
    println!("acquisitions: {tries} tries, {owners} owners, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert!(owners > TRIES, "the lock is taken most of the time: {owners}");
}

/// Not after `stale`, which is an hour here.
#[test]
fn the_lock_of_a_killed_holder_is_free_at_once() {
    const ROUNDS: usize = 60;
    let scene = Scene::new();
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let before = scene.owners().len();
        let holder = scene.job(JOB, &["until", "never"]).spawn();
        scene.wait_for_owners(before + 1);
        scene.wait_for_record("\"message\":\"working\"");
        let killed = holder.kill();
        assert_eq!(killed.code, None, "round {round}: {killed:?}");
        let begun = Instant::now();
        let next = scene.job(JOB, &["work", "1", "0"]).spawn().wait();
        longest = longest.max(begun.elapsed());
        assert_eq!(next.code, Some(0), "round {round}: {next:?}");
        assert!(next.stderr.contains("ended without releasing"), "{next:?}");
        assert!(next.stderr.contains("job.rs:"), "{next:?}");
        assert!(next.stderr.contains("\"working\""), "{next:?}");
    }
    let overlaps = scene.overlaps();
    println!("crash: {ROUNDS} rounds, {overlaps} overlaps, the next run took at most {longest:?}");
    assert_eq!(overlaps, 0);
    assert!(longest < Duration::from_secs(10), "{longest:?}");
}

/// A panic and an abort are told to the next run, too.
#[test]
fn the_next_run_is_told_how_the_last_one_ended() {
    let scene = Scene::new();
    let run = |job: Job| job.spawn().wait();
    assert_eq!(run(scene.job(JOB, &["panic"])).code, Some(101));
    let next = run(scene.job(JOB, &["crash"]));
    assert!(next.stderr.contains(") panicked; last checkpoint"), "{next:?}");
    assert!(next.stderr.contains("\"before the panic\""), "{next:?}");
    assert_eq!(next.code, None);
    let next = run(scene.job(JOB, &["work", "1", "0"]));
    assert!(next.stderr.contains("ended without releasing"), "{next:?}");
    let next = run(scene.job(JOB, &["work", "1", "0"]));
    assert_eq!(next.stderr, "", "released, so there is nothing to tell");
    assert_eq!(scene.overlaps(), 0);
}

/// Leaves a lock file with a record, as a run does that was killed.
fn leave_a_crashed_run(scene: &Scene) {
    let crashed = scene.job(JOB, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    assert!(scene.lock().exists(), "the record stays");
}

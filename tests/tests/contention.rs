//! Nobody holds the lock, or its holder has just died: of all who come at once exactly one gets it.

use std::time::{Duration, Instant};

use livinglock_tests::{Job, PATIENCE, Running, Scene, Tally};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

const CONTENDERS: usize = 8;

/// The winner works until everybody else has decided: one owner a round, and all others yield.
#[test]
fn of_eight_contenders_one_runs_and_the_others_yield() {
    const ROUNDS: usize = 400;
    let scene = Scene::new();
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        if round % 3 == 1 {
            leave_a_crashed_run(&scene);
        }
        let before = scene.owners().len();
        let end = format!("end-{round}");
        let job = || scene.job(JOB, &["until", &end]).faults("delay=400");
        let running = scene.start_together((0..CONTENDERS).map(|_| job()));
        let ended = scene.outlast(running, &end);
        assert_eq!(ended[0].code, Some(0), "round {round}: {ended:?}");
        for ended in &ended[1..] {
            assert_eq!(ended.code, Some(42), "round {round}: {ended:?}");
            assert!(ended.stderr.contains("is busy: "), "{ended:?}");
            assert!(ended.stderr.contains("; yielding\n"), "{ended:?}");
        }
        assert_eq!(scene.owners().len(), before + 1, "round {round}");
        assert!(
            !scene.lock().exists(),
            "round {round}: released, so removed"
        );
        for ended in &ended {
            tally.count(ended);
        }
    }
    let overlaps = scene.overlaps();
    println!("fresh contention: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert_eq!(
        (tally.ran, tally.yielded),
        (ROUNDS, ROUNDS * (CONTENDERS - 1))
    );
}

/// The winner leaves at once, so that releasing, removing and taking meet in every order.
#[test]
fn no_two_work_while_owners_come_and_go() {
    const ROUNDS: usize = 400;
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
        for ended in running.into_iter().map(Running::wait) {
            tally.count(&ended);
        }
    }
    let overlaps = scene.overlaps();
    println!("coming and going: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert_eq!(tally.ran + tally.yielded, ROUNDS * CONTENDERS);
    assert!(tally.ran >= ROUNDS, "somebody runs in every round");
}

/// Processes that never stop taking and leaving: thousands of acquisitions, each against somebody.
#[test]
fn thousands_of_acquisitions_do_not_overlap() {
    const TIMES: usize = 300;
    let scene = Scene::new();
    let contender = |contender: usize| {
        // Some as fast as they can, some slowed down at every step.
        let faults = ["", "delay=200", "delay=2000"][contender % 3];
        scene
            .job(FUNCTION, &["own", &TIMES.to_string()])
            .faults(faults)
    };
    let running = scene.start_together((0..CONTENDERS).map(contender));
    for running in running {
        // A contender may take longer than any single wait, as long as somebody owns the lock meanwhile.
        let ended = running.wait_while(|| scene.owners().len());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let tries: usize = scene
        .lines("tries")
        .iter()
        .map(|tries| tries.parse::<usize>().expect("a count"))
        .sum();
    let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
    println!("acquisitions: {tries} tries, {owners} owners, {overlaps} overlaps");
    assert_eq!((owners, overlaps), (CONTENDERS * TIMES, 0));
}

/// Not after `stale`, which is an hour here.
#[test]
fn the_lock_of_a_killed_holder_is_free_at_once() {
    const ROUNDS: usize = 60;
    let scene = Scene::new();
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let before = scene.owners().len();
        let holder = scene.job(JOB, &["until", "never"]).heartbeat(20).spawn();
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
    assert!(longest < PATIENCE, "{longest:?}");
}

/// A panic and an abort are told to the next run, too.
#[test]
fn the_next_run_is_told_how_the_last_one_ended() {
    let scene = Scene::new();
    let run = |job: Job| job.spawn().wait();
    assert_eq!(run(scene.job(JOB, &["panic"])).code, Some(101));
    let next = run(scene.job(JOB, &["crash"]));
    assert!(
        next.stderr.contains(") panicked; last checkpoint"),
        "{next:?}"
    );
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

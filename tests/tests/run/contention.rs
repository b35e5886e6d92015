//! Of all who come exactly one runs its command.

use livinglock_tests::{Scene, Tally};

use super::{CLI, UNIT};

const CONTENDERS: usize = 8;

#[test]
fn exactly_one_of_eight_runs_its_command() {
    const ROUNDS: usize = 200;
    let scene = Scene::new();
    let lock = scene.lock();
    let lock = lock.to_str().expect("a path in UTF-8");
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let before = scene.owners().len();
        let end = format!("end-{round}");
        let words = [
            "start",
            CLI,
            "run",
            "--busy=42",
            lock,
            "--",
            UNIT,
            "until",
            &end,
        ];
        let job = || scene.job(UNIT, &words).faults("delay=400");
        let running = scene.start_together((0..CONTENDERS).map(|_| job()));
        let ended = scene.outlast(running, &end);
        for ended in &ended {
            tally.count(ended);
        }
        assert_eq!(ended[0].code, Some(0), "round {round}: {ended:?}");
        assert_eq!(scene.owners().len(), before + 1, "round {round}");
        assert!(
            !scene.lock().exists(),
            "round {round}: released, so removed"
        );
    }
    let overlaps = scene.overlaps();
    println!("livinglock run: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps");
    assert_eq!(overlaps, 0);
    assert_eq!(
        (tally.ran, tally.yielded),
        (ROUNDS, ROUNDS * (CONTENDERS - 1))
    );
}

/// The winner leaves at once, and now and then a runner is killed.
#[test]
fn no_two_work_while_runs_come_and_go() {
    const ROUNDS: usize = 100;
    let scene = Scene::new();
    let lock = scene.lock();
    let lock = lock.to_str().expect("a path in UTF-8");
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let words = [
            "start",
            CLI,
            "run",
            "--busy=42",
            "--wait=20ms",
            lock,
            "--",
            UNIT,
            "work",
            "2",
        ];
        let job = || scene.job(UNIT, &words).faults("delay=800");
        let mut running = scene.start_together((0..CONTENDERS).map(|_| job()));
        if round % 2 == 1 {
            tally.count(&running.swap_remove(round % CONTENDERS).kill());
        }
        for running in running {
            tally.count(&running.wait());
        }
    }
    let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
    println!(
        "livinglock run, coming and going: {ROUNDS} rounds of {CONTENDERS}: {tally}, {owners} owners, {overlaps} overlaps"
    );
    assert_eq!(overlaps, 0);
    assert!(owners >= ROUNDS / 2, "somebody runs in most rounds");
}

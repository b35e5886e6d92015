//! Of all who come at once exactly one gets the lock.

use std::collections::BTreeSet;

use livinglock_tests::{Running, Scene, Tally};

use crate::{job, on_each_engine};

const CONTENDERS: usize = 8;

on_each_engine! {
    /// The winner works until everybody else has decided: one owner a round, and all others yield.
    fn of_eight_contenders_one_runs_and_the_others_yield(server) {
        const ROUNDS: usize = 40;
        let scene = Scene::new();
        let mut tally = Tally::default();
        for round in 0..ROUNDS {
            if round % 4 == 1 {
                let crashed = job(&scene, &server, &["crash"]).spawn().wait();
                assert_eq!(crashed.code, None, "{crashed:?}");
            }
            let before = scene.owners().len();
            let end = format!("end-{round}");
            let contenders = (0..CONTENDERS).map(|_| job(&scene, &server, &["until", &end]));
            let ended = scene.outlast(scene.start_together(contenders), &end);
            assert_eq!(ended[0].code, Some(0), "round {round}: {ended:?}");
            for ended in &ended[1..] {
                assert_eq!(ended.code, Some(42), "round {round}: {ended:?}");
                assert!(ended.stderr.contains("is busy: "), "{ended:?}");
            }
            assert_eq!(scene.owners().len(), before + 1, "round {round}");
            for ended in &ended {
                tally.count(ended);
            }
        }
        let overlaps = scene.overlaps();
        println!("{}: {ROUNDS} rounds of {CONTENDERS}: {tally}, {overlaps} overlaps", server.engine());
        assert_eq!(overlaps, 0);
        assert_eq!((tally.ran, tally.yielded), (ROUNDS, ROUNDS * (CONTENDERS - 1)));
        assert_tokens_grow(&scene);
    }

    /// Processes that come and go, each waiting for the lock, so that releasing and taking meet in every order.
    fn no_two_work_while_owners_come_and_go(server) {
        const ROUNDS: usize = 30;
        let scene = Scene::new();
        let mut tally = Tally::default();
        for _ in 0..ROUNDS {
            let contenders = (0..CONTENDERS).map(|_| job(&scene, &server, &["work", "2", "1"]).wait(60_000));
            for ended in scene.start_together(contenders).into_iter().map(Running::wait) {
                tally.count(&ended);
            }
        }
        let overlaps = scene.overlaps();
        println!("{}: {} acquisitions: {tally}, {overlaps} overlaps", server.engine(), scene.owners().len());
        assert_eq!((overlaps, tally.ran), (0, ROUNDS * CONTENDERS));
        assert_tokens_grow(&scene);
    }
}

/// In the order of ownership, which is that of the list while nobody overlaps.
pub(crate) fn assert_tokens_grow(scene: &Scene) {
    let tokens: Vec<u64> = scene
        .lines("tokens")
        .iter()
        .map(|token| token.parse().expect("a token"))
        .collect();
    let sorted: BTreeSet<u64> = tokens.iter().copied().collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), tokens);
}

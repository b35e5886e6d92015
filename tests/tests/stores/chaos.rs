//! Everything at once, for a time: jobs that work, hang, panic and crash, directly and behind proxies that fail, while the server is
//! killed, restarted and stopped.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use livinglock_tests::{Dice, Proxy, Running, Scene, Signal, Tally, soak};

use crate::{
    contention::assert_tokens_grow,
    job, job_at, on_each_engine,
    server::{TROUBLES, heal},
};

const CONTENDERS: usize = 6;

const BEHAVIOURS: &[&[&str]] = &[
    &["work", "1", "0"],
    &["work", "5", "20"],
    &["work", "40", "10"],
    &["work", "40", "100"],
    &["panic"],
    &["crash"],
    &["sleep"],
    &["spin"],
];

on_each_engine! {
    /// Every owner is seen by the witness, and its token is greater than all before it.
    fn no_two_work_whatever_happens_to_them_and_to_the_server(server) {
        let mut server = server;
        let engine = server.engine();
        let port = server.port();
        let scene = Scene::new();
        let mut dice = Dice::new();
        let end = Instant::now() + soak(25);
        let total = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for _ in 0..CONTENDERS {
                let mut dice = dice.fork();
                let (scene, total) = (&scene, &total);
                scope.spawn(move || {
                    let proxy = Proxy::to(port);
                    while Instant::now() < end {
                        let port = if dice.below(3) == 0 { proxy.port() } else { port };
                        let behaviour = dice.choose(BEHAVIOURS);
                        let job = job_at(scene, engine, port, behaviour).wait(dice.below(4000));
                        let ended = see_through(job.spawn(), &proxy, &mut dice);
                        total.lock().unwrap_or_else(PoisonError::into_inner).count(&ended);
                    }
                });
            }
            while Instant::now() < end {
                pause(&mut dice, 3000);
                match dice.below(4) {
                    0 => {
                        server.kill();
                        pause(&mut dice, 1500);
                        server.restart();
                    }
                    1 => {
                        server.shut_down();
                        server.restart();
                    }
                    _ => {
                        server.stop_still();
                        pause(&mut dice, 4000);
                        server.go_on();
                    }
                }
            }
        });
        let last = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(last.code, Some(0), "nobody is stuck: {last:?}");
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
        println!("{engine}: {owners} owners: {total}, {overlaps} overlaps");
        assert_eq!(overlaps, 0);
        assert!(total.ran > 0 && total.killed > 0, "{total}");
        assert_tokens_grow(&scene);
    }
}

/// Waits until a job has ended; kills it, asks it to end, or has its way to the server fail meanwhile, as the dice say.
fn see_through(mut running: Running, proxy: &Proxy, dice: &mut Dice) -> livinglock_tests::Ended {
    let patience = Instant::now() + Duration::from_millis(dice.below(3000));
    while !running.has_ended() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(2));
    }
    match dice.below(3) {
        0 => running.signal(Signal::SIGKILL),
        1 => running.signal(Signal::SIGTERM),
        _ => {
            dice.choose(&TROUBLES)(proxy);
            pause(dice, 4000);
            heal(proxy);
        }
    }
    running.wait()
}

fn pause(dice: &mut Dice, most: u64) {
    thread::sleep(Duration::from_millis(dice.below(most)));
}

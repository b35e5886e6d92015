//! A holder that works, hangs, crashes, or is asked to stop.

use std::{
    thread,
    time::{Duration, Instant},
};

use livinglock_tests::{Engine, Job, Scene, Server, Signal, TABLE, WRONGLY_ACCEPTED, wait_until};

use crate::{CLI, LEASE, OVER, UNIT, contention::assert_tokens_grow, job, on_each_engine, short};

on_each_engine! {
    /// Longer than its lease, which is renewed for its work.
    fn a_holder_that_works_keeps_the_lock(server) {
        let scene = Scene::new();
        // Long enough for the calls of a busy server, and over well before the test is.
        let holder = short(&scene, &server, &["until", "end"]).stale(LEASE * 2).spawn();
        scene.wait_for_owners(1);
        wait_until("its first checkpoint is known", || {
            let newcomer = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
            newcomer.stderr.contains("\"working\"")
        });
        let (begun, mut yielded) = (Instant::now(), 0);
        while begun.elapsed() < OVER * 2 || yielded == 0 {
            let newcomer = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
            if newcomer.code == Some(73) && newcomer.stderr.contains(" not answer ") {
                continue;
            }
            yielded += 1;
            assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
            assert!(newcomer.stderr.contains("leased.rs:"), "{newcomer:?}");
            assert!(newcomer.stderr.contains("\"working\""), "{newcomer:?}");
            assert!(newcomer.stderr.contains(" ago; yielding"), "{newcomer:?}");
        }
        scene.give("end");
        let ended = holder.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        // A disk that is busy with others may keep a server from answering, and that alone may be said.
        let mut said = ended.stderr.lines();
        assert!(said.all(|line| line.contains(" renew")), "{ended:?}");
        // Released: nobody waits, and there is nothing to tell.
        let next = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
        assert_eq!((next.code, &*next.stderr), (Some(0), ""));
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    }

    /// Nobody has to ask: it leaves before its lease has run out, and whoever waits begins after that.
    fn a_hung_holder_stops_itself(server) {
        let scene = Scene::new();
        let hung = short(&scene, &server, &["sleep"]).spawn();
        scene.wait_for_owners(1);
        let newcomer = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
        assert!(newcomer.stderr.contains("about to hang"), "{newcomer:?}");
        let hung = hung.wait();
        assert_eq!(hung.code, Some(75), "{hung:?}");
        for sentence in ["is about to run out after", "reached no checkpoint", "(3/7)", "sleeps in"] {
            assert!(hung.stderr.contains(sentence), "{sentence}: {hung:?}");
        }
        assert_eq!(scene.lines("predecessors"), ["Hung about to hang"]);
        assert_eq!(scene.overlaps(), 0);
        assert_tokens_grow(&scene);
    }

    /// A unit that takes most of the lease is proof of work when it ends, and the lease is renewed for it.
    fn a_slow_holder_that_comes_back_in_time_goes_on(server) {
        let scene = Scene::new();
        let slow = short(&scene, &server, &["late", "go"]).stale(10_000).grace(4000).spawn();
        slow.wait_until_it_says("is about to run out");
        scene.give("go");
        let begun = Instant::now();
        while begun.elapsed() < OVER {
            let newcomer = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
            assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
        }
        scene.give("end");
        let slow = slow.wait();
        assert_eq!(slow.code, Some(0), "{slow:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
    }

    /// Its process was on this machine: that it has gone can be seen, and nobody waits for its lease, which lasts an hour.
    fn the_lock_of_a_killed_holder_is_free_at_once(server) {
        let scene = Scene::new();
        for round in 0..10 {
            let holder = job(&scene, &server, &["until", "never"]).stale(3_600_000).spawn();
            scene.wait_for_owners(round * 2 + 1);
            drop(holder.kill());
            let next = job(&scene, &server, &["work", "1", "1"]).stale(3_600_000).spawn().wait();
            assert_eq!(next.code, Some(0), "{next:?}");
            assert!(next.stderr.contains("ended without releasing"), "{next:?}");
        }
        assert_eq!((scene.owners().len(), scene.overlaps()), (20, 0));
        assert_tokens_grow(&scene);
    }

    /// It is told through the store, and stops at its next checkpoint.
    fn a_run_with_replace_takes_the_place_of_one_that_works(server) {
        let scene = Scene::new();
        for round in 0..3 {
            let holder = job(&scene, &server, &["until", "never"]).spawn();
            scene.wait_for_owners(round * 2 + 1);
            let next = job(&scene, &server, &["work", "1", "1"]).set("REPLACE", "1").spawn().wait();
            assert_eq!(next.code, Some(0), "{next:?}");
            assert!(next.stderr.contains("gave way after"), "{next:?}");
            let holder = holder.wait();
            assert_eq!(holder.code, Some(75), "{holder:?}");
            assert!(holder.stderr.contains("was asked to stop"), "{holder:?}");
        }
        assert_eq!((scene.owners().len(), scene.overlaps()), (6, 0));
    }

    /// Stopped while it writes, past its lease, and woken when another one works: the table takes nothing of it any more.
    fn the_token_refuses_a_frozen_holder(server) {
        const ROUNDS: usize = 3;
        let Some(database) = Server::start(Engine::Postgres) else { return };
        database.sql(TABLE);
        let (mut refused, mut written) = (0, 0);
        for _ in 0..ROUNDS {
            let scene = Scene::new();
            let writer = |job: Job| job.set("TABLE", &database.url()).set("UNSEEN", "1");
            let mut frozen = writer(short(&scene, &server, &["write"])).spawn();
            wait_until("it writes", || scene.lines("written").len() > 3);
            scene.give("freeze");
            frozen.wait_until_stopped();
            let next = writer(job(&scene, &server, &["write"])).wait(60_000).spawn();
            let count = |scene: &Scene| scene.lines("written").len();
            let before = count(&scene);
            wait_until("the next one writes", || count(&scene) > before + 3);
            frozen.signal(Signal::SIGCONT);
            let frozen = frozen.wait();
            assert_eq!(frozen.code, Some(75), "{frozen:?}");
            scene.give("end");
            let next = next.wait();
            assert_eq!(next.code, Some(0), "{next:?}");
            // The one unit that it was in the midst of, and no other.
            refused += scene.lines("refused").len();
            written += count(&scene);
        }
        let wrong = database.sql(WRONGLY_ACCEPTED);
        println!("{}: {ROUNDS} frozen holders: {written} written, {refused} writes refused by the token, {} wrongly accepted",
            server.engine(), wrong.trim());
        assert_eq!((refused, wrong.trim()), (ROUNDS, "0"));
    }

    /// By `at_least`, through the store and by its clock; and then it is free, with nothing to tell.
    fn a_short_run_keeps_the_lock_for_at_least_so_long(server) {
        let scene = Scene::new();
        let run = |name, least| {
            let url = format!("{}#{name}", server.url());
            job(&scene, &server, &["work", "1", "1"]).set("STORE", &url).set("AT_LEAST_MS", least)
        };
        // Too long for any machine to come too late.
        assert_eq!(run("long", "1800000").spawn().wait().code, Some(0));
        let early = run("long", "1800000").spawn().wait();
        assert_eq!(early.code, Some(42), "{early:?}");
        assert!(early.stderr.contains("keeps it for"), "{early:?}");

        let begun = Instant::now();
        assert_eq!(run("short", "2500").spawn().wait().code, Some(0));
        let late = run("short", "2500").wait(60_000).spawn().wait();
        assert_eq!((late.code, &*late.stderr), (Some(0), ""));
        assert!(begun.elapsed().as_millis() >= 2500, "{:?}", begun.elapsed());
    }

    /// Told to stop, and then stopped itself, it can end nobody: but what it has started is ended before its lease has run out.
    fn a_run_that_stands_still_while_it_stops_does_not_outlive_its_lease(server) {
        const IGNORES: &str = r#"trap 'touch "$SCENE/told"' TERM; (trap '' TERM; exec "$0" sleep) & while :; do wait; done"#;
        let scene = Scene::new();
        let url = server.url();
        let options = ["--stale=3s", "--heartbeat=300ms", "--grace=1s", "--margin=700ms", "--name=leased"];
        let command = [&["run"], &options[..], &[&*url, "--", "sh", "-c", IGNORES, UNIT]].concat();
        let mut runner = scene.job(CLI, &command).spawn();
        scene.wait_for_owners(1);
        runner.signal(Signal::SIGTERM);
        wait_until("the command is told", || scene.file("told").exists());
        runner.signal(Signal::SIGSTOP);
        runner.wait_until_stopped();
        let next = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
        runner.signal(Signal::SIGCONT);
        let runner = runner.wait();
        assert_ne!(runner.code, Some(0), "{runner:?}");
    }

    /// What it has started may take its time to end, and the lock is not free before that.
    fn nothing_that_a_stopped_holder_has_started_outlives_its_lock(server) {
        let scene = Scene::new();
        let holder = job(&scene, &server, &["parent", UNIT]).stale(60_000).grace(2500).set("UNSEEN", "1").spawn();
        scene.wait_for_owners(1);
        let next = job(&scene, &server, &["work", "1", "1"]).set("REPLACE", "1").wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
    }

    /// A second reason to stop gives no time that the lease does not have.
    fn a_signal_to_a_holder_whose_lease_runs_out_does_not_put_off_its_end(server) {
        let scene = Scene::new();
        let hung = short(&scene, &server, &["sleep"]).stale(12_000).grace(6000);
        let mut holder = hung.set("GRACEFUL", "1").spawn();
        scene.wait_for_owners(1);
        holder.wait_until_it_says("is about to run out");
        let next = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn();
        // A third of what it says, before it is told for good: the later the signal, the longer it could put the end off.
        thread::sleep(Duration::from_secs(2));
        holder.signal(Signal::SIGTERM);
        let holder = holder.wait();
        let next = next.wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0), "{holder:?}");
    }

    /// Its next run is told, whatever ended it.
    fn the_next_run_knows_how_the_last_one_ended(server) {
        let scene = Scene::new();
        let run = |behaviour| job(&scene, &server, &[behaviour]).spawn().wait();
        assert_eq!(run("panic").code, Some(101));
        assert_eq!(run("crash").code, None);
        let last = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
        assert_eq!(last.code, Some(0), "{last:?}");
        assert_eq!(scene.lines("predecessors"), ["Panicked before the panic", "Crashed "]);
    }

    /// SIGTERM to a `graceful` job: it stops at a checkpoint, and the lock is free for the next one.
    fn a_signal_frees_the_lock(server) {
        let scene = Scene::new();
        let mut holder = job(&scene, &server, &["until", "never"]).set("GRACEFUL", "1").spawn();
        scene.wait_for_owners(1);
        holder.signal(Signal::SIGTERM);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(143), "{holder:?}");
        let next = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert!(next.stderr.contains("was stopped"), "{next:?}");
    }
}

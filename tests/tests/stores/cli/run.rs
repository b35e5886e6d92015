//! `livinglock run` under locks in stores.

use livinglock_tests::{Job, Scene, Server, Signal, Tally, wait_until};

use super::{CLI, UNIT, assert_says, json, lock, shown};
use crate::on_each_engine;

/// Times of a run that is to be found hung soon.
const QUICK: [&str; 5] = [
    "--stale=4s",
    "--heartbeat=300ms",
    "--grace=400ms",
    "--margin=1s",
    "--busy=42",
];

/// Times of a run whose lease nobody waits for.
const LONG: [&str; 3] = ["--stale=1h", "--grace=30s", "--busy=42"];

fn run(scene: &Scene, server: &Server, options: &[&str], command: &[&str]) -> Job {
    let lock = lock(server);
    scene.job(CLI, &[&["run"], options, &[&*lock, "--"], command].concat())
}

/// A command that minds no SIGTERM.
const STUBBORN: [&str; 4] = ["sh", "-c", "trap '' TERM; exec \"$@\"", "sh"];

on_each_engine! {
    fn the_exit_status_is_that_of_the_command(server) {
        let scene = Scene::new();
        for (command, status) in [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("exec /no/such", 127)] {
            let ended = run(&scene, &server, &LONG, &["sh", "-c", command]).spawn().wait();
            assert_eq!(ended.code, Some(status), "{command}: {ended:?}");
            assert!(!ended.stderr.contains("livinglock:"), "{ended:?}");
        }
        let missing = run(&scene, &server, &LONG, &["/no/such"]).spawn().wait();
        assert_eq!(missing.code, Some(127), "{missing:?}");
        assert_says(&missing, &["livinglock: failed to execute /no/such"]);
        assert_eq!(json(&lock(&server))["condition"], "free");
    }

    /// Without a name in the URL the lock has that of the command, or of `--name`.
    fn the_lock_may_be_named_after_the_command(server) {
        let scene = Scene::new();
        for (options, name) in [(&[][..], "unit"), (&["--name=other"][..], "other")] {
            let before = scene.owners().len();
            let url = server.url();
            let arguments = [&["run"], options, &[&*url, "--", UNIT, "until", name]].concat();
            let holder = scene.job(CLI, &arguments).spawn();
            scene.wait_for_owners(before + 1);
            assert_eq!(json(&format!("{}#{name}", server.url()))["condition"], "working");
            scene.give(name);
            assert_eq!(holder.wait().code, Some(0));
        }
    }

    fn a_busy_lock_is_yielded_to(server) {
        let scene = Scene::new();
        let holder = run(&scene, &server, &LONG, &[UNIT, "until", "end"]).spawn();
        scene.wait_for_owners(1);
        for (options, is_silent) in [(&[][..], false), (&["--quiet"], true)] {
            let options = [&LONG, options].concat();
            let newcomer = run(&scene, &server, &options, &[UNIT, "work", "1"]).spawn().wait();
            assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
            assert_eq!(newcomer.stderr.is_empty(), is_silent, "{newcomer:?}");
            if !is_silent {
                let who = format!("{} is busy: pid {} (unit) ", shown(&server), holder.id());
                assert_says(&newcomer, &[&who, "; yielding\n"]);
            }
        }
        let waiting = run(&scene, &server, &[&LONG[..], &["--wait=50s"]].concat(), &[UNIT, "work", "1"]).spawn();
        scene.give("end");
        assert_eq!(holder.wait().code, Some(0));
        let waiting = waiting.wait();
        assert_eq!((waiting.code, &*waiting.stderr), (Some(0), ""));
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    }

    /// What the command has started lives until the keeper has ended it, and the lock is not free before.
    fn a_killed_runner_frees_the_lock_when_its_command_has_gone(server) {
        const ROUNDS: usize = 5;
        let scene = Scene::new();
        for round in 0..ROUNDS {
            let stubborn = [&STUBBORN[..], &[UNIT, "sleep"]].concat();
            let holder = run(&scene, &server, &LONG, &stubborn).spawn();
            scene.wait_for_owners(round * 2 + 1);
            let command = scene.owners().pop().expect("the command");
            assert_eq!(holder.kill().signal, Some(9));
            let at_once = run(&scene, &server, &LONG, &[UNIT, "work", "1"]).spawn().wait();
            if at_once.code == Some(42) {
                let options = [&LONG[..], &["--wait=50s"]].concat();
                let next = run(&scene, &server, &options, &[UNIT, "work", "1"]).spawn().wait();
                assert_eq!(next.code, Some(0), "{next:?}");
                assert_says(&next, &["ended without releasing"]);
            } else {
                assert_eq!(at_once.code, Some(0), "{at_once:?}");
            }
            assert!(!livinglock_tests::is_running(&command), "{command} outlives the lock");
            assert_eq!((scene.owners().len(), scene.overlaps()), (round * 2 + 2, 0), "round {round}");
        }
    }

    /// The keeper ends the command before the lease has run out, and so before anybody else begins.
    fn the_command_of_a_stopped_runner_ends_before_the_next_begins(server) {
        let scene = Scene::new();
        let stubborn = [&STUBBORN[..], &[UNIT, "spin"]].concat();
        let mut holder = run(&scene, &server, &QUICK, &stubborn).spawn();
        scene.wait_for_owners(1);
        let command = scene.owners().remove(0);
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        let options = [&QUICK[..], &["--wait=50s"]].concat();
        let next = run(&scene, &server, &options, &[UNIT, "work", "1"]).spawn();
        wait_until("the command has ended", || !livinglock_tests::is_running(&command));
        // For all that the store knows.
        assert_eq!(scene.owners().len(), 1, "somebody has begun before");
        let next = next.wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_says(&next, &["let its lease run out"]);
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
        holder.signal(Signal::SIGCONT);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
    }

    /// It proves no work, and is ended before its lease runs out; whoever waits begins after that.
    fn a_hung_command_is_ended(server) {
        let scene = Scene::new();
        let options = [&QUICK[..], &["--beat=notify"]].concat();
        let hung = run(&scene, &server, &options, &[UNIT, "speak", "silence"]).spawn();
        scene.wait_for_owners(1);
        wait_until("it has spoken", || json(&lock(&server))["checkpoint"]["message"] == "speaking");
        scene.give("silence");
        let waiting = [&options[..], &["--wait=50s"]].concat();
        let next = run(&scene, &server, &waiting, &[UNIT, "work", "1"]).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_says(&next, &["previous run", "\"speaking\""]);
        let hung = hung.wait();
        assert_eq!(hung.code, Some(75), "{hung:?}");
        assert_says(&hung, &["is about to run out after", "(unit) sleeps in"]);
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    }

    /// Much longer than its lease, by what it does with the processor.
    fn a_working_command_keeps_its_lock(server) {
        let scene = Scene::new();
        let options = [&QUICK[..], &["--beat=cpu"]].concat();
        let holder = run(&scene, &server, &options, &[UNIT, "spin"]).spawn();
        scene.wait_for_owners(1);
        wait_until("it has held the lock for two leases", || {
            let newcomer = run(&scene, &server, &QUICK, &[UNIT, "work", "1"]).spawn().wait();
            assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
            json(&lock(&server))["heartbeats"].as_u64() > Some(16)
        });
        assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
        drop(holder.kill());
    }

    fn of_eight_contenders_one_runs(server) {
        const CONTENDERS: usize = 8;
        const ROUNDS: usize = 10;
        let scene = Scene::new();
        let mut tally = Tally::default();
        for round in 0..ROUNDS {
            let end = format!("end-{round}");
            let lock = lock(&server);
            let contenders = (0..CONTENDERS).map(|_| {
                let run = [&["start", CLI, "run"], &LONG[..], &[&*lock, "--", UNIT, "until", &end]].concat();
                scene.job(UNIT, &run)
            });
            let ended = scene.outlast(scene.start_together(contenders), &end);
            assert_eq!(ended[0].code, Some(0), "round {round}: {ended:?}");
            for ended in &ended {
                tally.count(ended);
            }
        }
        println!("{}: {ROUNDS} rounds of {CONTENDERS}: {tally}, {} overlaps", server.engine(), scene.overlaps());
        assert_eq!((tally.ran, tally.yielded, scene.overlaps()), (ROUNDS, ROUNDS * (CONTENDERS - 1), 0));
        assert_eq!(scene.owners().len(), ROUNDS);
    }

    /// The command is asked by SIGTERM, and has gone when the new one begins.
    fn a_run_with_replace_takes_over_from_a_working_one(server) {
        let scene = Scene::new();
        let holder = run(&scene, &server, &QUICK, &[UNIT, "spin"]).spawn();
        scene.wait_for_owners(1);
        let options = [&QUICK[..], &["--replace"]].concat();
        let next = run(&scene, &server, &options, &[UNIT, "work", "1"]).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_says(&next, &["gave way after", "; lock taken over"]);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
        assert_says(&holder, &["was asked to stop"]);
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    }

    /// `livinglock stop` reaches a command that knows nothing of locks.
    fn a_command_is_stopped(server) {
        let scene = Scene::new();
        let script = "trap 'echo cleaned >> $SCENE/cleaned; exit 0' TERM; echo $$ >> $SCENE/owners; while :; do sleep 0.01; done";
        let holder = run(&scene, &server, &LONG, &["sh", "-c", script]).spawn();
        scene.wait_for_owners(1);
        let stop = scene.job(CLI, &["stop", "--grace=50s", &lock(&server)]).spawn().wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        assert_says(&stop, &["(sh) stopped after"]);
        assert_eq!(holder.wait().code, Some(75));
        assert_eq!(scene.lines("cleaned"), ["cleaned"]);
    }

    /// A margin that leaves nothing of the lease is refused, and nobody runs under it.
    fn a_margin_has_to_fit_into_the_lease(server) {
        let scene = Scene::new();
        let ended = run(&scene, &server, &["--stale=3s", "--grace=300ms", "--margin=3s"], &[UNIT, "work", "1"]).spawn().wait();
        assert_eq!(ended.code, Some(73), "{ended:?}");
        assert_says(&ended, &[&shown(&server), " needs a longer `stale` than 3s", "3s are `margin`"]);
        assert_eq!(scene.owners().len(), 0);
        let ended = run(&scene, &server, &["--stale=3s", "--grace=300ms", "--margin=1s"], &[UNIT, "work", "1"]).spawn().wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// A hung command ends the earlier the longer the margin is: while its lease still lasts so long.
    fn a_margin_is_kept(server) {
        let scene = Scene::new();
        let options = ["--stale=12s", "--grace=300ms", "--heartbeat=300ms", "--margin=8s", "--beat=notify"];
        let mut hung = run(&scene, &server, &options, &[UNIT, "sleep"]).spawn();
        scene.wait_for_owners(1);
        let begun = std::time::Instant::now();
        wait_until("it was ended", || hung.has_ended());
        // Of twelve seconds eight were the margin; on a busy machine it takes some more, but not as much as the margin.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
        assert_eq!(hung.wait().code, Some(75));
    }

    /// The server dies while a command runs, and comes back: the command hears nothing of it.
    fn a_command_outlives_a_server_that_is_started_again(server) {
        let mut server = server;
        let scene = Scene::new();
        let options = ["--stale=20s", "--heartbeat=300ms", "--grace=400ms", "--margin=1s"];
        let holder = run(&scene, &server, &options, &[UNIT, "until", "end"]).spawn();
        scene.wait_for_owners(1);
        server.kill();
        server.restart();
        scene.give("end");
        let ended = holder.wait();
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    }
}

/// What the runner cannot start without it says, and not to whom the password belongs.
#[test]
fn a_runner_that_cannot_begin_says_so_without_the_password() {
    let scene = Scene::new();
    let url = "redis://alice:secret-pw-7@127.0.0.1:1#nightly";
    // The loader needs one descriptor at a time, and the channel to the keeper two.
    let script = format!("ulimit -n 4; exec {CLI} run '{url}' -- true");
    let ended = scene.job("sh", &["-c", &script]).spawn().wait();
    assert_eq!(ended.code, Some(73), "{ended:?}");
    assert_says(
        &ended,
        &["failed to start the keeper of redis://127.0.0.1:1"],
    );
    assert!(!ended.stderr.contains("secret-pw-7"), "{ended:?}");
}

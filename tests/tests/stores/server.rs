//! A server that is killed, stands still, or is cut off from a holder.

use std::time::{Duration, Instant};

use livinglock_tests::{Direction, PATIENCE, Proxy, Running, Scene, Server, wait_until};

use crate::{contention::assert_tokens_grow, job, job_at, on_each_engine, short};

on_each_engine! {
    /// The holder tries again until it is back, and has the lock still; whoever comes meanwhile says what is wrong.
    fn a_holder_outlives_a_server_that_is_killed_and_started_again(server) {
        let mut server = server;
        let scene = Scene::new();
        let holder = job(&scene, &server, &["until", "end"]).stale(20_000).spawn();
        scene.wait_for_owners(1);
        for _ in 0..3 {
            server.kill();
            let refused = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
            assert_eq!(refused.code, Some(73), "{refused:?}");
            assert!(refused.stderr.contains("failed to acquire"), "{refused:?}");
            server.restart();
            let newcomer = job(&scene, &server, &["work", "1", "1"]).wait(200).spawn().wait();
            assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
        }
        scene.give("end");
        let ended = holder.wait();
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
        let next = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!(scene.overlaps(), 0);
        assert_tokens_grow(&scene);
    }

    /// Unreachable at the start obeys `wait`.
    fn a_run_waits_for_a_server_that_is_away(server) {
        let mut server = server;
        let scene = Scene::new();
        server.kill();
        let waiting = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn();
        let refused = job(&scene, &server, &["work", "1", "1"]).wait(300).spawn().wait();
        assert_eq!(refused.code, Some(73), "{refused:?}");
        server.restart();
        let waited = waiting.wait();
        assert_eq!(waited.code, Some(0), "{waited:?}");
    }

    /// The lock cannot be released; the job has ended well all the same.
    fn a_server_that_dies_before_the_release_does_not_fail_the_job(server) {
        let mut server = server;
        let scene = Scene::new();
        let holder = short(&scene, &server, &["until", "end"]).spawn();
        scene.wait_for_owners(1);
        server.kill();
        scene.give("end");
        let ended = holder.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("failed to release the lock in"), "{ended:?}");
        server.restart();
        let next = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
    }

    /// For longer than the lease: the holder leaves before that has run out, and the next one begins when the server knows.
    fn a_holder_leaves_a_server_that_stands_still(server) {
        let scene = Scene::new();
        let holder = short(&scene, &server, &["until", "never"]).spawn();
        scene.wait_for_owners(1);
        server.stop_still();
        let ended = holder.wait();
        assert_eq!(ended.code, Some(75), "{ended:?}");
        for sentence in ["cannot renew its lease", "it works on", "is about to run out and cannot be renewed"] {
            assert!(ended.stderr.contains(sentence), "{sentence}: {ended:?}");
        }
        let refused = short(&scene, &server, &["work", "1", "1"]).wait(0).spawn().wait();
        assert_eq!(refused.code, Some(73), "{refused:?}");
        server.go_on();
        let next = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
        assert_tokens_grow(&scene);
    }

    /// For less than the lease, in every way: the holder notices nothing that it would have to say.
    fn a_short_trouble_on_the_way_goes_by(server) {
        let proxy = Proxy::to(server.port());
        let scene = Scene::new();
        let holder = job_at(&scene, server.engine(), proxy.port(), &["until", "end"]).stale(12_000).spawn();
        scene.wait_for_owners(1);
        for trouble in TROUBLES {
            trouble(&proxy);
            linger(&proxy);
            heal(&proxy);
            let before = proxy.passed(Direction::ToClient);
            wait_until("the holder hears of the server again", || {
                proxy.passed(Direction::ToClient) > before
            });
        }
        scene.give("end");
        let ended = holder.wait();
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
        assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
    }

    /// For longer than the lease, in every way: the holder has left when another one, who has a way, begins.
    fn a_holder_that_is_cut_off_leaves_before_another_begins(server) {
        let scene = Scene::new();
        for (round, trouble) in TROUBLES.iter().enumerate() {
            let proxy = Proxy::to(server.port());
            let holder = job_at(&scene, server.engine(), proxy.port(), &["until", "never"]).spawn();
            scene.wait_for_owners(round * 2 + 1);
            trouble(&proxy);
            // What is cut off but once, or let through later, is no trouble for ever.
            let newcomer = job(&scene, &server, &["work", "1", "1"]).wait(60_000).spawn();
            let stays = Stays { proxy: &proxy, trouble: *trouble };
            let ended = stays.until_ended(holder);
            assert_eq!(ended.code, Some(75), "trouble {round}: {ended:?}");
            let newcomer = newcomer.wait();
            assert_eq!(newcomer.code, Some(0), "trouble {round}: {newcomer:?}");
        }
        let overlaps = scene.overlaps();
        println!("{}: {} holders cut off, {overlaps} overlaps", server.engine(), TROUBLES.len());
        assert_eq!((scene.owners().len(), overlaps), (TROUBLES.len() * 2, 0));
        assert_tokens_grow(&scene);
    }
}

pub(crate) type Trouble = fn(&Proxy);

/// What can happen between a holder and its server.
pub(crate) const TROUBLES: [Trouble; 7] = [
    |proxy| proxy.black_hole(Direction::ToServer),
    |proxy| proxy.black_hole(Direction::ToClient),
    |proxy| {
        proxy.black_hole(Direction::ToServer);
        proxy.black_hole(Direction::ToClient);
    },
    |proxy| proxy.delay(Direction::ToServer, Duration::from_secs(5)),
    |proxy| {
        proxy.refuse();
        proxy.cut();
    },
    |proxy| {
        proxy.refuse();
        proxy.half_close(Direction::ToServer);
    },
    |proxy| {
        proxy.refuse();
        proxy.half_close(Direction::ToClient);
    },
];

pub(crate) fn heal(proxy: &Proxy) {
    proxy.pass();
    proxy.accept_again();
}

/// Waits until the holder must have met the trouble: for something that it sent, or for a time in which it tries more than once.
fn linger(proxy: &Proxy) {
    let begun = Instant::now();
    let before = proxy.arrived(Direction::ToServer);
    wait_until("the holder has met the trouble", || {
        proxy.arrived(Direction::ToServer) > before || begun.elapsed() > Duration::from_secs(1)
    });
}

/// A trouble that stays: each new connection meets it too.
struct Stays<'a> {
    proxy: &'a Proxy,
    trouble: Trouble,
}

impl Stays<'_> {
    fn until_ended(&self, mut holder: Running) -> livinglock_tests::Ended {
        wait_until("the holder has left", || {
            (self.trouble)(self.proxy);
            holder.has_ended()
        });
        holder.wait()
    }
}

/// A process of another machine, as far as the kernel lets us play one, cannot be seen from here: but its session can, by `PostgreSQL`.
#[test]
fn the_end_of_a_session_proves_the_end_of_its_process() {
    let Some(server) = Server::start(livinglock_tests::Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let far = |behaviour: &[&str]| {
        job(&scene, &server, behaviour)
            .stale(3_600_000)
            .faults("omit=process")
    };
    let holder = far(&["until", "never"]).spawn();
    scene.wait_for_owners(1);
    drop(holder.kill());
    let begun = Instant::now();
    let next = far(&["work", "1", "1"]).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    println!(
        "PostgreSQL: the crash on another machine was seen after {:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < PATIENCE,
        "not after an hour: {:?}",
        begun.elapsed()
    );
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
}

/// But not if the server has ended it, or something in between: the holder lives, and makes another one.
#[test]
fn the_end_of_a_session_that_others_have_ended_proves_nothing() {
    let Some(mut server) = Server::start(livinglock_tests::Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let far = |port, behaviour: &[&str]| {
        job_at(&scene, server.engine(), port, behaviour)
            .stale(3_600_000)
            .faults("omit=process")
    };
    let yields = |what: &str, newcomer: Running| {
        let newcomer = newcomer.wait();
        assert_eq!(newcomer.code, Some(42), "{what}: {newcomer:?}");
    };
    let proxy = Proxy::to(server.port());
    let behind = far(proxy.port(), &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    // Cut off for good, but not dead: what is between us and it may have ended the session.
    proxy.refuse();
    proxy.cut();
    yields(
        "behind a proxy",
        far(server.port(), &["work", "1", "1"]).spawn(),
    );
    heal(&proxy);
    scene.give("end");
    assert_eq!(behind.wait().code, Some(0));

    let scene = Scene::new();
    let far = |server: &Server, behaviour: &[&str]| {
        job(&scene, server, behaviour)
            .stale(3_600_000)
            .faults("omit=process")
    };
    let direct = far(&server, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    server.sql(
        "SELECT pg_terminate_backend(session_pid) FROM livinglock WHERE session_pid IS NOT NULL",
    );
    yields(
        "ended by an operator",
        far(&server, &["work", "1", "1"]).spawn(),
    );
    server.kill();
    server.restart();
    yields(
        "after a restart",
        far(&server, &["work", "1", "1"]).wait(500).spawn(),
    );
    scene.give("end");
    assert_eq!(direct.wait().code, Some(0));
    assert_eq!(scene.overlaps(), 0);
}

/// A holder that could not say at once which session is its own now is no holder that has gone.
#[test]
fn a_session_that_could_not_be_told_at_once_is_told_later() {
    let Some(server) = Server::start(livinglock_tests::Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let far = |behaviour: &[&str]| {
        job(&scene, &server, behaviour)
            .stale(3_600_000)
            .faults("omit=process")
    };
    let holder = far(&["until", "end"]).spawn();
    scene.wait_for_owners(1);
    server.sql(
        "CREATE SEQUENCE refused;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE OF session_pid ON livinglock FOR EACH ROW
         WHEN (OLD.owner = NEW.owner) EXECUTE FUNCTION refuse()",
    );
    let old = server.sql("SELECT pg_terminate_backend(session_pid), session_pid FROM livinglock");
    assert!(old.starts_with("t|"), "{old}");
    // What a sequence has given, no failure takes back.
    wait_until("it has another session, and could not say so", || {
        server.sql("SELECT is_called FROM refused") == "t"
    });
    server.sql("DROP TRIGGER refuse ON livinglock");
    let newcomer = far(&["work", "1", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
}

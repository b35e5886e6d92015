//! Against an etcd of one's own.

mod server;

use std::{
    net::TcpListener,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use self::server::{Server, free_port};
use super::*;
use crate::{
    predecessor::Fate,
    record::{Checkpoint, Record, State},
    store::{Farewell, Lease, Requests, Standing},
};

/// The shortest lease that etcd has.
const SHORT: Duration = Duration::from_secs(2);

const LONG: Duration = Duration::from_secs(60);

const HELD: Standing = Standing::Held(Requests {
    proof: false,
    stop: false,
});

fn etcd(url: &str, name: &str) -> Etcd {
    Etcd::new(&Url::parse(url).expect("a URL"), name).expect("a store")
}

fn claim(owner: &str, stale: Duration) -> Claim {
    let mut record = Record::new();
    record.owner = owner.to_owned();
    record.stale_ms = crate::record::milliseconds(stale);
    record.begin();
    Claim::new(record)
}

fn acquired(store: &Etcd, claim: &Claim) -> Acquired {
    match store.acquire(claim).expect("an answer") {
        Attempt::Acquired(acquired) => acquired,
        Attempt::Busy(found) => panic!("busy: {found:?}"),
    }
}

fn busy(store: &Etcd, claim: &Claim) -> Sighting {
    match store.acquire(claim).expect("an answer") {
        Attempt::Acquired(acquired) => panic!("not busy: {acquired:?}"),
        Attempt::Busy(found) => found,
    }
}

fn seen(store: &Etcd) -> Sighting {
    store.look().expect("a look")
}

fn owner(found: &Sighting) -> Option<&str> {
    found.record.as_ref().map(|record| &*record.owner)
}

#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_lock_is_held_renewed_and_released() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "a/b");
    assert!(!seen(&store).is_held && seen(&store).record.is_none());

    let first = acquired(&store, &claim("one", LONG));
    assert!(first.predecessor.is_none());
    assert_eq!(first.lease.length(), Some(LONG));
    let found = busy(&store, &claim("two", LONG));
    assert!(found.is_held && !found.is_gone && !found.is_asked_to_stop);
    assert_eq!(owner(&found), Some("one"));
    // The record was written before its token was known.
    assert_eq!(
        found.record.map(|it| it.fencing_token),
        Some(first.record.fencing_token)
    );
    assert!(
        found
            .left
            .is_some_and(|left| left <= LONG && left > LONG / 2)
    );
    assert!(found.written_ago.is_some_and(|ago| ago < LONG / 2));

    let Acquired {
        mut lease,
        mut record,
        ..
    } = first;
    record.heartbeats = 1;
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    record.heartbeats = 2;
    assert_eq!(lease.note(&record).expect("a note"), HELD);
    assert_eq!(lease.look(&record).expect("a look"), HELD);
    assert_eq!(seen(&store).record.as_deref(), Some(&record));
    assert!(seen(&etcd(&server.url(), "a")).record.is_none());

    lease.end(Farewell::Released(&record)).expect("a release");
    assert!(!seen(&store).is_held && seen(&store).record.is_none());
    let second = acquired(&store, &claim("two", LONG));
    assert!(second.record.fencing_token > record.fencing_token);
    assert!(second.predecessor.is_none());
}

#[test]
fn a_lease_that_runs_out_leaves_its_record() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    // Rounded up.
    let Acquired {
        mut lease,
        mut record,
        ..
    } = acquired(&store, &claim("one", SHORT * 3 / 4));
    record.checkpoint = Some(Checkpoint::default());
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 2 {
        assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
        thread::sleep(SHORT / 10);
    }
    let renewed = Instant::now();
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    eventually("it runs out", || !seen(&store).is_held);
    assert!(renewed.elapsed() >= SHORT);
    assert_eq!(seen(&store).record.as_deref(), Some(&record));

    assert_eq!(lease.look(&record).expect("a look"), Standing::Lost);
    assert_eq!(lease.renew(&record).expect("a renewal"), Standing::Lost);
    assert_eq!(lease.note(&record).expect("a note"), Standing::Lost);
    let second = acquired(&store, &claim("two", LONG));
    let left = second.predecessor.expect("a predecessor");
    assert_eq!((left.record(), left.fate()), (Some(&record), Fate::Crashed));
    assert!(second.record.fencing_token > record.fencing_token);

    // Of the new owner nothing is touched.
    lease.end(Farewell::Left(&record)).expect("an end");
    assert_eq!(owner(&seen(&store)), Some("two"));
    assert!(seen(&store).is_held);
}

#[test]
fn a_lease_that_has_run_out_may_still_leave_its_last_word() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        lease, mut record, ..
    } = acquired(&store, &claim("one", SHORT));
    eventually("it runs out", || !seen(&store).is_held);
    record.state = State::Panicked;
    lease.end(Farewell::Left(&record)).expect("an end");
    assert_eq!(seen(&store).record.as_deref(), Some(&record));
}

#[test]
fn a_lock_is_left_with_its_record() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        lease, mut record, ..
    } = acquired(&store, &claim("one", LONG));
    record.state = State::Stopped;
    lease.end(Farewell::Left(&record)).expect("an end");
    assert!(!seen(&store).is_held);
    assert_eq!(seen(&store).record.as_deref(), Some(&record));
    let next = acquired(&store, &claim("two", LONG));
    assert_eq!(next.predecessor.map(|it| it.fate()), Some(Fate::Stopped));
}

#[test]
fn a_lock_is_kept_for_a_while() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        lease, mut record, ..
    } = acquired(&store, &claim("one", SHORT));
    record.state = State::Kept;
    let begun = Instant::now();
    let keep = Duration::from_millis(3_500);
    lease.end(Farewell::Kept(&record, keep)).expect("an end");
    let found = busy(&store, &claim("two", LONG));
    assert_eq!(found.record.as_deref(), Some(&record));
    assert!(found.left.is_some_and(|left| left >= SHORT));
    eventually("it is free", || !seen(&store).is_held);
    assert!(begun.elapsed() >= keep);
    assert!(acquired(&store, &claim("two", LONG)).predecessor.is_none());
}

#[test]
fn a_lock_is_left_a_moment_after_its_process() {
    let Some(server) = Server::start() else {
        return;
    };
    for (stale, least) in [
        (LONG, Duration::from_secs(1)),
        (SHORT * 3 / 2, Duration::ZERO),
    ] {
        let store = etcd(&server.url(), &format!("{stale:?}"));
        let begun = Instant::now();
        let Acquired { lease, record, .. } = acquired(&store, &claim("one", stale));
        if stale < LONG {
            // Less is left than the shortest lease has.
            thread::sleep(Duration::from_millis(1_200));
        }
        let ended = Instant::now();
        lease
            .end(Farewell::LeftWithProcess(&record))
            .expect("an end");
        assert!(seen(&store).is_held, "some threads may be in mid-unit");
        eventually("it is free", || !seen(&store).is_held);
        assert!(ended.elapsed() >= least && begun.elapsed() < LONG / 4);
        let next = acquired(&store, &claim("two", LONG));
        assert_eq!(
            next.predecessor.as_ref().and_then(Predecessor::record),
            Some(&record)
        );
    }
}

#[test]
fn who_has_gone_is_taken_over_from() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("one", SHORT));
    let mut second = claim("two", LONG);
    second.gone = Some("somebody else".to_owned());
    busy(&store, &second);
    second.gone = Some("one".to_owned());
    let second = acquired(&store, &second);
    assert!(second.record.fencing_token > record.fencing_token);
    assert_eq!(
        second.predecessor.as_ref().and_then(Predecessor::record),
        Some(&record)
    );
    assert_eq!(lease.renew(&record).expect("a renewal"), Standing::Lost);
    for farewell in [
        Farewell::Released(&record),
        Farewell::Kept(&record, SHORT),
        Farewell::LeftWithProcess(&record),
    ] {
        let lease = EtcdLease {
            gateway: store.gateway.clone(),
            keys: store.keys.clone(),
            owner: "one".to_owned(),
            id: "1".to_owned(),
            length: SHORT,
            timeout: DEFAULT_TIMEOUT,
        };
        Box::new(lease).end(farewell).expect("an end");
    }
    // The old lease has nothing to take along when it runs out.
    thread::sleep(SHORT * 2);
    assert!(seen(&store).is_held);
    assert_eq!(seen(&store).record.as_deref(), Some(&second.record));
}

#[test]
fn a_try_whose_answer_was_lost_is_made_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        lease, mut record, ..
    } = acquired(&store, &claim("one", LONG));
    record.state = State::Panicked;
    lease.end(Farewell::Left(&record)).expect("an end");
    let lost = acquired(&store, &claim("two", SHORT));
    let found = acquired(&store, &claim("two", LONG));
    assert!(found.record.fencing_token > lost.record.fencing_token);
    assert_eq!(
        found.predecessor.as_ref().and_then(Predecessor::record),
        Some(&record)
    );
    // The lease of the first try has nothing to take along.
    thread::sleep(SHORT * 2);
    assert!(seen(&store).is_held);
}

#[test]
fn only_the_one_who_is_meant_is_asked_to_stop() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let asked = Standing::Held(Requests {
        stop: true,
        ..Requests::default()
    });
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("one", LONG));
    store.ask_to_stop("two").expect("a request");
    assert!(!seen(&store).is_asked_to_stop);
    assert_eq!(lease.look(&record).expect("a look"), HELD);
    store.ask_to_stop("one").expect("a request");
    assert!(seen(&store).is_asked_to_stop);
    assert_eq!(lease.look(&record).expect("a look"), asked);
    assert_eq!(lease.renew(&record).expect("a renewal"), asked);
    assert_eq!(lease.note(&record).expect("a note"), asked);
    lease.end(Farewell::Left(&record)).expect("an end");
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("two", LONG));
    assert!(!seen(&store).is_asked_to_stop);
    assert_eq!(lease.look(&record).expect("a look"), HELD);
}

#[test]
fn of_many_one_acquires_it() {
    const THREADS: usize = 8;
    let Some(server) = Server::start() else {
        return;
    };
    let barrier = Barrier::new(THREADS);
    let url = server.url();
    let tokens: Vec<Vec<u64>> = thread::scope(|scope| {
        let contend = |which: usize| {
            let (store, barrier) = (etcd(&url, "job"), &barrier);
            scope.spawn(move || {
                let round = |round| {
                    barrier.wait();
                    let attempt = store.acquire(&claim(&format!("{which}-{round}"), LONG));
                    let attempt = attempt.expect("an answer");
                    barrier.wait();
                    match attempt {
                        Attempt::Acquired(Acquired { lease, record, .. }) => {
                            lease.end(Farewell::Released(&record)).expect("a release");
                            record.fencing_token
                        }
                        Attempt::Busy(found) => {
                            assert!(found.is_held && found.record.is_some());
                            0
                        }
                    }
                };
                (0..30).map(round).collect()
            })
        };
        let threads: Vec<_> = (0..THREADS).map(contend).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    let mut last = 0;
    for round in 0..30 {
        let winners: Vec<_> = tokens
            .iter()
            .map(|of| of[round])
            .filter(|&token| token > 0)
            .collect();
        assert!(
            matches!(winners[..], [token] if token > last),
            "{winners:?} after {last}"
        );
        last = winners[0];
    }
}

#[test]
fn a_crash_of_the_server_takes_neither_lock_nor_token() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("one", SHORT));
    server.crash_and_restart();
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    assert_eq!(owner(&busy(&store, &claim("two", SHORT))), Some("one"));
    eventually("it runs out", || !seen(&store).is_held);
    server.crash_and_restart();
    let second = acquired(&store, &claim("two", SHORT));
    assert!(second.record.fencing_token > record.fencing_token);
    assert!(second.predecessor.is_some());
}

#[test]
fn a_frozen_server_keeps_nobody_waiting() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = etcd(&server.url(), "job");
    let mut claim = claim("one", LONG);
    claim.timeout = Duration::from_millis(500);
    let mut attempt = None;
    eventually("it is ours", || {
        attempt = store.acquire(&claim).ok();
        attempt.is_some()
    });
    let Some(Attempt::Acquired(Acquired {
        mut lease, record, ..
    })) = attempt
    else {
        panic!("busy: {attempt:?}");
    };
    server.signal(libc::SIGSTOP);
    for _ in 0..2 {
        let begun = Instant::now();
        let error = lease.renew(&record).expect_err("it is frozen");
        assert!(begun.elapsed() < claim.timeout * 3, "{:?}", begun.elapsed());
        assert!(error.is_of_the_store(), "{error}");
        let why = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert_eq!(why, "it did not answer within 0.5s");
    }
    server.signal(libc::SIGCONT);
    eventually("it answers again", || {
        matches!(lease.renew(&record), Ok(HELD))
    });
}

#[test]
fn a_dead_server_and_a_silent_one_have_others_asked() {
    let Some(server) = Server::start() else {
        return;
    };
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("an address").port();
    let (dead, alive) = (free_port(), server.port);
    let url = format!("etcd://127.0.0.1:{dead},127.0.0.1:{silent},127.0.0.1:{alive}");
    let store = etcd(&url, "job");
    let mut claim = claim("one", LONG);
    claim.timeout = Duration::from_secs(8);
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim);
    // The one that has answered is asked first.
    let begun = Instant::now();
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    assert!(begun.elapsed() < Duration::from_secs(2));
    drop(server);
    let error = lease.renew(&record).expect_err("nobody is there");
    let why = std::error::Error::source(&error)
        .expect("a cause")
        .to_string();
    assert!(
        error.is_of_the_store() && why.contains(&format!("127.0.0.1:{dead}: ")),
        "{why}"
    );
}

#[test]
fn what_is_no_etcd_is_told_from_one_that_is_away() {
    let away = etcd(&format!("etcd://127.0.0.1:{}", free_port()), "job");
    assert!(away.look().expect_err("nobody").is_of_the_store());

    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("etcd://{}", other.local_addr().expect("an address"));
    let answering = thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = other.accept().expect("a connection");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"-ERR unknown command 'POST'\r\n");
    });
    let error = etcd(&url, "job").look().expect_err("no etcd");
    answering.join().expect("an answer");
    assert!(
        error.to_string().contains("does not answer as etcd"),
        "{error}"
    );
}

/// Asks for something that is no part of a lock.
fn ask(store: &Etcd, what: &str, body: &Value) {
    let deadline = Instant::now() + DEFAULT_TIMEOUT;
    let asked = store.gateway.ask::<Value>(what, body, deadline);
    asked.unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"));
}

#[test]
fn users_are_let_in_and_others_told_why_not() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let root = etcd(&server.url(), "job");
    let as_user =
        |login: &str, name| etcd(&server.url().replace("//", &format!("//{login}@")), name);
    let error = as_user("ann:s3cret", "job").look().expect_err("no users");
    assert!(
        error.to_string().contains("its authentication is off"),
        "{error}"
    );

    for user in ["root", "ann", "bob"] {
        ask(
            &root,
            "auth/user/add",
            &json!({"name": user, "password": "s3cret"}),
        );
        ask(&root, "auth/role/add", &json!({"name": user}));
        ask(
            &root,
            "auth/user/grant",
            &json!({"user": user, "role": user}),
        );
    }
    let perm = json!({
        "permType": "READWRITE",
        "key": words::base64("livinglock/"),
        "range_end": words::base64("livinglock0"),
    });
    ask(
        &root,
        "auth/role/grant",
        &json!({"name": "ann", "perm": perm}),
    );
    ask(&root, "auth/enable", &json!({}));

    let store = as_user("ann:s3cret", "job");
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("one", LONG));
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    for (login, remedy) in [
        ("ann:wr0ng", "correct them"),
        ("eve:s3cret", "correct them"),
        ("bob:s3cret", "let bob read"),
    ] {
        let error = as_user(login, "job").look().expect_err(login);
        assert!(
            !error.is_of_the_store() && error.to_string().contains(remedy),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
    }
    let error = root.look().expect_err("nobody");
    assert!(error.to_string().contains("asks for a user"), "{error}");

    // It forgets its tokens.
    server.crash_and_restart();
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    lease.end(Farewell::Released(&record)).expect("a release");
    assert!(!seen(&store).is_held);
}

#[cfg(feature = "cli")]
#[test]
fn locks_are_listed() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = |path: &str| Url::parse(&format!("{}{path}", server.url())).expect("a URL");
    for (path, name) in [("", "b"), ("", "a/b"), ("", "a"), ("/x", "c")] {
        let store = Etcd::new(&url(path), name).expect("a store");
        acquired(&store, &claim(name, LONG));
    }
    let Acquired { lease, record, .. } = acquired(&etcd(&server.url(), "left"), &claim("it", LONG));
    lease.end(Farewell::Left(&record)).expect("an end");
    assert_eq!(names(&url("")).expect("names"), ["a", "a/b", "b", "left"]);
    assert_eq!(names(&url("/x")).expect("names"), ["c"]);
}

#[cfg(feature = "etcd-tls")]
#[test]
fn a_private_authority_is_trusted_if_it_is_named() {
    use std::process::Command;

    let openssl = |folder: &Path, arguments: &str| {
        let ran = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output()
            .expect("openssl");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    };
    let server = Server::start_with(|folder| {
        const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        for authority in ["ca", "other"] {
            openssl(
                folder,
                &format!(
                    "req -x509 {KEY} -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
                ),
            );
        }
        openssl(
            folder,
            &format!(
                "req -x509 {KEY} -subj /CN=etcd -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                 -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem"
            ),
        );
        let file = |name| folder.join(name).display().to_string();
        vec![
            "--cert-file".to_owned(),
            file("server.pem"),
            "--key-file".to_owned(),
            file("server.key"),
        ]
    });
    let Some(server) = server else { return };
    let url = server.url().replace("etcd://", "etcds://");
    let trusting = |authority: &str| {
        let path = server.folder().join(authority);
        etcd(&format!("{url}?ca={}", path.display()), "job")
    };
    let store = trusting("ca.pem");
    let Acquired {
        mut lease, record, ..
    } = acquired(&store, &claim("one", LONG));
    assert_eq!(lease.renew(&record).expect("a renewal"), HELD);
    for store in [trusting("other.pem"), etcd(&url, "job")] {
        let error = store.look().expect_err("it is not trusted");
        assert!(
            error.to_string().contains("name the file of its authority"),
            "{error}"
        );
    }

    let Some(plain) = Server::start() else { return };
    for url in [server.url(), plain.url().replace("etcd://", "etcds://")] {
        let error = etcd(&url, "job")
            .look()
            .expect_err("one has TLS, the other none");
        let why = std::error::Error::source(&error).expect("a cause");
        assert!(
            why.to_string().contains("wants TLS (etcds://) or none"),
            "{why}"
        );
    }
}

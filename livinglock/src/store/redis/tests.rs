//! Against servers of their own, by the clock of those.

use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::{record::State, report};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

/// A server that ends with this value, and its data.
struct Running {
    child: Child,
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

impl Running {
    /// None if there is none on this machine.
    fn start(options: &[&str]) -> Option<Self> {
        if Command::new("redis-server").arg("-v").output().is_err() {
            assert!(env::var_os("CI").is_none(), "redis-server is not installed");
            eprintln!("** NOT TESTED: redis-server is not installed **");
            return None;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let port = free_port();
            let folder = env::temp_dir().join(format!("livinglock-redis-{port}"));
            let options = options
                .iter()
                .map(|text| text.replace("{folder}", &folder.to_string_lossy()));
            let mut server = Self {
                child: Command::new("true").spawn().expect("a process"),
                port,
                folder: folder.clone(),
                options: options.collect(),
            };
            fs::create_dir_all(&folder).expect("a folder");
            // Somebody else may have taken the port.
            if server.run() {
                return Some(server);
            }
            assert!(Instant::now() < deadline, "no server starts");
        }
    }

    /// Starts it, with the data that is there; whether it answers.
    fn run(&mut self) -> bool {
        let _ = self.child.wait();
        let port = self.port.to_string();
        let durable = [
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ];
        self.child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port, "--dir"])
            .arg(&self.folder)
            .args(durable)
            .args(self.options.iter().flat_map(|option| option.split(' ')))
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline && self.child.try_wait().is_ok_and(|end| end.is_none()) {
            let answer = self.cli(&["PING"]);
            if answer.contains("PONG") || answer.contains("NOAUTH") {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// What `redis-cli` answers, so that what is tested does not test itself.
    fn cli(&self, words: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string()]).args(words);
        let answer = cli.output().expect("redis-cli runs").stdout;
        String::from_utf8_lossy(&answer).trim().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.expect("kill runs").success());
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn lock(&self) -> Redis {
        lock(&self.url())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn lock(url: &str) -> Redis {
    Redis::new(&Url::parse(url).expect("a URL"), "job").expect("a store")
}

fn claim(owner: &str, length: Duration) -> Claim {
    let mut claim = Claim::new(Record {
        owner: owner.to_owned(),
        name: format!("job of {owner}"),
        stale_ms: length.as_millis().try_into().expect("a number"),
        ..Record::new()
    });
    claim.timeout = Duration::from_secs(20);
    claim
}

fn acquire(lock: &Redis, owner: &str, length: Duration) -> Acquired {
    acquired(lock.acquire(&claim(owner, length)))
}

fn acquired(attempt: Result<Attempt>) -> Acquired {
    match attempt.expect("an answer") {
        Attempt::Acquired(acquired) => acquired,
        Attempt::Busy(found) => panic!("busy: {found:?}"),
    }
}

fn busy(lock: &Redis, claim: &Claim) -> Sighting {
    match lock.acquire(claim).expect("an answer") {
        Attempt::Acquired(acquired) => panic!("not busy: {acquired:?}"),
        Attempt::Busy(found) => found,
    }
}

fn look(lock: &Redis) -> Sighting {
    lock.look().expect("an answer")
}

fn owner(found: &Sighting) -> &str {
    &found.record.as_ref().expect("a record").owner
}

fn predecessor(acquired: &Acquired) -> Option<&Record> {
    acquired.predecessor.as_ref()?.record()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

const HELD: Standing = Standing::Held(Requests {
    proof: false,
    stop: false,
});
const ASKED: Standing = Standing::Held(Requests {
    proof: false,
    stop: true,
});

#[test]
fn a_lock_has_one_holder_until_it_is_released() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let nothing = look(&lock);
    assert!(!nothing.is_held && nothing.record.is_none() && nothing.left.is_none());

    let first = acquire(&lock, "a", LONG);
    assert!(first.predecessor.is_none());
    assert_eq!(first.lease.length(), Some(LONG));
    let found = busy(&server.lock(), &claim("b", LONG));
    assert_eq!(
        found.record.as_deref(),
        Some(&first.record),
        "its token included"
    );
    assert!(found.is_held && !found.is_gone && !found.is_asked_to_stop);
    assert!(
        found
            .left
            .is_some_and(|left| left <= LONG && left > LONG / 2)
    );
    assert!(found.held_for.is_some_and(|span| span < LONG / 2));
    assert!(found.written_ago.is_some_and(|span| span < LONG / 2));

    let Acquired { lease, record, .. } = first;
    lease.end(Farewell::Released(&record)).expect("released");
    let free = look(&lock);
    assert!(!free.is_held && free.record.is_none());
    let second = acquire(&lock, "b", LONG);
    assert!(second.predecessor.is_none());
    assert!(second.record.fencing_token > record.fencing_token);
}

#[test]
fn a_lease_begins_anew_by_progress_alone() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let Acquired {
        mut lease,
        mut record,
        ..
    } = acquire(&lock, "a", LONG);
    let left = || look(&lock).left.expect("a lease");
    until("time goes on", || left() + Duration::from_millis(50) < LONG);
    let before = left();
    record.heartbeats = 1;
    assert_eq!(lease.note(&record).expect("noted"), HELD);
    assert_eq!(look(&lock).record.as_deref(), Some(&record));
    assert_eq!(lease.look(&record).expect("looked"), HELD);
    assert!(left() <= before);
    record.heartbeats = 2;
    let noted = look(&lock);
    assert_eq!(lease.renew(&record).expect("renewed"), HELD);
    let renewed = look(&lock);
    assert_eq!(renewed.record.as_deref(), Some(&record));
    assert!(renewed.held_for > noted.held_for);
    let at_server = |field| {
        server
            .cli(&["HGET", "livinglock:{job}", field])
            .parse::<u64>()
    };
    let us = |field| at_server(field).expect("a number");
    assert_eq!(us("expires_us") - us("written_us"), 60_000_000);
    assert!(us("written_us") > us("acquired_us"));
    assert_eq!(us("token"), record.fencing_token);
}

#[test]
fn a_lease_that_has_run_out_is_lost_and_never_begun_again() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let Acquired {
        mut lease, record, ..
    } = acquire(&lock, "a", SHORT);
    until("it runs out", || !look(&lock).is_held);
    let left = look(&lock);
    assert_eq!((owner(&left), left.left), ("a", Some(Duration::ZERO)));
    assert_eq!(left.held_for, None);
    for standing in [
        lease.look(&record),
        lease.note(&record),
        lease.renew(&record),
    ] {
        assert_eq!(standing.expect("an answer"), Standing::Lost);
    }
    lease.end(Farewell::Kept(&record, LONG)).expect("ended");
    assert!(!look(&lock).is_held);

    let next = acquire(&lock, "b", LONG);
    assert_eq!(predecessor(&next), Some(&record));
    assert!(next.record.fencing_token > record.fencing_token);
}

#[test]
fn what_a_former_owner_does_changes_nothing() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    for farewell in [
        (|record| Farewell::Released(record)) as fn(&Record) -> Farewell<'_>,
        |record| Farewell::Left(record),
        |record| Farewell::LeftWithProcess(record),
        |record| Farewell::Kept(record, LONG),
    ] {
        let mut old = acquire(&lock, "a", SHORT);
        let mut other = None;
        until("it runs out", || {
            let attempt = lock.acquire(&claim("b", LONG)).expect("an answer");
            if let Attempt::Acquired(acquired) = attempt {
                other = Some(acquired);
            }
            other.is_some()
        });
        let other = other.expect("another owner");
        for standing in [old.lease.renew(&old.record), old.lease.look(&old.record)] {
            assert_eq!(standing.expect("an answer"), Standing::Lost);
        }
        old.lease.end(farewell(&old.record)).expect("left alone");
        let found = look(&lock);
        assert!(found.is_held && owner(&found) == "b");
        let Acquired { lease, record, .. } = other;
        lease.end(Farewell::Released(&record)).expect("released");
    }
}

#[test]
fn a_farewell_says_what_is_left() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let Acquired {
        lease, mut record, ..
    } = acquire(&lock, "a", LONG);
    record.state = State::Stopped;
    lease.end(Farewell::Left(&record)).expect("left");
    let left = look(&lock);
    assert!(!left.is_held && left.record.as_deref() == Some(&record));

    let next = acquire(&lock, "b", LONG);
    assert_eq!(predecessor(&next), Some(&record));
    let Acquired { lease, record, .. } = next;
    lease.end(Farewell::LeftWithProcess(&record)).expect("left");
    let last_moment = look(&lock).left.expect("a moment");
    assert!(last_moment <= Duration::from_secs(1), "{last_moment:?}");
    until("it is free", || !look(&lock).is_held);

    let Acquired {
        lease, mut record, ..
    } = acquire(&lock, "c", SHORT);
    record.state = State::Kept;
    lease.end(Farewell::LeftWithProcess(&record)).expect("left");
    assert!(
        look(&lock).left <= Some(SHORT),
        "not for longer than it would have been"
    );
    until("it is free", || !look(&lock).is_held);

    let Acquired {
        lease, mut record, ..
    } = acquire(&lock, "d", LONG);
    record.state = State::Kept;
    lease.end(Farewell::Kept(&record, 2 * LONG)).expect("kept");
    let kept = look(&lock);
    assert!(kept.is_held && kept.left > Some(LONG));
    assert!(busy(&lock, &claim("e", LONG)).record.as_deref() == Some(&record));
    let after_it = acquired(lock.acquire(&Claim {
        gone: Some("d".to_owned()),
        ..claim("e", LONG)
    }));
    assert!(after_it.predecessor.is_none(), "it was released");
}

#[test]
fn who_is_known_to_have_gone_is_followed_at_once() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let first = acquire(&lock, "a", LONG);
    let mut claim = claim("b", LONG);
    claim.gone = Some("somebody else".to_owned());
    assert_eq!(owner(&busy(&lock, &claim)), "a");
    claim.gone = Some("a".to_owned());
    let second = acquired(lock.acquire(&claim));
    assert_eq!(predecessor(&second), Some(&first.record));
    assert!(second.record.fencing_token > first.record.fencing_token);
}

#[test]
fn a_try_whose_answer_was_lost_is_tried_again() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let Acquired { lease, record, .. } = acquire(&lock, "a", LONG);
    lease.end(Farewell::Left(&record)).expect("left");
    let first = acquire(&lock, "b", LONG);
    let again = acquire(&lock, "b", LONG);
    assert_eq!(predecessor(&again), Some(&record), "not its own");
    assert!(again.record.fencing_token > first.record.fencing_token);
}

#[test]
fn only_the_holder_meant_is_asked_to_stop() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let Acquired {
        mut lease, record, ..
    } = acquire(&lock, "a", LONG);
    lock.ask_to_stop("b").expect("asked");
    assert_eq!(lease.look(&record).expect("looked"), HELD);
    lock.ask_to_stop("a").expect("asked");
    assert!(look(&lock).is_asked_to_stop);
    for standing in [
        lease.look(&record),
        lease.note(&record),
        lease.renew(&record),
    ] {
        assert_eq!(standing.expect("an answer"), ASKED);
    }
    lease.end(Farewell::Left(&record)).expect("left");
    let next = acquire(&lock, "b", LONG);
    lock.ask_to_stop("a").expect("asked");
    assert!(!look(&lock).is_asked_to_stop);
    drop(next);
}

#[test]
fn of_eight_at_a_time_one_wins() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 50;
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let barrier = Barrier::new(THREADS);
    let winners: Vec<_> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let mut tokens: Vec<(usize, u64)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (lock, barrier, winners) = (server.lock(), &barrier, &winners);
                scope.spawn(move || {
                    let mut won = Vec::new();
                    for (round, winners) in winners.iter().enumerate() {
                        barrier.wait();
                        let attempt = lock.acquire(&claim(&format!("{thread}/{round}"), LONG));
                        barrier.wait();
                        if let Attempt::Acquired(acquired) = attempt.expect("an answer") {
                            winners.fetch_add(1, SeqCst);
                            won.push((round, acquired.record.fencing_token));
                            let released = Farewell::Released(&acquired.record);
                            acquired.lease.end(released).expect("released");
                        }
                        barrier.wait();
                    }
                    won
                })
            })
            .collect();
        let won = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ends"));
        won.flatten().collect()
    });
    assert!(
        winners.iter().all(|winners| winners.load(SeqCst) == 1),
        "{winners:?}"
    );
    tokens.sort_unstable();
    assert!(tokens.is_sorted_by(|a, b| a.1 < b.1), "{tokens:?}");
}

#[test]
fn a_lock_that_many_threads_use_serves_each() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let lock: Arc<dyn Store> = Arc::new(server.lock());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| drop(lock.look().expect("an answer"))));
        }
    });
}

#[test]
fn a_lock_survives_a_crash_of_the_server_and_its_token_the_loss_of_data() {
    let Some(mut server) = Running::start(&[]) else {
        return;
    };
    let lock = server.lock();
    let mut first = acquire(&lock, "a", LONG);
    server.signal("KILL");
    let _ = server.child.wait();
    let down = lock.look().expect_err("it is down");
    assert!(down.is_of_the_store(), "{down}");
    assert!(
        report::chain(&down).ends_with("connection refused"),
        "{down:?}"
    );
    assert!(server.run());
    assert_eq!(first.lease.renew(&first.record).expect("renewed"), HELD);
    assert_eq!(owner(&busy(&lock, &claim("b", LONG))), "a");

    assert_eq!(server.cli(&["FLUSHALL"]), "OK");
    assert_eq!(
        first.lease.look(&first.record).expect("looked"),
        Standing::Lost
    );
    let second = acquire(&lock, "b", LONG);
    assert!(second.record.fencing_token > first.record.fencing_token);
}

#[test]
fn a_connection_that_was_closed_is_made_again_at_once() {
    let Some(mut server) = Running::start(&[]) else {
        return;
    };
    let Acquired { lease, record, .. } = acquire(&server.lock(), "a", LONG);
    server.signal("KILL");
    assert!(server.run());
    lease
        .end(Farewell::Released(&record))
        .expect("released, though nobody tries again");
    assert!(!look(&server.lock()).is_held);
}

#[test]
fn a_server_that_stands_still_is_waited_for_no_longer_than_allowed() {
    // With a login and a database to select, which take answers of their own.
    let Some(server) = Running::start(&["--user", "me on >pass ~* +@all"]) else {
        return;
    };
    let lock = lock(&format!("redis://me:pass@127.0.0.1:{}/3", server.port));
    let mut held = acquire(&lock, "a", LONG);
    let mut claim = claim("b", LONG);
    let second = Duration::from_secs(1);
    claim.timeout = second;
    server.signal("STOP");
    for _ in 0..2 {
        // On the connection that there was, then on a new one.
        let begun = Instant::now();
        let error = lock.acquire(&claim).expect_err("no answer");
        let took = begun.elapsed();
        assert!(error.is_of_the_store(), "{error}");
        assert!(
            report::chain(&error).ends_with("did not answer within 1s"),
            "{error:?}"
        );
        assert!(took >= second && took < second * 2, "{took:?}");
    }
    server.signal("CONT");
    assert_eq!(
        owner(&look(&lock)),
        "a",
        "and not the answer to another question"
    );
    assert_eq!(held.lease.renew(&held.record).expect("renewed"), HELD);
}

/// That whoever waits for the lock does not wait for this.
fn lasting(url: &str) -> String {
    let error = lock(url).look().expect_err(url);
    assert!(!error.is_of_the_store(), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains("s3cret"), "{text}");
    text
}

#[test]
fn what_is_wrong_in_the_url_is_told_with_a_remedy() {
    let Some(server) =
        Running::start(&["--user", "me on >s3cret ~* +@all", "--user", "default off"])
    else {
        return;
    };
    let at = |login: &str, path: &str| format!("redis://{login}127.0.0.1:{}{path}", server.port);
    for (url, remedy) in [
        (at("", ""), "write it into the URL"),
        (at("me:s3cret2@", ""), "refuses this user or password"),
        (at(":s3cret@", ""), "refuses this user or password"),
        (at("me:s3cret@", "/99"), "no database of this number"),
    ] {
        let text = lasting(&url);
        assert!(text.contains(remedy), "{text}");
    }
    assert!(!look(&lock(&at("me:s3cret@", "/15"))).is_held);

    let names = [
        "redis://no-such-host.invalid",
        &format!("redis://127.0.0.1:{}", free_port()),
    ];
    for url in names {
        let error = lock(url).look().expect_err(url);
        assert!(error.is_of_the_store(), "it may come: {error}");
    }
}

#[test]
fn what_is_no_redis_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let web_server = thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let text = lasting(&format!("redis://127.0.0.1:{port}"));
    assert!(text.contains("does not answer as Redis does"), "{text}");
    web_server.join().expect("it ends");
}

#[test]
fn another_value_in_the_key_is_left_alone() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    server.cli(&["SET", "livinglock:{job}", "mine"]);
    let text = lasting(&server.url());
    assert!(text.contains("something else in its key"), "{text}");
    assert_eq!(server.cli(&["GET", "livinglock:{job}"]), "mine");
}

#[test]
fn the_permissions_that_are_told_of_are_enough() {
    let told = trouble::LACKS_PERMISSION;
    let permissions = told.split('`').nth(1).expect("permissions");
    let few = format!("me on >pass {permissions}");
    let Some(server) = Running::start(&["--user", &few, "--user", "you on >pass ~* +eval"]) else {
        return;
    };
    let at = |login: &str| format!("redis://{login}@127.0.0.1:{}/1", server.port);
    let lock = lock(&at("me:pass"));
    let Acquired {
        mut lease, record, ..
    } = acquire(&lock, "a", LONG);
    lock.ask_to_stop("a").expect("asked");
    assert_eq!(lease.renew(&record).expect("renewed"), ASKED);
    lease.end(Farewell::Released(&record)).expect("released");
    assert!(lasting(&at("you:pass")).contains("does not let this user"));
}

#[test]
fn a_replica_is_told_apart() {
    let Some(primary) = Running::start(&[]) else {
        return;
    };
    let replicaof = ["--replicaof", "127.0.0.1", &primary.port.to_string()];
    let replica = Running::start(&replicaof).expect("a server");
    let attempt = replica.lock().acquire(&claim("a", LONG));
    let error = attempt.expect_err("read-only");
    assert!(error.is_of_the_store(), "it may be promoted: {error}");
    assert!(
        report::chain(&error).contains("it is a replica"),
        "{error:?}"
    );
}

#[test]
fn sentinels_say_where_the_primary_is() {
    let Some(server) = Running::start(&["--requirepass", "pass", "--protected-mode", "no"]) else {
        return;
    };
    let port = free_port();
    let file = server.folder.join("sentinel.conf");
    let port_of = server.port;
    let lines = format!(
        "bind 127.0.0.1\nport {port}\nsentinel monitor main 127.0.0.1 {port_of} 1\nsentinel auth-pass main pass\n"
    );
    fs::write(&file, lines).expect("a file");
    let sentinel = Command::new("redis-server")
        .arg(&file)
        .arg("--sentinel")
        .stdout(Stdio::null())
        .spawn();
    let sentinel = Running {
        child: sentinel.expect("a Sentinel"),
        port,
        folder: server.folder.join("sentinel"),
        options: Vec::new(),
    };
    until("it answers", || sentinel.cli(&["PING"]).contains("PONG"));
    let nobody = free_port();
    let at = |primary: &str| {
        format!("redis+sentinel://:pass@127.0.0.1:{nobody},127.0.0.1:{port}/{primary}/2")
    };
    let lock_there = lock(&at("main"));
    let held = acquire(&lock_there, "a", LONG);
    assert_eq!(owner(&look(&lock_there)), "a");
    assert!(look(&lock(&format!("redis://:pass@127.0.0.1:{port_of}/2"))).is_held);
    drop(held);
    let error = lock(&at("other")).look().expect_err("there is none");
    assert!(
        report::chain(&error).contains("no primary of this name"),
        "{error:?}"
    );
}

#[test]
fn a_node_of_a_cluster_leads_to_the_one_that_has_the_lock() {
    let start = || {
        let bus = free_port().to_string();
        Running::start(&["--cluster-enabled", "yes", "--cluster-port", &bus])
            .map(|node| (node, bus))
    };
    let Some((all, bus)) = start() else {
        return;
    };
    let (other, _) = start().expect("a server");
    assert_eq!(all.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    let port = all.port.to_string();
    assert_eq!(
        other.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]),
        "OK"
    );
    let is_up = |node: &Running| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
    until("they know each other", || is_up(&all) && is_up(&other));
    let Acquired {
        mut lease, record, ..
    } = acquire(&other.lock(), "a", LONG);
    assert_eq!(owner(&busy(&all.lock(), &claim("b", LONG))), "a");
    assert_eq!(lease.renew(&record).expect("renewed"), HELD);
    lease.end(Farewell::Released(&record)).expect("released");
    assert!(lasting(&format!("{}/1", all.url())).contains("leave the number out"));
}

#[cfg(feature = "redis-tls")]
#[test]
fn tls_trusts_the_ca_that_is_named() {
    let tls = [
        "--tls-port",
        "{port}",
        "--tls-cert-file",
        "{folder}/cert.pem",
        "--tls-key-file",
        "{folder}/key.pem",
        "--tls-ca-cert-file",
        "{folder}/cert.pem",
    ];
    let folder = env::temp_dir().join(format!("livinglock-redis-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=test",
        ])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-days",
            "2",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .current_dir(&folder)
        .output();
    assert!(made.expect("openssl runs").status.success());
    let port = free_port();
    let options: Vec<_> = tls
        .iter()
        .map(|text| {
            text.replace("{port}", &port.to_string())
                .replace("{folder}", &folder.to_string_lossy())
        })
        .collect();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let Some(_server) = Running::start(&options) else {
        return;
    };
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let (cert, key) = (cert.display(), key.display());
    let url = format!("rediss://127.0.0.1:{port}");
    let whole = format!("{url}/2?ca={cert}&cert={cert}&key={key}");
    let lock_there = lock(&whole);
    let _held = acquire(&lock_there, "a", LONG);
    assert_eq!(owner(&look(&lock_there)), "a");
    for wrong in [
        url.clone(),
        format!("{url}?ca={cert}"),
        format!("{url}?ca={key}"),
    ] {
        let text = lasting(&wrong);
        assert!(text.contains("cannot be trusted"), "{text}");
    }
    let _ = fs::remove_dir_all(&folder);
}

#[cfg(feature = "cli")]
#[test]
fn all_locks_of_a_database_are_listed() {
    let Some(server) = Running::start(&[]) else {
        return;
    };
    let url = Url::parse(&server.url()).expect("a URL");
    assert_eq!(names(&url).expect("names"), [""; 0]);
    for name in ["b", "a", "c}d", "é"] {
        let lock = Redis::new(&url, name).expect("a store");
        drop(acquire(&lock, "a", LONG));
    }
    server.cli(&["SET", "another", "x"]);
    server.cli(&["DEBUG", "POPULATE", "3000"]);
    assert_eq!(names(&url).expect("names"), ["a", "b", "c}d", "é"]);
}

#[test]
fn a_length_stays_exact_in_the_scripts() {
    assert_eq!(microseconds(SHORT), "300000");
    let longest: u64 = microseconds(Duration::MAX).parse().expect("a number");
    let year_2100 = 4_102_444_800_000_000;
    assert!(longest + year_2100 < 1 << 53);
}

//! The stores of engines keep what every store has to keep, on real servers.

use livinglock::{
    Record,
    store::{Attempt, Claim, ToStore},
    testing::conformance::Conformance,
};
use livinglock_tests::{Engine, Server};

fn conforms(engine: Engine) {
    let Some(server) = Server::start(engine) else {
        return;
    };
    let url = server.url();
    Conformance::new(move |name| url.to_store(name).expect("a store")).run();
}

#[test]
fn postgres() {
    conforms(Engine::Postgres);
}

#[test]
fn redis() {
    conforms(Engine::Redis);
}

#[test]
fn etcd() {
    conforms(Engine::Etcd);
}

/// The answer to a try may be lost, and with it the word of the run before: to the next try by the same owner it is said again.
fn the_run_before_is_known_to_whoever_asks_twice(engine: Engine) {
    let Some(server) = Server::start(engine) else {
        return;
    };
    let store = server.url().to_store("twice").expect("a store");
    let claim = |owner: &str| {
        let mut record = Record::default();
        record.livinglock = 1;
        owner.clone_into(&mut record.owner);
        record.stale_ms = 60_000;
        Claim::new(record)
    };
    let acquire = |claim: &Claim| match store.acquire(claim).expect("a server") {
        Attempt::Acquired(acquired) => acquired,
        Attempt::Busy(found) => panic!("{found:?}"),
    };
    let crashed = acquire(&claim("before"));
    let mut next = claim("next");
    next.gone = Some("before".to_owned());
    let first = acquire(&next);
    for again in [first, acquire(&next), acquire(&next)] {
        let before = again.predecessor.expect("the run before");
        let owner = before.record().map(|record| &*record.owner);
        assert_eq!(owner, Some("before"));
        assert!(again.record.fencing_token > crashed.record.fencing_token);
    }
}

#[test]
fn postgres_says_it_twice() {
    the_run_before_is_known_to_whoever_asks_twice(Engine::Postgres);
}

#[test]
fn redis_says_it_twice() {
    the_run_before_is_known_to_whoever_asks_twice(Engine::Redis);
}

#[test]
fn etcd_says_it_twice() {
    the_run_before_is_known_to_whoever_asks_twice(Engine::Etcd);
}

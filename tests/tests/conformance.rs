//! The stores of engines keep what every store has to keep, on real servers.

use livinglock::{store::ToStore, testing::conformance::Conformance};
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

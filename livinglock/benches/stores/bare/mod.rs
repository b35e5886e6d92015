//! Bare clients: the statements of our stores, by the same crates, on one connection that is kept.

mod etcd;
mod postgres;
mod redis;

use livinglock_tests::Engine;

use crate::client::Client;

/// A client of the lock of this name at a server.
pub(crate) fn client(engine: Engine, port: u16, name: &str) -> Box<dyn Client> {
    match engine {
        Engine::Postgres => Box::new(postgres::Bare::connect(port, name)),
        Engine::Redis => Box::new(redis::Bare::connect(port, name)),
        Engine::Etcd => Box::new(etcd::Bare::new(port, name)),
    }
}

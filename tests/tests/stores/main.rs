//! Locks in stores: real servers, which are killed, stopped and cut off, and real processes before the eyes of the witness.

mod chaos;
mod cli;
mod contention;
mod errors;
mod holder;
mod network;
mod server;

use std::time::Duration;

use livinglock_tests::{Engine, Job, Scene, Server};

const JOB: &str = env!("CARGO_BIN_EXE_leased");
const CLI: &str = env!("CARGO_BIN_EXE_cli");
const UNIT: &str = env!("CARGO_BIN_EXE_unit");

/// A test on each engine.
macro_rules! on_each_engine {
    ($($(#[$attribute:meta])* fn $name:ident($server:ident) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "some tests need no more than the server")]
            use super::*;

            fn test(engine: livinglock_tests::Engine) {
                if let Some(started) = livinglock_tests::Server::start(engine) {
                    body(started);
                }
            }

            fn body($server: livinglock_tests::Server) $body

            #[test]
            fn postgres() {
                test(livinglock_tests::Engine::Postgres);
            }

            #[test]
            fn redis() {
                test(livinglock_tests::Engine::Redis);
            }

            #[test]
            fn etcd() {
                test(livinglock_tests::Engine::Etcd);
            }
        }
    )*};
}
use on_each_engine;

/// The length of a lease here, in milliseconds: etcd has no shorter ones, and the rest of it has to be worth something.
const LEASE: u64 = 3000;

/// A job with its lock at this port of such a server.
fn job_at(scene: &Scene, engine: Engine, port: u16, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .set("STORE", &engine.url(port))
        .stale(LEASE)
}

/// A job whose lease does not run out here, and which gives a busy server its time: that for a call is a part of the lease.
fn job(scene: &Scene, server: &Server, behaviour: &[&str]) -> Job {
    short(scene, server, behaviour).stale(60_000).wait(0)
}

/// A job whose lease runs out soon; and which asks for it again if a call takes longer than it may.
fn short(scene: &Scene, server: &Server, behaviour: &[&str]) -> Job {
    job_at(scene, server.engine(), server.port(), behaviour).wait(60_000)
}

/// Longer than a lease, and whatever comes before and after it.
const OVER: Duration = Duration::from_millis(LEASE + 2000);

//! What a lock in a server costs: each operation beside a bare client that says the same, and a job's checkpoints while the server
//! stands still.

mod bare;
mod client;
mod frozen;
mod ours;
mod trips;

use std::{
    thread,
    time::{Duration, Instant},
};

use livinglock::Lock;
use livinglock_benches::{Subject, Table, print_host, timed};
use livinglock_tests::{Engine, Server};

use client::Client;
use ours::Ours;

/// An operation.
#[derive(Clone, Copy)]
struct Operation {
    bare: &'static str,
    ours: &'static str,
    /// Both do it to the lock that is held by ours.
    is_of_others: bool,
    /// What has to be before each: the lock free or held, and the connection awake.
    prepare: fn(&mut dyn Client),
    run: fn(&mut dyn Client),
}

const OPERATIONS: [Operation; 5] = [
    Operation {
        bare: "bare acquire",
        ours: "`Store::acquire`",
        is_of_others: false,
        prepare: |client| {
            client.make_ready();
            settle();
        },
        run: |client| client.acquire(),
    },
    Operation {
        bare: "bare look of the holder",
        ours: "`Lease::look`",
        is_of_others: false,
        prepare: |client| client.look(),
        run: |client| client.look(),
    },
    Operation {
        bare: "bare renewal",
        ours: "`Lease::renew`",
        is_of_others: false,
        prepare: |client| client.renew(),
        run: |client| client.renew(),
    },
    Operation {
        bare: "bare look of others",
        ours: "`Store::look`",
        is_of_others: true,
        prepare: |client| client.see(),
        run: |client| client.see(),
    },
    Operation {
        bare: "bare release",
        ours: "`Lease::end`",
        is_of_others: false,
        prepare: |client| {
            client.make_ready();
            settle();
            client.acquire();
        },
        run: |client| client.release(),
    },
];

impl Operation {
    /// Does it so often; how long that took, without what has to be before.
    fn time(self, client: &mut dyn Client, passes: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..passes {
            (self.prepare)(client);
            let start = Instant::now();
            (self.run)(client);
            took += start.elapsed();
        }
        settle();
        took
    }
}

/// Leaves a server time to clean up after the connections that were closed, so that nobody else is measured meanwhile.
fn settle() {
    thread::sleep(Duration::from_millis(5));
}

/// Measures something that closes its connection.
fn from_nothing<'a>(mut action: impl FnMut() + 'a) -> impl FnMut(u64) -> Duration + 'a {
    move |passes| {
        let took = timed(|passes| (0..passes).for_each(|_| action()))(passes);
        settle();
        took
    }
}

/// A bare client and ours, each with a lock of its own, which it holds.
fn pair(engine: Engine, port: u16, operation: Operation) -> [Box<dyn Client>; 2] {
    let holding = |mut client: Box<dyn Client>| {
        client.make_ready();
        client.acquire();
        client
    };
    // Ours first: it creates the table, where there is one.
    let name = |subject: &str| format!("{subject} at {port}");
    let lock = name(operation.ours);
    let ours = holding(Box::new(Ours::new(&engine.url(port), &lock)));
    let bare = if operation.is_of_others {
        bare::client(engine, port, &lock)
    } else {
        holding(bare::client(engine, port, &name(operation.bare)))
    };
    [bare, ours]
}

/// From nothing to a lock, and back.
fn whole_bare(engine: Engine, port: u16) {
    let mut client = bare::client(engine, port, "whole");
    client.acquire();
    client.release();
}

fn whole(engine: Engine, port: u16) {
    Lock::options()
        .name("whole, ours")
        .acquire_in(engine.url(port))
        .and_then(Lock::release)
        .expect("a lock");
}

fn operations(server: &Server) {
    let (engine, port) = (server.engine(), server.port());
    let mut table = Table::new(format!(
        "{engine}: operations, by a connection that is there"
    ))
    .pairs();
    for operation in OPERATIONS {
        let [mut bare, mut ours] = pair(engine, port, operation);
        table = table
            .row(
                Subject::new(operation.bare).copy(move |passes| operation.time(&mut *bare, passes)),
            )
            .row(
                Subject::new(operation.ours).copy(move |passes| operation.time(&mut *ours, passes)),
            );
    }
    table
        .row(
            Subject::new("bare, from connecting to closing")
                .copy(from_nothing(|| whole_bare(engine, port))),
        )
        .row(Subject::new("`acquire_in` and `release`").copy(from_nothing(|| whole(engine, port))))
        .run();
}

fn main() {
    print_host();
    for engine in Engine::ALL {
        let server = match engine {
            // To write to a disk takes longer than all that is measured here.
            Engine::Redis => Server::start_redis_without_persistence(),
            _ => Server::start(engine),
        };
        // It has said itself why not.
        let Some(server) = server else { continue };
        trips::count(&server);
        operations(&server);
        frozen::checkpoints(&server);
    }
}

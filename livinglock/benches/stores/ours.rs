//! The stores of the library.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use livinglock::{
    Record,
    store::{Acquired, Attempt, Claim, Farewell, Lease, Requests, Standing, Store, ToStore},
};

use crate::client::Client;

/// A lock in a store.
pub(crate) struct Ours {
    /// By which the lock is acquired.
    store: Arc<dyn Store>,
    /// By which others look.
    others: Arc<dyn Store>,
    held: Option<(Box<dyn Lease>, Record)>,
}

const HELD: Standing = Standing::Held(Requests {
    proof: false,
    stop: false,
});

impl Ours {
    pub(crate) fn new(url: &str, name: &str) -> Self {
        Self {
            store: url.to_store(name).expect("a store"),
            others: url.to_store(name).expect("a store"),
            held: None,
        }
    }

    fn held(&mut self) -> &mut (Box<dyn Lease>, Record) {
        self.held.as_mut().expect("a lock that is held")
    }
}

impl Client for Ours {
    /// A lease of `PostgreSQL` takes the connection with it by which it was acquired: whoever comes next is refused first, and so has one.
    fn make_ready(&mut self) {
        if self.held.is_none() {
            self.acquire();
        }
        let attempt = self.store.acquire(&claim()).expect("an answer");
        assert!(matches!(attempt, Attempt::Busy(found) if found.is_held));
        self.release();
    }

    fn acquire(&mut self) {
        match self.store.acquire(&claim()).expect("an answer") {
            Attempt::Acquired(Acquired { lease, record, .. }) => self.held = Some((lease, record)),
            Attempt::Busy(found) => panic!("it is busy: {found:?}"),
        }
    }

    fn look(&mut self) {
        let (lease, record) = self.held();
        assert_eq!(lease.look(record).expect("an answer"), HELD);
    }

    fn renew(&mut self) {
        let (lease, record) = self.held();
        assert_eq!(lease.renew(record).expect("an answer"), HELD);
    }

    fn see(&mut self) {
        assert!(self.others.look().expect("an answer").is_held);
    }

    fn release(&mut self) {
        let (lease, record) = self.held.take().expect("a lock that is held");
        lease.end(Farewell::Released(&record)).expect("an answer");
    }
}

/// As of a job on another machine, with an owner that nobody else is.
fn claim() -> Claim {
    Claim::new(record())
}

/// The record of such a job.
pub(crate) fn record() -> Record {
    static OWNERS: AtomicU64 = AtomicU64::new(1);
    let mut record = Record::default();
    record.livinglock = 1;
    record.name = "nightly".into();
    record.host = "another".into();
    record.process_id = process::id();
    record.owner = format!("{:032x}", OWNERS.fetch_add(1, Relaxed));
    record.stale_ms = 3_600_000;
    record.tick_ms = 1000;
    record
}

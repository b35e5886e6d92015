//! Locks in Redis, or Valkey: one hash a lock, and one script for each change of it.
//!
//! | URL | what it leads to |
//! |---|---|
//! | `redis://user:password@host:6379/0` | one server; all but the host may be left out |
//! | `rediss://host/0?ca=/path/ca.pem` | the same by TLS (feature `redis-tls`), trusting this CA instead of those of the system; `cert` and `key` are the files of a client that has to show one |
//! | `redis+sentinel://s1,s2,s3/primary/0` | the server that Sentinels call the primary of this name; `sentinel_user` and `sentinel_password` if they want them |
//!
//! The whole of a lock is in the key `livinglock:{NAME}`, so the host may also be any node of a Redis Cluster: where that says that the key
//! has moved, it is followed there. Several hosts are for Sentinels alone, since two servers that know nothing of each other would be two
//! locks. Sockets in the file system are not supported.
//!
//! # What Redis does not guarantee
//!
//! A lock is as durable as the server's data. A server that crashes may have forgotten who holds it, unless it runs with
//! `appendonly yes` and `appendfsync always`; a replica that takes over may not have heard of it yet, whatever the settings; and a server
//! that evicts any key, by a `maxmemory-policy` of `allkeys-..`, may drop it. Then somebody else acquires it, and there are two owners until
//! the first one looks, once a tick. Where that must not be, use the fencing token, or PostgreSQL or etcd.
//!
//! The token goes on growing all the same, for it is never less than the wall clock of the server, in microseconds. Only if the data is lost
//! *and* the clock is set back, or a replica's is behind by more than the failover took, can one come a second time.
//!
//! Redis 5 is the oldest that will do: scripts write after they have read the clock.

mod server;
#[cfg(all(test, not(miri)))]
mod tests;
mod trouble;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use redis::{FromRedisValue, Value};
use server::Server;

use super::{
    Acquired, Attempt, Claim, DEFAULT_TIMEOUT, Farewell, Lease, Request, Requests, Sighting,
    Standing, Store, url::Url,
};
use crate::{error::Result, predecessor::Predecessor, record::Record};

/// What every key of ours begins with, up to the name.
const PREFIX: &str = "livinglock:{";

/// A script, behind what they all have in common.
macro_rules! script {
    ($file:literal) => {
        concat!(include_str!("scripts/found.lua"), include_str!($file))
    };
}

const LOOK: &str = script!("scripts/look.lua");
const ACQUIRE: &str = script!("scripts/acquire.lua");
const WRITE: &str = script!("scripts/write.lua");
const END: &str = script!("scripts/end.lua");
const STOP: &str = script!("scripts/stop.lua");

/// One lock.
#[derive(Clone, Debug)]
pub(super) struct Redis {
    server: Arc<Server>,
    place: PathBuf,
    key: String,
}

impl Redis {
    /// The lock with this name. Nothing is asked yet.
    pub(super) fn new(url: &Url, name: &str) -> Result<Self> {
        let place = url.place(Some(name));
        Ok(Self {
            server: Arc::new(Server::new(url, &place)?),
            place,
            key: format!("{PREFIX}{name}}}"),
        })
    }

    /// Runs a script. Each of them bears being run twice.
    fn run(
        &self,
        action: &'static str,
        timeout: Duration,
        script: &str,
        arguments: &[&str],
    ) -> Result<Found> {
        // By its text, not by a hash that the server may have forgotten: one round trip, whatever happened before.
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(&self.key).arg(arguments);
        self.server
            .ask(&command, timeout)
            .map_err(|error| trouble::told(action, &self.place, timeout, &error))
    }
}

/// The names of all locks in the database, in their order; of a Cluster, of those on this node.
#[cfg(feature = "cli")]
pub(super) fn names(url: &Url) -> Result<Vec<String>> {
    let place = url.place(None);
    let server = Server::new(url, &place)?;
    let mut names = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor).arg("MATCH").arg(format!("{PREFIX}*}}"));
        scan.arg("COUNT").arg(1000);
        let keys: Vec<Vec<u8>>;
        (cursor, keys) = server
            .ask(&scan, DEFAULT_TIMEOUT)
            .map_err(|error| trouble::told("look at", &place, DEFAULT_TIMEOUT, &error))?;
        names.extend(keys.into_iter().filter_map(|key| {
            let key = String::from_utf8(key).ok()?;
            Some(key.strip_prefix(PREFIX)?.strip_suffix('}')?.to_owned())
        }));
        if cursor == "0" {
            break;
        }
    }
    names.sort_unstable();
    // A scan may tell of a key twice.
    names.dedup();
    Ok(names)
}

impl Store for Redis {
    fn place(&self) -> &Path {
        &self.place
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        let mut record = claim.record.clone();
        let found = self.run(
            "acquire",
            claim.timeout,
            ACQUIRE,
            &[
                &record.owner,
                &record.to_json(),
                &microseconds(claim.length()),
                claim.gone.as_deref().unwrap_or_default(),
            ],
        )?;
        if found.done == 0 {
            return Ok(Attempt::Busy(found.sighting()));
        }
        record.fencing_token = found.done;
        let lease = Hold {
            lock: self.clone(),
            owner: record.owner.clone(),
            length: claim.length(),
            timeout: claim.timeout,
        };
        Ok(Attempt::Acquired(Acquired {
            lease: Box::new(lease),
            record,
            predecessor: found.record().and_then(Predecessor::left),
        }))
    }

    fn look(&self) -> Result<Sighting> {
        let found = self.run("look at", DEFAULT_TIMEOUT, LOOK, &[""])?;
        Ok(found.sighting())
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request> {
        self.run("ask the holder of", DEFAULT_TIMEOUT, STOP, &[owner])?;
        Ok(Request::standing())
    }
}

/// A lock that is held.
#[derive(Debug)]
struct Hold {
    lock: Redis,
    owner: String,
    length: Duration,
    timeout: Duration,
}

impl Hold {
    fn run(&self, action: &'static str, script: &str, arguments: &[&str]) -> Result<Standing> {
        let arguments = [&[&*self.owner], arguments].concat();
        let found = self.lock.run(action, self.timeout, script, &arguments)?;
        Ok(if found.done == 0 {
            Standing::Lost
        } else {
            Standing::Held(Requests {
                stop: found.is_asked_to_stop,
                ..Requests::default()
            })
        })
    }
}

impl Lease for Hold {
    fn length(&self) -> Option<Duration> {
        Some(self.length)
    }

    fn look(&mut self, _record: &Record) -> Result<Standing> {
        self.run("look at", LOOK, &[])
    }

    fn renew(&mut self, record: &Record) -> Result<Standing> {
        let length = microseconds(self.length);
        self.run("renew the lease in", WRITE, &[&record.to_json(), &length])
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        self.run("write to", WRITE, &[&record.to_json(), ""])
    }

    fn end(self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        let record = farewell.record().map(Record::to_json).unwrap_or_default();
        let keep = microseconds(farewell.keep().unwrap_or_default());
        let may_last_longer = match farewell {
            Farewell::Kept(..) => "1",
            _ => "0",
        };
        self.run(
            "release the lock in",
            END,
            &[&record, &keep, may_last_longer],
        )
        .map(drop)
    }
}

/// What every script answers. Times may be in the future of the server's clock if that was set back.
#[derive(Debug)]
struct Found {
    done: u64,
    owner: String,
    /// As JSON; empty if the lock was released.
    record: String,
    token: u64,
    left_us: i64,
    held_for_us: i64,
    written_ago_us: i64,
    is_asked_to_stop: bool,
}

impl FromRedisValue for Found {
    fn from_redis_value(value: Value) -> std::result::Result<Self, redis::ParsingError> {
        let (done, owner, record, token, left_us, held_for_us, written_ago_us, is_asked_to_stop) =
            redis::from_redis_value(value)?;
        Ok(Self {
            done,
            owner,
            record,
            token,
            left_us,
            held_for_us,
            written_ago_us,
            is_asked_to_stop,
        })
    }
}

impl Found {
    fn record(&self) -> Option<Record> {
        Some(Record {
            fencing_token: self.token,
            ..Record::from_json(&self.record)?
        })
    }

    fn sighting(&self) -> Sighting {
        if self.owner.is_empty() {
            return Sighting::default();
        }
        let span = |us: i64| Duration::from_micros(us.try_into().unwrap_or_default());
        let is_held = self.left_us > 0;
        Sighting {
            record: self.record().map(Box::new),
            is_held,
            left: Some(span(self.left_us)),
            held_for: is_held.then(|| span(self.held_for_us)),
            written_ago: Some(span(self.written_ago_us)),
            is_asked_to_stop: self.is_asked_to_stop,
            is_gone: false,
        }
    }
}

/// A duration as scripts have it: less than 72 years, so that it stays exact when the time of the server is added.
fn microseconds(duration: Duration) -> String {
    let longest = 1 << 51;
    duration.as_micros().min(longest).to_string()
}

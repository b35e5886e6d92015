//! What changes when the lock is on a server.
//!
//! A lock file is for one machine. With `store = ".."` any of several machines may do the work: the lock is a *lease* of `stale` in PostgreSQL,
//! Redis or etcd, or in a store of your own. Attribute, checkpoints and reports stay the same.
//!
#![cfg_attr(feature = "postgres", doc = "```no_run")]
#![cfg_attr(not(feature = "postgres"), doc = "```ignore")]
//! #[livinglock::batch(store = "postgres://db1/app", name = "nightly", stale = "15m")]
//! fn main() {
//!     for order in 0..500 {
//!         livinglock::checkpoint!(done = order, total = 500);
//!     }
//! }
//! ```
//!
//! A literal is checked by the compiler, and a password does better in an environment variable: `store = std::env::var("LOCK_URL").unwrap_or_default()`.
//!
//! ```compile_fail
//! #[livinglock::batch(store = "mysql://db1/app", name = "nightly")] // error: unknown scheme
//! fn nightly() {}
//! ```
//!
//! # A lease is proof of work
//!
//! The pulse renews it after progress, at most once in `heartbeat`, and never otherwise. So `stale` is at once the longest silence of a
//! healthy job and the time after which the engine gives the lock away:
//!
//! ```text
//!                      renewed                          gate held     ended  run out
//! |---- work ------------|---- works under it -------------|-- grace --|margin-|
//! ```
//!
//! * A holder that hangs, or is cut off, is not waited for. `grace` and `margin` before the end it comes to a halt by itself.
//! * What is left of the lease is counted from before its last renewal was *sent*, by a clock that goes on in suspend. So the holder's idea of
//!   it always ends before the server's.
//! * A server that does not answer is no news about the work. The job goes on for as long as its lease lasts, and says so after half of it.
//!
//! A job that hangs loses its lock without anybody having asked for it:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::{thread, time::Duration};
//!
//! use livinglock::{Lock, testing::MemoryStore};
//!
//! let store = MemoryStore::new();
//! let lock = Lock::options()
//!     .stale(Duration::from_millis(500))
//!     .grace(Duration::from_millis(50))
//!     .margin(Duration::from_millis(100))
//!     .acquire_in(store.clone())?;
//! let error = loop {
//!     thread::sleep(Duration::from_secs(1)); // a unit that is longer than the lease
//!     if let Err(error) = lock.heartbeat() {
//!         break error;
//!     }
//! };
//! assert!(error.is_lost());
//! let next = Lock::options().acquire_in(store)?;
//! assert!(next.predecessor().is_some());
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! # Margin
//!
//! `margin` is for clocks of different speeds, for a machine that notices too late, and for the end of the process. Unless set it is eight ticks,
//! but a second at least, a thousandth of `stale`, and up to two seconds for the processes that the job has started: see
//! [`Options::margin`](crate::Options::margin).
//!
//! | of a lease of 15 minutes, with all defaults | |
//! |---|---|
//! | 14m 39s | a unit may take, from the last renewal on |
//! | 10s | `grace`: the gate is held; after half of it the job is stopped at its checkpoints, after all of it ended |
//! | 11s | `margin`: nobody works any more |
//!
//! What does not fit is an error when the lock is acquired, not a surprise at night:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::time::Duration;
//!
//! use livinglock::{Lock, testing::MemoryStore};
//!
//! let refused = Lock::options().stale(Duration::from_secs(10)).acquire_in(MemoryStore::new());
//! assert_eq!(
//!     refused.unwrap_err().to_string(),
//!     "memory needs a longer `stale` than 10s: of that lease 10s are `grace`, 10s are `margin`, \
//!      and two heartbeats of 1s have to fit in"
//! );
//! ```
//!
//! Either a longer `stale`, or a shorter `grace`, which shortens ticks and `margin` with it.
//!
//! # Fencing tokens
//!
//! A process that stood still as a whole may wake up in the midst of a unit, when another owner is at work. Its token is older:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::time::Duration;
//!
//! use livinglock::{Lock, testing::MemoryStore};
//!
//! let store = MemoryStore::new();
//! let old = Lock::options().acquire_in(store.clone())?;
//! store.advance(Duration::from_secs(24 * 60 * 60)); // all that time it was stopped
//! let new = Lock::options().acquire_in(store)?;
//! assert!(old.fencing_token() < new.fencing_token());
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! So let the data compare. It keeps the greatest token that it has seen, and refuses a smaller one in the same step as it writes:
//!
//! ```
//! #[derive(Default)]
//! struct Report {
//!     token: u64,
//!     pages: Vec<String>,
//! }
//!
//! impl Report {
//!     fn write(&mut self, token: u64, page: &str) -> Result<(), String> {
//!         if token < self.token {
//!             return Err(format!("token {token} is older than {}", self.token));
//!         }
//!         self.token = token;
//!         self.pages.push(page.to_owned());
//!         Ok(())
//!     }
//! }
//!
//! let mut report = Report::default();
//! report.write(41, "page 1").unwrap();
//! report.write(42, "page 1, again").unwrap(); // the next owner
//! assert!(report.write(41, "page 2").is_err()); // the one before, awake again
//! ```
//!
//! | where the data is | the check |
//! |---|---|
//! | a database | `UPDATE report SET token = $1 WHERE id = 1 AND token <= $1` at the beginning of each transaction; no row: roll back. The example `ha_report` does it |
//! | another service | the token goes along, and that service compares |
//! | objects, files | a place for each token, as below |
//! | mail, payments | none: make what is sent bear being sent twice, by a key of its own |
//!
//! Where nobody can compare, let every owner write to its own place, and let readers take the one with the greatest token:
//!
//! ```
//! use std::{fs, path::Path};
//!
//! fn write(folder: &Path, token: u64, report: &str) -> std::io::Result<()> {
//!     let aside = folder.join(format!("{token:020}.new"));
//!     fs::write(&aside, report)?;
//!     fs::rename(aside, folder.join(format!("{token:020}.txt"))) // whole, or not there
//! }
//!
//! fn read(folder: &Path) -> std::io::Result<Option<String>> {
//!     let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
//!     let newest = names.into_iter().filter(|path| path.extension().is_some_and(|end| end == "txt")).max();
//!     newest.map(fs::read_to_string).transpose()
//! }
//!
//! # let folder = std::env::temp_dir().join(format!("guide-tokens-{}", std::process::id()));
//! # fs::create_dir(&folder)?;
//! write(&folder, 42, "by the owner")?;
//! write(&folder, 41, "by the one before, awake again")?;
//! assert_eq!(read(&folder)?.as_deref(), Some("by the owner"));
//! # fs::remove_dir_all(folder)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! In a job the token is [`fencing_token`](crate::fencing_token), or [`Lock::fencing_token`](crate::Lock::fencing_token). Take it once, at the
//! beginning, and send it with every write.
//!
//! # Which engine
//!
//! | you | use |
//! |---|---|
//! | have one machine | a lock file: nothing is quicker, and the kernel itself knows who has gone |
//! | change the data of a PostgreSQL | that one: it fails together with the work, not besides, and the token is checked where it comes from |
//! | have etcd, as every Kubernetes has | etcd, if you may use it: no failover forgets a lock |
//! | can bear two owners after a failover, or have the token checked | Redis: the least trouble |
//! | have something else | [one of your own](#one-of-your-own) |
//!
//! The [front page](crate#which-one) compares them line by line. URLs and limits are with each engine, where its feature is on: the
//! [modules](crate::store#modules).
//!
//! # When the server is away
//!
//! | when | then |
//! |---|---|
//! | a run begins | it tries again for as long as `wait` says; after that it is an error, exit status 73 |
//! | a run works | it works on, and is stopped `grace` and `margin` before its lease ends. If the server is back by then, nothing has happened |
//! | a run ends | the release is tried; if that fails, it says so, and the lock is busy until its lease ends |
//!
//! So `stale` is also how long a server may be away without harm. A `wait` of some minutes lets a run that begins outlast a restart of it.
//!
//! # One of your own
//!
//! It is two small traits, [`Store`](crate::store::Store) and [`Lease`](crate::store::Lease). The [module](crate::store) has a whole one as its
//! example. What they ask for, and what it is in an engine that compares and sets:
//!
//! | method | has to be | for instance |
//! |---|---|---|
//! | [`acquire`](crate::store::Store::acquire) | one step, of which one contender wins; the token grows by it, also past leases that ran out | an upsert with a condition: nobody has it, it ran out, its owner has gone, or its owner is the one who asks |
//! | [`look`](crate::store::Store::look) | without any effect | a read |
//! | [`ask_to_stop`](crate::store::Store::ask_to_stop) | for this owner, and never for the next | a mark with the owner's name |
//! | [`renew`](crate::store::Lease::renew) | only if we are the owner still, and it has not run out | a conditional write of record and end |
//! | [`note`](crate::store::Lease::note) | the same, without extending the lease | a conditional write of the record |
//! | [`end`](crate::store::Lease::end) | only of our own hold; what is left of it is in the [`Farewell`](crate::store::Farewell) | a conditional write |
//!
//! Times are those of the engine's clock, never of the client's. A call may block for as long as [`Claim::timeout`](crate::store::Claim::timeout)
//! says: it is made on a thread of its own. An answer may get lost, so that every call has to bear being made twice.
//!
//! A store may also stand in front of another one:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::{path::Path, sync::{Arc, atomic::{AtomicU32, Ordering}}};
//!
//! use livinglock::{
//!     Error, Lock,
//!     store::{Attempt, Claim, Request, Sighting, Store},
//!     testing::MemoryStore,
//! };
//!
//! /// Counts how often the lock was refused, and leaves everything else to the store behind it.
//! #[derive(Clone, Debug, Default)]
//! struct Counted {
//!     store: MemoryStore,
//!     refused: Arc<AtomicU32>,
//! }
//!
//! impl Store for Counted {
//!     fn place(&self) -> &Path {
//!         self.store.place()
//!     }
//!
//!     fn acquire(&self, claim: &Claim) -> Result<Attempt, Error> {
//!         let attempt = self.store.acquire(claim)?;
//!         if let Attempt::Busy(_) = attempt {
//!             self.refused.fetch_add(1, Ordering::Relaxed);
//!         }
//!         Ok(attempt)
//!     }
//!
//!     fn look(&self) -> Result<Sighting, Error> {
//!         self.store.look()
//!     }
//!
//!     fn ask_to_stop(&self, owner: &str) -> Result<Request, Error> {
//!         self.store.ask_to_stop(owner)
//!     }
//! }
//!
//! let store = Counted::default();
//! let lock = Lock::options().acquire_in(store.clone())?;
//! assert!(Lock::options().acquire_in(store.clone()).unwrap_err().is_busy());
//! assert_eq!(store.refused.load(Ordering::Relaxed), 1);
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! What every store has to keep is a suite of tests, with the feature `testing`. In your tests
#![cfg_attr(
    feature = "testing",
    doc = "[`store_conformance!`](crate::store_conformance)"
)]
#![cfg_attr(not(feature = "testing"), doc = "`store_conformance!`")]
//! makes each case one; here are two of them by name:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::{collections::HashMap, sync::{Arc, Mutex}};
//!
//! use livinglock::testing::{MemoryStore, conformance::Conformance};
//!
//! // A maker of clients: the store of that name, as another machine would see it.
//! let locks = Mutex::new(HashMap::<String, MemoryStore>::new());
//! let suite = Conformance::new(move |name| Arc::new(locks.lock().unwrap().entry(name.to_owned()).or_default().clone()));
//! suite.check("tokens_grow");
//! suite.check("one_contender_wins"); // and `run` for all of them
//! ```
//!
//! A store is given to the attribute as any other value. It has to be `Clone`, and a clone is the same lock:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use livinglock::testing::MemoryStore;
//!
//! #[livinglock::batch(store = store.clone(), on_busy = None)]
//! fn import(store: &MemoryStore) -> Option<u64> {
//!     livinglock::fencing_token()
//! }
//!
//! let store = MemoryStore::new();
//! assert!(import(&store) < import(&store));
//! ```

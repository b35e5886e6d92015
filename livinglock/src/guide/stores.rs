//! What changes when the lock is on a server.
//!
//! A lock file is for one machine. With `store = ".."` any of several machines may do the work: the lock is a *lease* of `stale` in PostgreSQL,
//! Redis or etcd, or in a store of your own. Attribute, checkpoints and reports stay the same.
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
//! * `margin` is for clocks of different speeds and for a machine that is late. The default suits most; [`Options::margin`](crate::Options::margin)
//!   says what is in it.
//! * What does not fit is an error when the lock is acquired, not a surprise at night: `stale` has to be longer than `grace`, `margin` and two
//!   heartbeats together.
//!
//! # Fencing tokens
//!
//! A process that stood still as a whole may wake up in the midst of a unit, when another owner is at work. Its token is older. Let the
//! data compare:
//!
//! ```
//! /// A table that keeps the greatest token that it has seen.
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
//! [`fencing_token`](crate::fencing_token) is that number. In SQL it is one condition, `UPDATE .. WHERE token <= $1`, in the transaction
//! of the unit; the example `ha_report` does it.
//!
//! # Which engine
//!
//! The one whose data the job changes, if it is among them: it fails together with the work, not besides. Redis is the quickest and may forget a
//! lock in a failover; etcd forgets none. The [front page](crate#which-one) compares them line by line, and the documentation of each tells its
//! URLs and limits.
//!
//! # One of your own
//!
//! It is two small traits, [`Store`](crate::store::Store) and [`Lease`](crate::store::Lease); the [module](crate::store) has a whole one as its
//! example. What every store has to keep is a suite of tests, with the feature `testing`:
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::{collections::HashMap, sync::{Arc, Mutex}};
//!
//! use livinglock::testing::{MemoryStore, conformance::Conformance};
//!
//! // A maker of clients: the store of that name, as another machine would see it.
//! let locks = Mutex::new(HashMap::<String, MemoryStore>::new());
//! let suite = Conformance::new(move |name| Arc::new(locks.lock().unwrap().entry(name.to_owned()).or_default().clone()));
//! suite.check("tokens_grow"); // and `run` for all of them
//! ```
//!
//! and then it is given to the attribute as any other value:
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

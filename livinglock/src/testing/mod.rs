//! For tests of jobs, and of stores.
//!
//! A [`Sandbox`] holds the locks of whatever runs in it in memory: no file, no server, no second process, and a clock that
//! goes on only when it is told to. The functions under test stay as they are, attribute and all:
//!
//! ```
//! # fn send(_order: &str) {}
//! #[derive(Debug, PartialEq)]
//! enum Outcome {
//!     Sent(usize),
//!     SomebodyElse,
//! }
//!
//! #[livinglock::batch(path = "/run/nightly.lock", stale = "2h", on_busy = Outcome::SomebodyElse)]
//! fn nightly(orders: &[&str]) -> Outcome {
//!     // Where the run before was cut off.
//!     let done = livinglock::predecessor()
//!         .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
//!         .unwrap_or(0) as usize;
//!     for (i, order) in orders.iter().enumerate().skip(done) {
//!         livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
//!         send(order);
//!     }
//!     Outcome::Sent(orders.len() - done)
//! }
//!
//! # fn main() {
//! use livinglock::{
//!     Fate, Stop,
//!     testing::{Run, Sandbox},
//! };
//!
//! let orders = ["a", "b", "c"];
//!
//! // Nobody holds the lock: it runs, and releases.
//! let sandbox = Sandbox::new();
//! let lock = sandbox.lock("/run/nightly.lock");
//! assert_eq!(sandbox.run(|| nightly(&orders)), Ok(Outcome::Sent(3)));
//! assert_eq!((lock.acquired(), lock.passed(), lock.released()), (1, 3, 1));
//!
//! // Another run holds it: it yields, and says to whom.
//! let sandbox = Sandbox::new();
//! sandbox.lock("/run/nightly.lock").held_by(Run::new("nightly").progress(1, 3));
//! assert_eq!(sandbox.run(|| nightly(&orders)), Ok(Outcome::SomebodyElse));
//! assert!(sandbox.reports()[0].contains("(1/3)"));
//!
//! // The run before has crashed: it goes on from there.
//! let sandbox = Sandbox::new();
//! sandbox.lock("/run/nightly.lock").left_by(Run::new("nightly").progress(2, 3), Fate::Crashed);
//! assert_eq!(sandbox.run(|| nightly(&orders)), Ok(Outcome::Sent(1)));
//!
//! // The lock is lost after two orders: the third is not sent.
//! let sandbox = Sandbox::new();
//! let lock = sandbox.lock("/run/nightly.lock");
//! lock.stop_after(2, Stop::Lost);
//! assert_eq!(sandbox.run(|| nightly(&orders)), Err(Stop::Lost));
//! let last = lock.record().unwrap().checkpoint.unwrap();
//! assert_eq!((last.done, last.message.as_deref()), (Some(1), Some("order b")));
//! # }
//! ```
//!
//! Tests run in threads, and each [`run`](Sandbox::run) is for its own: sandboxes do not see each other, nor the locks of the machine.
//! An asynchronous function is [wrapped](Sandbox::wrap) instead. What the job does with time, by `stale`, `warn`, `at_most`, `wait` and the
//! others, is tried by [`advance`](Sandbox::advance), from within the job, where it would take its time:
//!
//! ```
//! # use std::time::Duration;
//! # use livinglock::{Stop, testing::{Run, Sandbox}};
//! /// Whatever fetches a page, or in a test pretends to.
//! #[livinglock::batch(path = "/run/report.lock", stale = "1h", at_most = "6h", name = "report")]
//! fn report(mut fetch: impl FnMut(u32)) -> Result<(), livinglock::Error> {
//!     for page in 0..100 {
//!         livinglock::checkpoint!(done = page, total = 100);
//!         fetch(page);
//!     }
//!     Ok(())
//! }
//!
//! const HOUR: Duration = Duration::from_secs(3600);
//!
//! // Half an hour a page: stopped after six hours, well before the end.
//! let sandbox = Sandbox::new();
//! assert_eq!(sandbox.run(|| report(|_| sandbox.advance(HOUR / 2))).unwrap_err(), Stop::AtMost);
//!
//! // It hangs at page 3, and gives way to the run that comes then.
//! let sandbox = Sandbox::new();
//! let lock = sandbox.lock("/run/report.lock");
//! let stopped = sandbox.run(|| {
//!     report(|page| {
//!         if page == 3 {
//!             sandbox.advance(HOUR * 2);
//!             assert!(lock.challenged_by(Run::new("report")));
//!         }
//!     })
//! });
//! assert_eq!(stopped.unwrap_err(), Stop::Lost);
//! assert!(sandbox.reports()[0].contains("made no checkpoint for 30m")); // its own word, by `warn`
//! ```
//!
//! For a `main` the same holds, called as a function: it returns its exit status. Only, threads that it starts are in its scope, and in the
//! sandbox, by [`scope`](crate::scope) alone.
//!
//! A [`MemoryStore`] is one lock in memory by the real clock, for what takes a [`Store`](crate::store::Store); [`conformance`] is what
//! every store has to keep.

pub mod conformance;
mod fake_lock;
mod memory;
mod place;
mod run;
mod sandbox;
mod watch;

pub use fake_lock::FakeLock;
pub use memory::MemoryStore;
pub(crate) use place::{SandboxedLease, SandboxedPlace};
pub use run::Run;
pub use sandbox::Sandbox;
pub(crate) use sandbox::{current as sandbox, hear, is_in_sandbox};
pub(crate) use watch::Watch;

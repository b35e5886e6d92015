//! What happens when runs meet, and how a job takes part in it.
//!
//! | the run before | the newcomer |
//! |---|---|
//! | has released the lock, or never was | runs |
//! | works | yields: [`Error::is_busy`](crate::Error::is_busy), the exit status `busy`, or `on_busy` |
//! | has passed no checkpoint for `stale` | asks for the lock, waits for `grace`, and runs |
//! | has gone without releasing | runs at once, and is told of it |
//!
//! Only proof of work decides. How long a run has taken decides nothing, unless `at_most` says so.
//!
//! # A busy lock
//!
//! The error knows the record of the holder:
//!
//! ```
//! use livinglock::Lock;
//!
//! let path = std::env::temp_dir().join(format!("guide-busy-{}.lock", std::process::id()));
//! let held = Lock::options().name("nightly").acquire(&path)?;
//! let error = Lock::acquire(&path).unwrap_err();
//! assert!(error.is_busy());
//! assert_eq!(error.holder().map(|holder| &*holder.name), Some("nightly"));
//! held.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! `wait` makes a newcomer wait for so long before it yields, and `replace` makes it ask even a working holder to stop.
//!
//! # A hung holder
//!
//! The newcomer asks, and the *pulse* of the holder answers, a thread that is awake when the job is not. If there was no progress it closes the
//! gate. From then on every checkpoint waits; one that is reached within `grace` stops the job there. Otherwise the process ends, if the
//! lock is that of `main`; a function loses the lock and passes no checkpoint any more.
//!
//! So choose
//!
//! * `stale` longer than the slowest unit that was ever healthy;
//! * `grace` longer than a usual unit and its clean-up, so that a job that was only slow stops cleanly.
//!
//! # A holder that cannot answer
//!
//! A stopped or frozen process has no pulse. [`OnStale`](crate::OnStale) says what a newcomer does: end it, replace its lock file, or
//! say so and yield. Nothing is ever signalled that is not proven to be the holder.
//!
//! # Stops
//!
//! | key | stops the job when | exit status of `main` |
//! |---|---|---|
//! | | the lock is lost | [75](crate::exit_status::LOST) |
//! | `replace` of a newcomer, or `livinglock stop` | somebody asks | 75 |
//! | `at_most` | it has run for longer | [124](crate::exit_status::AT_MOST) |
//! | `graceful` | SIGTERM, SIGINT or SIGHUP came | [128 + N](crate::exit_status::SIGNAL) |
//!
//! A loop that wants to finish something asks for the reason itself, and writes down how far it came:
//!
//! ```
//! # fn import(_page: u32) {}
//! let mut page = 0;
//! while page < 3 && livinglock::stop_requested().is_none() {
//!     livinglock::checkpoint!(done = page, total = 3);
//!     import(page);
//!     page += 1;
//! }
//! ```
//!
//! # Going on where the last run stopped
//!
//! A run that was not released leaves its record to the next one: how it ended ([`Fate`](crate::Fate)), and its last checkpoint.
//!
//! ```
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-{}.lock", std::process::id())))]
//! fn import(orders: &[u32]) {
//!     let done = livinglock::predecessor()
//!         .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
//!         .and_then(|done| usize::try_from(done).ok())
//!         .unwrap_or(0);
//!     for (i, order) in orders.iter().enumerate().skip(done) {
//!         livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
//!     }
//! }
//! import(&[1, 2, 3]);
//! ```
//!
//! After a crash up to a `heartbeat` of work may have been done since that record, so that a unit has to bear being done twice; see
//! [`Predecessor::record`](crate::Predecessor::record).
//!
//! # What is not guaranteed
//!
//! The [front page](crate#what-is-not-guaranteed) has the list. The two that matter most: a *whole process* that stood still may finish the unit
//! that it was at, for which there are [fencing tokens](super::stores); and a *function* that hangs in a unit may finish that unit.

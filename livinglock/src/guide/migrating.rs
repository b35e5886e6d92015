//! What becomes of a Go library, `ShedLock`, flock(1) or a PID file.
//!
//! # From the Go library
//!
//! livinglock succeeds `go-living-lock`, and understands its lock files: one that is fresh and whose process lives is busy, any other is taken.
//! So the path may stay; but change all the programs that use it at once, since the other library takes locks away that are held.
//!
//! | there | here |
//! |---|---|
//! | `Acquire(path, options)` | [`Lock::options().acquire(path)`](crate::Options::acquire), or [`#[livinglock::batch]`](macro@crate::batch) |
//! | `HeartBeat()` | [`checkpoint!`](crate::checkpoint), or [`Lock::heartbeat`](crate::Lock::heartbeat) |
//! | `Release()` | [`Lock::release`](crate::Lock::release), or dropping it |
//! | `ErrLockBusy` | [`Error::is_busy`](crate::Error::is_busy) |
//! | `StaleTimeout`, 1 hour | [`stale`](crate::Options::stale), the same |
//! | `HeartBeatMinimalInterval`, 1 minute | [`heartbeat`](crate::Options::heartbeat), the same |
//! | `Dependencies`, for tests | `livinglock::testing`, with the feature `testing` |
//!
//! ```
//! # let path = std::env::temp_dir().join(format!("guide-go-{}.lock", std::process::id()));
//! # fn import(_order: u32) {}
//! // lock, err := livinglock.Acquire(path, livinglock.Options{StaleTimeout: 2 * time.Hour})
//! let acquired = livinglock::Lock::options()
//!     .stale(std::time::Duration::from_secs(2 * 60 * 60))
//!     .acquire(&path);
//! let lock = match acquired {
//!     // if errors.Is(err, livinglock.ErrLockBusy) { return nil }
//!     Err(error) if error.is_busy() => return Ok(()),
//!     acquired => acquired?,
//! };
//! for order in 0..3 {
//!     lock.heartbeat()?; // lock.HeartBeat(), which had no answer
//!     import(order);
//! }
//! lock.release()?; // defer lock.Release()
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! What is different: a heartbeat may fail, and then the job has to stop, since another one owns the lock. A hung holder is asked before it is ended.
//! A crashed one is not waited for. No process is ended because of what a file says.
//!
//! # From `ShedLock`
//!
//! `ShedLock` bounds a lock by time, `lockAtMostFor`; here it is bounded by silence.
//!
//! | there | here |
//! |---|---|
//! | `@SchedulerLock` on a method | [`#[livinglock::batch]`](macro@crate::batch) on a function |
//! | `name` | `name` |
//! | `LockProvider` (JDBC, Redis, etcd) | `store`: [PostgreSQL, Redis, etcd](crate::store), or a [`Store`](crate::store::Store) of your own |
//! | `lockAtMostFor` | `stale`: not how long a run may take, but how long it may be silent. For a limit to the run itself, `at_most` |
//! | `lockAtLeastFor` | `at_least` |
//! | `LockExtender.extendActiveLock` | a checkpoint |
//! | `KeepAliveLockProvider` | nothing: a timer that extends a lock keeps a hung job's lock as well |
//! | `LockAssert.assertLocked()` | [`assert_held!`](crate::assert_held) |
//! | `LockingTaskExecutor` | [`Lock`](crate::Lock), or a closure in a locked function |
//! | `usingDbTime()` | always: the server's clock judges |
//! | a skipped run, silently | one line, unless `quiet`; `on_busy` is what it returns |
//!
//! ```
//! // @Scheduled(cron = "0 */15 * * * *")
//! // @SchedulerLock(name = "nightly", lockAtMostFor = "PT4H", lockAtLeastFor = "PT14M")
//! #[livinglock::batch(
//!     path = std::env::temp_dir().join(format!("guide-shedlock-{}.lock", std::process::id())), // or store = ..
//!     name = "nightly",
//!     stale = "15m", // the slowest unit, not the slowest run
//!     at_most = "4h",
//!     quiet
//! )]
//! fn nightly(orders: &[u32]) {
//!     livinglock::assert_held!();
//!     for order in orders {
//!         livinglock::checkpoint!("order {order}");
//!     }
//! }
//! nightly(&[1, 2]);
//! ```
//!
//! What is different: a run that takes longer than it ever did keeps its lock while it works. One that hangs loses it after `stale`, and is
//! stopped first. And there is a [fencing token](super::stores#fencing-tokens).
//!
//! # From flock(1)
//!
//! | there | here |
//! |---|---|
//! | `flock -n FILE COMMAND` | `livinglock run FILE -- COMMAND` |
//! | `flock -w 30 FILE COMMAND` | `livinglock run --wait 30s FILE -- COMMAND` |
//! | `-E 75` | `--busy 75` |
//! | `timeout 6h flock ..` | `--at-most 6h`, which ends all that the command has started |
//! | nothing | `--stale 2h`: a command that hangs is ended by the next run |
//!
//! Use another file than flock's: the two do not see each other's locks.
//!
//! # From a PID file
//!
//! Choose a new path, for a file with other content is refused and left as it is. There is nothing to clean up at boot: a lock file whose run has
//! gone is free.

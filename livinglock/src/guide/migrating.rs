//! What becomes of a Go library, `ShedLock`, flock(1) or a PID file.
//!
//! In all four cases the first step is the lock alone, with a `stale` as long as the longest run. That is already what there was before, and free at once
//! after a crash. Checkpoints come second, and with them `stale` shrinks from the longest run to the [longest unit](super::checkpoints#how-long-a-unit-may-be).
//!
//! # From the Go library
//!
//! livinglock succeeds [`go-living-lock`](https://github.com/ideamans/go-living-lock), and keeps its idea.
//!
//! | there | here |
//! |---|---|
//! | `Acquire(path, options)` | [`Lock::options().acquire(path)`](crate::Options::acquire), or [`#[livinglock::batch]`](macro@crate::batch) |
//! | `HeartBeat()` | [`Lock::heartbeat`](crate::Lock::heartbeat), or [`checkpoint!`](crate::checkpoint) with the attribute |
//! | `Release()`, `defer lock.Release()` | [`Lock::release`](crate::Lock::release), or nothing: dropping it releases it |
//! | `ErrLockBusy` | [`Error::is_busy`](crate::Error::is_busy), with the holder's record |
//! | `StaleTimeout`, 1 hour | [`stale`](crate::Options::stale), the same; but it is the holder's that counts |
//! | `HeartBeatMinimalInterval`, 1 minute | [`heartbeat`](crate::Options::heartbeat), the same; shorter than half of `stale` |
//! | `Dependencies`: a file system, a clock and processes for tests | a [sandbox](super::services#testing), with the feature `testing` |
//!
//! Call by call:
//!
//! ```text
//! lock, err := livinglock.Acquire(path, livinglock.Options{StaleTimeout: 2 * time.Hour})
//! if errors.Is(err, livinglock.ErrLockBusy) {
//!     return nil
//! } else if err != nil {
//!     return err
//! }
//! defer lock.Release()
//! for _, order := range orders {
//!     process(order)
//!     if err := lock.HeartBeat(); err != nil {
//!         return err
//!     }
//! }
//! ```
//!
//! ```
//! # let path = std::env::temp_dir().join(format!("guide-go-{}.lock", std::process::id()));
//! # let orders = [1, 2];
//! # fn process(_order: &u32) {}
//! let acquired = livinglock::Lock::options()
//!     .stale(std::time::Duration::from_secs(2 * 60 * 60))
//!     .acquire(&path);
//! let lock = match acquired {
//!     Err(error) if error.is_busy() => return Ok(()),
//!     acquired => acquired?,
//! };
//! for order in &orders {
//!     process(order);
//!     lock.heartbeat()?;
//! }
//! lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! And with the attribute, where yielding, its line and its exit status are no business of the job:
//!
//! ```no_run
//! # fn process(_order: &u32) {}
//! #[livinglock::batch(path = "/run/nightly.lock", stale = "2h")]
//! fn main() {
//! #   let orders = [1, 2];
//!     for order in &orders {
//!         livinglock::checkpoint!("order {order}");
//!         process(order);
//!     }
//! }
//! ```
//!
//! What behaves differently:
//!
//! | | there | here |
//! |---|---|---|
//! | a heartbeat after the lock was taken away | panics | [`is_lost`](crate::Error::is_lost), or a checkpoint stops the job |
//! | the lock file is removed under a running job | the heartbeat panics | it is put back, within a tick |
//! | the disk is full | the file is empty after a heartbeat | no matter: the pulse writes in place |
//! | a hung holder | SIGKILL, to the process number in the file | it is asked, stopped at a checkpoint or ended, and tells where it stood |
//! | a crashed holder | busy until `StaleTimeout` | free at once |
//! | `Acquire` twice in one process | both succeed | the second one is busy |
//! | a file that is no lock | overwritten | refused, and left as it is |
//! | permissions of the file | 0644 | 0600; `mode` for others |
//! | systems | any that Go knows | Linux |
//!
//! ## Its lock files
//!
//! The path may stay. A file of the Go library is busy while its process lives and its time is younger than the newcomer's `stale`. Any other is
//! taken, and the next run hears of it:
//!
//! ```
//! use livinglock::{Fate, Lock};
//!
//! # let path = std::env::temp_dir().join(format!("guide-go-file-{}.lock", std::process::id()));
//! std::fs::write(&path, r#"{"process_id":4121,"timestamp":"2024-11-23T02:43:10+09:00"}"#).unwrap();
//! let lock = Lock::acquire(&path)?;
//! assert_eq!(lock.predecessor().map(|before| before.fate()), Some(Fate::Foreign));
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! But change all the programs that use one path at once. The Go library does not see kernel locks: it ends the process in a file that is older than
//! its own `StaleTimeout`, whose number it finds in our record too, and overwrites the file. And a Go program that hangs is never signalled by us, so that it may
//! wake up later; it panics at its next heartbeat.
//!
//! # From `ShedLock`
//!
//! [`ShedLock`](https://github.com/lukas-krecan/ShedLock) bounds a lock by time, `lockAtMostFor`; here it is bounded by silence.
//!
//! | there | here |
//! |---|---|
//! | `@SchedulerLock` on a method | [`#[livinglock::batch]`](macro@crate::batch) on a function or method |
//! | `name` | `name`; with values of arguments, `name = format!("import-{tenant}")` |
//! | `lockAtMostFor` | `stale`: not how long a run may take, but how long it may be silent. For a limit to the run itself, `at_most` |
//! | `lockAtLeastFor` | `at_least` |
//! | `defaultLockAtMostFor` | a constant: `stale = STALE` |
//! | `LockProvider` (JDBC, Redis, etcd) | `store`: [PostgreSQL, Redis, etcd](crate::store), or a [`Store`](super::stores#one-of-your-own) of your own |
//! | `@LockProviderToUse` | each attribute has its own `store` |
//! | `usingDbTime()` | always: the server's clock judges |
//! | `LockExtender.extendActiveLock` | a checkpoint |
//! | `KeepAliveLockProvider` | nothing: a timer that extends a lock keeps a hung job's lock as well |
//! | `LockAssert.assertLocked()` | [`assert_held!`](crate::assert_held) |
//! | `LockAssert.TestHelper` | a test calls the locked function in a [sandbox](super::services#testing) |
//! | `LockingTaskExecutor` | a function with a closure, as below, or [`Lock`](crate::Lock) |
//! | `null`, `Optional.empty()` of a skipped method | `on_busy`, `None`, or an error that [is busy](crate::Error::is_busy) |
//! | a skipped run says nothing | one line, unless `quiet` |
//! | the table `shedlock` | the table `livinglock`, which is created by the first job or printed by `livinglock schema postgres` |
//!
//! ## A scheduled method
//!
//! ```text
//! @Scheduled(cron = "0 */15 * * * *")
//! @SchedulerLock(name = "nightly", lockAtMostFor = "4h", lockAtLeastFor = "14m")
//! public void nightly() {
//!     LockAssert.assertLocked();
//!     for (Order order : orders) {
//!         importOrder(order);
//!         LockExtender.extendActiveLock(Duration.ofHours(4), Duration.ofMinutes(14));
//!     }
//! }
//! ```
//!
//! ```
//! # fn import_order(_order: &u32) {}
//! #[livinglock::batch(
//!     path = std::env::temp_dir().join(format!("guide-shedlock-{}.lock", std::process::id())), // or store = ".."
//!     name = "nightly",
//!     stale = "15m", // the slowest unit, not the slowest run
//!     at_most = "4h",
//!     at_least = "14m",
//!     quiet
//! )]
//! fn nightly(orders: &[u32]) {
//!     livinglock::assert_held!();
//!     for order in orders {
//!         livinglock::checkpoint!("order {order}");
//!         import_order(order);
//!     }
//! }
//! nightly(&[1, 2]);
//! # std::fs::remove_file(std::env::temp_dir().join(format!("guide-shedlock-{}.lock", std::process::id()))).unwrap(); // it is kept for 14 minutes
//! ```
//!
//! `at_least` is for what `lockAtLeastFor` is: schedules of several machines whose clocks differ. On one machine it is not needed.
//!
//! ## `LockingTaskExecutor`
//!
//! ```text
//! executor.executeWithLock(task, new LockConfiguration(now, "nightly", lockAtMostFor, lockAtLeastFor));
//! ```
//!
//! ```
//! use std::time::Duration;
//!
//! /// What the task returns; `None` if somebody is at it.
//! #[livinglock::batch(
//!     path = std::env::temp_dir().join(format!("guide-{name}-{}.lock", std::process::id())), // or store = url, name = name
//!     stale = stale,
//!     on_busy = None
//! )]
//! fn execute_with_lock<T>(name: &str, stale: Duration, task: impl FnOnce() -> T) -> Option<T> {
//!     Some(task())
//! }
//!
//! let done = execute_with_lock("nightly", Duration::from_secs(60 * 60), || {
//!     livinglock::checkpoint!();
//!     execute_with_lock("nightly", Duration::from_secs(60 * 60), || "twice")
//! });
//! assert_eq!(done, Some(None)); // it ran, and within it another one was skipped
//! ```
//!
//! ## What behaves differently
//!
//! | | `ShedLock` | livinglock |
//! |---|---|---|
//! | a run that takes longer than ever | loses its lock after `lockAtMostFor`, and works on beside the next one | keeps it while it passes checkpoints |
//! | a run that hangs | the same | has stopped before its lease ends, or is asked by the next run |
//! | a JVM, or process, that crashes | locked until `lockAtMostFor` | free at once on the same machine, and at the end of the lease on others; with PostgreSQL after 15 seconds |
//! | the length of the lock | may be changed while it is held | is that of the run; a checkpoint begins it anew |
//! | clocks of the nodes | have to agree, without `usingDbTime()` | do not matter |
//! | a paused process that wakes up | writes | is refused by its [fencing token](super::stores#fencing-tokens), if the data compares it |
//!
//! Both tables may be in one database, but the two do not see each other's locks. So stop the last instance of the old version before the first one of
//! the new begins.
//!
//! # From flock(1)
//!
//! | there | here |
//! |---|---|
//! | `flock -n FILE COMMAND` | `livinglock run FILE -- COMMAND` |
//! | `flock FILE COMMAND`, which waits for ever | `--wait 1h` |
//! | `flock -w 30 FILE COMMAND` | `--wait 30s` |
//! | `flock -n -E 75 FILE COMMAND` | `--busy 75` |
//! | `flock FILE -c 'a; b'` | `-- sh -c 'a; b'` |
//! | `timeout 6h flock ..` | `--at-most 6h`, which ends all that the command has started |
//! | `flock -o`, so that daemons do not keep the lock | always, and no daemon outlives it |
//! | `flock -s`, a shared lock | none |
//! | `exec 9>FILE; flock -n 9` within a script | the whole script by `livinglock run` |
//! | nothing | `--stale 2h`: a command that hangs is ended by the next run |
//!
//! ```text
//! */15 * * * * flock -n /run/lock/nightly.flock nightly.sh                                # before
//! */15 * * * * livinglock run --stale 2h /run/lock/nightly.lock -- nightly.sh             # after
//! ```
//!
//! Use another file than flock's: the two do not see each other's locks, and a file with content is refused. A busy lock is exit status 0 and one
//! line, not 1 and none. SIGTERM to `livinglock run` ends the command too; flock's runs on, and keeps the lock.
//!
//! # From a PID file
//!
//! ```text
//! #!/bin/bash
//! [ -e /run/nightly.pid ] && kill -0 "$(cat /run/nightly.pid)" 2>/dev/null && exit 0
//! echo $$ > /run/nightly.pid
//! trap 'rm -f /run/nightly.pid' EXIT
//! ```
//!
//! All of it goes. The script is started by `livinglock run`, or the program has the attribute:
//!
//! ```no_run
//! #[livinglock::batch(path = "/run/nightly.lock")]
//! fn main() {}
//! ```
//!
//! | there | here |
//! |---|---|
//! | two that start at the same time both run | one does |
//! | a number that is in use again blocks the job | numbers decide nothing |
//! | `rm` at boot, or after a crash | nothing: a lock file whose run has gone is free |
//! | `cat` of the file | `livinglock status` |
//! | `kill $(cat ..)` | `livinglock stop`, which never ends a stranger |
//!
//! Choose a new path: a file with other content is refused, and left as it is.

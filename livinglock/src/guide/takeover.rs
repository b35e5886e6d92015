//! What happens when runs meet, and how a job takes part in it.
//!
//! | the run before | the newcomer |
//! |---|---|
//! | has released the lock, or never was | runs |
//! | works | yields: [`Error::is_busy`](crate::Error::is_busy), the exit status `busy`, or `on_busy` |
//! | has passed no checkpoint for `stale` | asks for the lock, waits for `grace`, and runs |
//! | has gone without releasing | runs at once, and is told of it |
//!
//! Only proof of work decides. How long a run has taken decides nothing, unless `at_most` says so. It is the holder's own `stale` and `grace` that
//! count, which are in its record; those of the newcomer are for its own run.
//!
//! The [front page](crate#the-four-scenarios) shows all four on a terminal. Here they are as a program sees them.
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
//! `wait` makes a newcomer wait for so long before it yields:
//!
//! ```
//! # use livinglock::Lock;
//! use std::{thread, time::Duration};
//!
//! # let path = std::env::temp_dir().join(format!("guide-wait-{}.lock", std::process::id()));
//! let held = Lock::acquire(&path)?;
//! let ends_soon = thread::spawn(move || {
//!     thread::sleep(Duration::from_millis(50));
//!     held.release()
//! });
//! let lock = Lock::options().wait(Duration::from_secs(60)).acquire(&path)?;
//! assert!(lock.predecessor().is_none()); // it ended well
//! # ends_soon.join().unwrap()?;
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! And `at_least` keeps a lock busy after a short run, for runs on several schedules or machines that must not follow each other at once:
//!
//! ```
//! # use livinglock::Lock;
//! # use std::time::Duration;
//! # let path = std::env::temp_dir().join(format!("guide-least-{}.lock", std::process::id()));
//! let lock = Lock::options().at_least(Duration::from_secs(60)).acquire(&path)?;
//! lock.release()?;
//! let error = Lock::acquire(&path).unwrap_err();
//! assert!(error.is_busy() && error.to_string().contains("keeps it for"));
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! # A hung holder
//!
//! The newcomer asks, and the *pulse* of the holder answers, a thread that is awake when the job is not. If there was no progress it closes the
//! gate. From then on every checkpoint waits; one that is reached within `grace` stops the job there. Otherwise the process ends, if the
//! lock is that of `main`; a function loses the lock and passes no checkpoint any more.
//!
//! ```
//! use std::time::Duration;
//!
//! use livinglock::{Fate, Lock};
//!
//! # let path = std::env::temp_dir().join(format!("guide-hung-{}.lock", std::process::id()));
//! let hung = Lock::options()
//!     .stale(Duration::from_millis(1000))
//!     .grace(Duration::from_millis(400))
//!     .acquire(&path)?;
//! std::thread::sleep(Duration::from_millis(1200)); // a server that does not answer
//!
//! let next = Lock::acquire(&path)?;
//! assert_eq!(next.predecessor().map(|before| before.fate()), Some(Fate::Hung));
//! assert!(hung.heartbeat().unwrap_err().is_lost());
//! # next.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! | after | what happens to a job that stands still |
//! |---|---|
//! | `warn` | it reports its silence, with the state of its threads |
//! | `stale` | nothing yet, if its lock is a file: it hangs until somebody asks, which is the next run |
//! | the next run comes | its pulse answers within two ticks (of a second at most) that it has no progress to show |
//! | `grace` more | it has stopped at a checkpoint, or is ended with a report of its threads |
//!
//! So a job that hangs at night is ended by the run after it. Whoever wants it ended without one sets `at_most`, a watchdog of
//! [systemd](super::operations#systemd), or uses a [store](super::stores), where a lease that is not earned ends by itself.
//!
//! Choose
//!
//! * `stale` longer than the slowest unit that was ever healthy;
//! * `grace` longer than a usual unit and its clean-up, so that a job that was only slow stops cleanly.
//!
//! A checkpoint that is passed in the very instant of the question counts: then the holder works, and the newcomer yields. How it goes step by
//! step is on the [front page](crate#how-a-lock-is-taken-over).
//!
//! # A holder that cannot answer
//!
//! A stopped or frozen process has no pulse: SIGSTOP, a debugger, the cgroup freezer, a paused container. Eight ticks after the question, and a
//! second at least, the newcomer does what its own `on_stale` says:
//!
//! | `on_stale` | it | for |
//! |---|---|---|
//! | `"terminate"`, the default on `main` | sends SIGTERM, after its own `grace` SIGKILL, and ends what the process had started | jobs that are the whole process |
//! | `"fence"`, the default elsewhere | replaces the lock file, and starts when the old holder must have noticed, if it was only slow | services, of which one job is no reason to end all; holders in another PID namespace |
//! | `"report"` | says so, and yields | where somebody has to look first |
//!
//! Nothing is ever signalled that is not proven to be the holder. Where that cannot be proven `"terminate"` is an error that says why, with exit
//! status 73: `which does not answer and cannot be ended: it runs in another PID namespace`.
//!
//! ```
//! use livinglock::{Lock, OnStale};
//!
//! # let path = std::env::temp_dir().join(format!("guide-policy-{}.lock", std::process::id()));
//! let lock = Lock::options().on_stale(OnStale::Report).acquire(&path)?;
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
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
//! In all of them the job is stopped at its next checkpoint, and has `grace` for that and for its destructors. After that its pulse ends it. A second
//! signal ends a `graceful` job at once.
//!
//! ```
//! use std::{thread, time::Duration};
//!
//! use livinglock::{Lock, Stop};
//!
//! # let path = std::env::temp_dir().join(format!("guide-replace-{}.lock", std::process::id()));
//! let old = Lock::options().heartbeat(Duration::from_millis(200)).acquire(&path)?;
//! let works = thread::spawn(move || {
//!     loop {
//!         if let Err(error) = old.heartbeat() {
//!             return error.stop(); // and `old` is dropped
//!         }
//!         thread::sleep(Duration::from_millis(5)); // a unit of work
//!     }
//! });
//! let new = Lock::options().replace(true).acquire(&path)?;
//! assert_eq!(works.join().unwrap(), Some(Stop::Replaced));
//! # new.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
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
//! Having asked counts: a job that has seen a reason is stopped, with its exit status, however its body ends. What has to be undone belongs
//! into a destructor, since `checkpoint!` unwinds:
//!
//! ```
//! struct Scratch(std::path::PathBuf);
//!
//! impl Drop for Scratch {
//!     fn drop(&mut self) {
//!         let _ = std::fs::remove_dir_all(&self.0);
//!     }
//! }
//!
//! # let folder = std::env::temp_dir().join(format!("guide-scratch-{}", std::process::id()));
//! std::fs::create_dir(&folder)?;
//! let scratch = Scratch(folder);
//! livinglock::checkpoint!("in {}", scratch.0.display()); // stopped here, the folder is removed
//! # let folder = scratch.0.clone();
//! # drop(scratch);
//! # assert!(!folder.exists());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Not with `panic = "abort"`: a stop ends the process there, with the same exit status and without destructors. And not when the process is ended
//! after `grace`, or killed: so the next run has to bear what is left lying about.
//!
//! # The run before
//!
//! A run that did not release the lock leaves its record to the next one, which asks [`predecessor`](crate::predecessor), or
//! [`Lock::predecessor`](crate::Lock::predecessor). A run that ended well is no predecessor.
//!
//! | [`Fate`](crate::Fate) | the run before | its last checkpoint is |
//! |---|---|---|
//! | `Crashed` | was killed, aborted, or left by `std::process::exit` | up to `heartbeat` old |
//! | `Rebooted` | was cut off when the machine went down | the same |
//! | `Panicked` | panicked | exact |
//! | `Stopped` | was stopped, by a signal, `at_most`, `replace` or `livinglock stop` | exact |
//! | `Hung` | passed no checkpoint, was asked, and gave way | exact; with an [`Autopsy`](crate::Autopsy) if it had to be ended |
//! | `Frozen` | could not answer, and was ended or fenced | as of its last heartbeat |
//! | `Lapsed` | let its lease in a store run out | as of its last renewal |
//! | `Foreign` | left another library's record | unknown |
//!
//! # Going on where it stopped
//!
//! `done` of its last checkpoint is where to begin:
//!
//! ```
//! use std::{panic, sync::Mutex};
//!
//! static IMPORTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-resume-{}.lock", std::process::id())))]
//! fn import(orders: &[u32], broken: Option<u32>) {
//!     let done = livinglock::predecessor()
//!         .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
//!         .and_then(|done| usize::try_from(done).ok())
//!         .unwrap_or(0);
//!     for (i, &order) in orders.iter().enumerate().skip(done) {
//!         livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
//!         assert_ne!(Some(order), broken, "this order cannot be imported");
//!         IMPORTED.lock().unwrap().push(order);
//!     }
//! }
//!
//! let orders = [1001, 1002, 1003];
//! assert!(panic::catch_unwind(|| import(&orders, Some(1002))).is_err());
//! import(&orders, None);
//! assert_eq!(*IMPORTED.lock().unwrap(), orders); // each once
//! ```
//!
//! Three things make that safe:
//!
//! * A unit bears being done twice, since after a crash up to a `heartbeat` of work is not in the record. An `INSERT .. ON CONFLICT`, a file by
//!   the number of its page, a transaction that moves a mark along with the data.
//! * The number means the same in both runs: the list is sorted, and complete, or it is a key and not a count.
//! * The job may begin anew, if the record is damaged or of a run that counted something else. The checkpoint has its `file` and `message`
//!   as well, to tell.
//!
//! Where the data itself can say what is done (rows with a mark, files that have moved), ask the data instead. The record is for people then.
//!
//! # What is not guaranteed
//!
//! The [front page](crate#what-is-not-guaranteed) has the list. These matter most to whoever writes a job:
//!
//! * A *whole process* that stood still may finish the unit that it was at when it wakes up, for which there are
//!   [fencing tokens](super::stores#fencing-tokens).
//! * A *function* that hangs in a unit may finish that unit, since nothing but its process could end it.
//! * What a job has sent elsewhere goes on there: a statement that the server works at, a job in a queue, a process that detached from it.
//! * Deleting the lock file of a running job opens a gap of a tick. Nobody has to: a file whose run has gone is free.

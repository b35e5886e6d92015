//! How locked functions live together in one process.
//!
//! A scheduler within a program runs several jobs at once, each under a lock of its own. The attribute goes on any function or method:
//!
//! ```
//! use livinglock::{Error, checkpoint};
//!
//! #[livinglock::batch(path = lock("billing"), stale = "10m")]
//! fn billing(tenants: &[&str]) -> Result<usize, Error> {
//!     for (i, tenant) in tenants.iter().enumerate() {
//!         checkpoint!(done = i, total = tenants.len(), "{tenant}");
//!     }
//!     Ok(tenants.len())
//! }
//!
//! #[livinglock::batch(path = lock("mail"), stale = "1m", on_busy = 0)]
//! fn mail() -> usize {
//!     checkpoint!();
//!     1
//! }
//!
//! fn lock(name: &str) -> std::path::PathBuf {
//!     std::env::temp_dir().join(format!("guide-{name}-{}.lock", std::process::id()))
//! }
//!
//! std::thread::scope(|threads| {
//!     threads.spawn(|| assert_eq!(billing(&["acme"]).unwrap(), 1));
//!     threads.spawn(|| assert_eq!(mail(), 1));
//! });
//! ```
//!
//! One pulse serves all locks of a process, however many there are.
//!
//! # What a skipped run returns
//!
//! | the function returns | a run that finds the lock busy returns | and says so on standard error |
//! |---|---|---|
//! | `Result<_, E>`, where `E` can be made of [`Error`](crate::Error) | the error | no: the caller has it |
//! | `Option<_>` | `None` | unless `quiet` |
//! | nothing | nothing | unless `quiet` |
//! | anything | the value of `on_busy`, which the others may have too | unless `quiet` |
//!
//! A lock that cannot be had for another reason returns the same, and always says so. So a caller who has to tell the two apart uses a `Result`:
//!
//! ```
//! use livinglock::Error;
//!
//! #[livinglock::batch(path = path)]
//! fn job(path: &std::path::Path) -> Result<(), Error> {
//!     assert!(job(path).unwrap_err().is_busy()); // somebody is at it
//!     Ok(())
//! }
//!
//! # let path = std::env::temp_dir().join(format!("guide-skipped-{}.lock", std::process::id()));
//! job(&path).unwrap();
//! let nowhere = job("/nonexistent/job.lock".as_ref()).unwrap_err();
//! assert!(!nowhere.is_busy());
//! assert!(nowhere.to_string().ends_with("create its folder first"));
//! ```
//!
//! An error of your own takes it by `From`; `std::io::Error` and `Box<dyn std::error::Error>` do already.
//!
//! ```
//! # #[derive(Debug)]
//! enum JobError {
//!     Skipped,
//!     Failed(livinglock::Error),
//! }
//!
//! impl From<livinglock::Error> for JobError {
//!     fn from(error: livinglock::Error) -> Self {
//!         if error.is_busy() { Self::Skipped } else { Self::Failed(error) }
//!     }
//! }
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-error-{}.lock", std::process::id())))]
//! fn job() -> Result<(), JobError> {
//!     assert!(matches!(job(), Err(JobError::Skipped)));
//!     Ok(())
//! }
//! job().unwrap();
//! ```
//!
//! # A lock for each argument
//!
//! `path`, `name` and the other values see the arguments:
//!
//! ```
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("tenant-{tenant}-{}.lock", std::process::id())))]
//! fn import(tenant: u32) -> Option<&'static str> {
//!     assert_eq!(import(tenant), None); // this tenant's import runs already
//!     if tenant == 1 {
//!         assert_eq!(import(2), Some("imported")); // and another one's does not
//!     }
//!     Some("imported")
//! }
//!
//! assert_eq!(import(1), Some("imported"));
//! ```
//!
//! What comes from outside must not choose the folder: `format!("{tenant}.lock")` of a text like `../x` does. In a [store](super::stores) it is one
//! lock for each `name`, and a name may be any text of 200 bytes without control characters.
//!
//! # Several at once
//!
//! A locked function that calls another one holds both. A checkpoint in the inner one beats both locks, so that the outer one does not look hung
//! meanwhile. A stop of the outer one unwinds through both:
//!
//! ```
//! use livinglock::{Error, checkpoint};
//! # use std::path::PathBuf;
//! # fn lock(name: &str) -> PathBuf { std::env::temp_dir().join(format!("guide-nested-{name}-{}.lock", std::process::id())) }
//!
//! #[livinglock::batch(path = lock("night"))]
//! fn night() -> Result<(), Error> {
//!     checkpoint!("backup");
//!     backup()?;
//!     checkpoint!("report");
//!     Ok(())
//! }
//!
//! #[livinglock::batch(path = lock("backup"), wait = "10m")]
//! fn backup() -> Result<(), Error> {
//!     checkpoint!("in both scopes");
//!     Ok(())
//! }
//! night().unwrap();
//! ```
//!
//! To wait for the inner lock is silence of the outer one: `wait` is part of the unit there. What [`predecessor`](crate::predecessor),
//! [`fencing_token`](crate::fencing_token) and `assert_held!` tell is of the innermost one.
//!
//! Whoever needs several locks takes them everywhere in the same order, as with any mutex. One that the caller holds itself is never waited for, but
//! busy at once: `this process .. holds it already; release it first`.
//!
//! # Scopes
//!
//! A checkpoint beats the lock of the function that it is in and those around it, and never a sibling's. The scope follows the thread, and of
//! an asynchronous function the future. A thread that the job starts is in the scope of `main`, if that has a lock, unless it is handed this one:
//!
//! ```
//! use livinglock::checkpoint;
//!
//! #[livinglock::batch(path = path)]
//! fn resize(path: &std::path::Path, images: Vec<u32>) {
//!     let scope = livinglock::scope();
//!     let workers: Vec<_> = images
//!         .into_iter()
//!         .map(|image| scope.spawn(move || checkpoint!("image {image}")))
//!         .collect();
//!     for worker in workers {
//!         worker.join().unwrap();
//!     }
//! }
//! # resize(&std::env::temp_dir().join(format!("guide-resize-{}.lock", std::process::id())), vec![1, 2]);
//! ```
//!
//! | for | it is |
//! |---|---|
//! | a thread | [`scope.spawn(..)`](crate::Scope::spawn) |
//! | a closure on a pool, such as rayon's | [`scope.run(..)`](crate::Scope::run) |
//! | the rest of a block | [`scope.enter()`](crate::Scope::enter) |
//! | a future | [`scope.wrap(..)`](crate::Scope::wrap) |
//!
//! Join what you start. Work that goes on after its function has returned is stopped at its next checkpoint, for it has no lock any more:
//!
//! ```
//! use livinglock::{Stop, try_checkpoint};
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-late-{}.lock", std::process::id())), on_busy = None)]
//! fn careless() -> Option<livinglock::Scope> {
//!     Some(livinglock::scope()) // and a task that has it is not awaited
//! }
//!
//! let scope = careless().unwrap();
//! assert_eq!(scope.run(|| try_checkpoint!()), Err(Stop::Released));
//! ```
//!
//! # Asynchronous functions
//!
//! ```
//! # use std::{pin::pin, sync::Arc, task::{Context, Poll, Wake}, thread::{self, Thread}};
//! # struct Unpark(Thread);
//! # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark() } }
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let waker = Arc::new(Unpark(thread::current())).into();
//! #     let mut future = pin!(future);
//! #     loop {
//! #         match future.as_mut().poll(&mut Context::from_waker(&waker)) {
//! #             Poll::Ready(output) => return output,
//! #             Poll::Pending => thread::park(),
//! #         }
//! #     }
//! # }
//! # async fn send(_letter: u32) {}
//! use livinglock::{Error, checkpoint};
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-letters-{}.lock", std::process::id())), stale = "10m")]
//! async fn letters(count: u32) -> Result<u32, Error> {
//!     for letter in 0..count {
//!         checkpoint!(done = letter, total = count, "letter {letter}");
//!         send(letter).await;
//!     }
//!     Ok(count)
//! }
//!
//! assert_eq!(block_on(letters(3)).unwrap(), 3); // or `.await`, or `tokio::spawn`
//! ```
//!
//! * The lock is acquired at the first poll, on a thread of its own, so that no thread of the runtime waits for a lock, a disk or a server.
//! * A future that is polled no more proves no work: an `.await` that never returns is a hung job, and its lock is taken over.
//! * One that is dropped before its end, by a timeout or a `select!`, gives the lock up. The next run hears that it was stopped.
//! * A stop unwinds through the future. A runtime catches that, and calls it a panic of the task; the payload is the [`Stop`](crate::Stop).
//! * A task that is spawned inside is on its own: `tokio::spawn(scope.wrap(future))`, and await it.
//!
//! For an `async fn main` see [the attribute](macro@crate::batch#on-main): it stands above that of the runtime.
//!
//! # A hung function
//!
//! It loses its lock to the next run, also to one in its own process, and passes no checkpoint from then on. It is not ended: no function can be,
//! short of its process. Let it wait with limits of time: those of the client, or `tokio::time::timeout` around each request. If a service should
//! rather be restarted than have a thread that hangs, that is for its own health check to say.
//!
//! # Stopping a service
//!
//! While a function with `graceful` runs, SIGTERM stops it at its next checkpoint, and a second one ends the process. The rest of the program hears
//! nothing of the first: it has to listen itself, before any such job has run, to stop its scheduler and join what runs. Without a handler of its
//! own it is ended by a signal that finds no `graceful` job, as any program.
//!
//! Where the program decides when to stop, it says so by its own means, and the jobs look at it where they pass checkpoints:
//!
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! static CLOSING: AtomicBool = AtomicBool::new(false);
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-closing-{}.lock", std::process::id())), on_busy = 0)]
//! fn import(orders: &[u32]) -> usize {
//!     let mut done = 0;
//!     for order in orders {
//!         livinglock::checkpoint!(done = done, total = orders.len(), "order {order}");
//!         if CLOSING.load(Ordering::Relaxed) {
//!             break;
//!         }
//!         done += 1;
//!     }
//!     done
//! }
//!
//! assert_eq!(import(&[1, 2]), 2);
//! CLOSING.store(true, Ordering::Relaxed);
//! assert_eq!(import(&[1, 2]), 0);
//! ```
//!
//! # Relying on a lock
//!
//! ```should_panic
//! fn write_ledger() {
//!     livinglock::assert_held!(); // whoever calls this has the lock
//! }
//! write_ledger(); // panics: nobody has
//! ```
//!
//! It asks for *a* lock of the scope, not for which one.
//!
//! # Testing
//!
//! With the feature `testing` a locked function is tested as it is, with whatever `path` or `store` it has: in a sandbox the lock is in memory, and
//! the test says what happens to it. These four are worth a test in every job that goes on where the last one stopped:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use livinglock::{Error, Fate, Stop, testing::{Run, Sandbox}};
//!
//! #[livinglock::batch(path = "/run/import.lock", stale = "1h")]
//! fn import(orders: &[&str]) -> Result<usize, Error> {
//!     let start = livinglock::predecessor()
//!         .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
//!         .and_then(|done| usize::try_from(done).ok())
//!         .unwrap_or(0);
//!     for (i, order) in orders.iter().enumerate().skip(start) {
//!         livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
//!     }
//!     Ok(orders.len().saturating_sub(start))
//! }
//! let orders = ["a", "b", "c"];
//!
//! // It runs, and passes a checkpoint at each order.
//! let sandbox = Sandbox::new();
//! let lock = sandbox.lock("/run/import.lock");
//! assert_eq!(sandbox.run(|| import(&orders)).unwrap().unwrap(), 3);
//! assert_eq!(lock.passed(), 3);
//!
//! // Somebody is at it.
//! let sandbox = Sandbox::new();
//! sandbox.lock("/run/import.lock").held_by(Run::new("import"));
//! assert!(sandbox.run(|| import(&orders)).unwrap().unwrap_err().is_busy());
//!
//! // It goes on where a crash was.
//! let sandbox = Sandbox::new();
//! sandbox.lock("/run/import.lock").left_by(Run::new("import").progress(2, 3), Fate::Crashed);
//! assert_eq!(sandbox.run(|| import(&orders)).unwrap().unwrap(), 1);
//!
//! // It stops when it is told to, and has counted what is done.
//! let sandbox = Sandbox::new();
//! let lock = sandbox.lock("/run/import.lock");
//! lock.stop_after(2, Stop::AtMost);
//! assert_eq!(sandbox.run(|| import(&orders)).unwrap_err(), Stop::AtMost);
//! assert_eq!(lock.record().unwrap().checkpoint.unwrap().done, Some(1));
//! ```
//!
//! Its clock stands still until the test lets it go on. That, and what else a sandbox can do, is said in the module
#![cfg_attr(feature = "testing", doc = "[`testing`](crate::testing).")]
#![cfg_attr(not(feature = "testing"), doc = "`livinglock::testing`.")]
//! Without the feature, a test gives each function a path in a temporary folder: locks of one process exclude each other as those of two do.

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
//! # What a skipped run returns
//!
//! | the function returns | a run that finds the lock busy returns |
//! |---|---|
//! | `Result<_, E>`, where `E` can be made of [`Error`](crate::Error) | the error |
//! | `Option<_>` | `None` |
//! | nothing | nothing |
//! | anything | the value of `on_busy`, which the others may have too |
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
//! # Asynchronous functions
//!
//! ```
//! use livinglock::{Error, checkpoint};
//!
//! #[livinglock::batch(path = std::env::temp_dir().join(format!("guide-letters-{}.lock", std::process::id())))]
//! async fn letters(count: u32) -> Result<u32, Error> {
//!     for letter in 0..count {
//!         checkpoint!("letter {letter}");
//!         std::future::ready(()).await;
//!     }
//!     Ok(count)
//! }
//! # let mut future = std::pin::pin!(letters(3));
//! # let waker = std::task::Waker::noop();
//! # let mut context = std::task::Context::from_waker(waker);
//! # let done = loop {
//! #     if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) { break done }
//! #     std::thread::yield_now();
//! # };
//! # assert_eq!(done.unwrap(), 3);
//! ```
//!
//! No thread of the runtime waits for a lock, a disk or a server. A future that is dropped before its end gives the lock up, and the next run
//! hears that it was stopped.
//!
//! # A hung function
//!
//! It loses its lock to the next run, also to one in its own process, and passes no checkpoint from then on. It is not ended: no function can be,
//! short of its process. Let it wait with limits of time.
//!
//! # Relying on a lock
//!
//! ```should_panic
//! fn write_ledger() {
//!     livinglock::assert_held!(); // whoever calls this has the lock
//! }
//! write_ledger(); // panics: nobody has
//! ```

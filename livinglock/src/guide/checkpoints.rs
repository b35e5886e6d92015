//! Where checkpoints go, and what does not count as proof of work.
//!
//! A checkpoint says: *a unit of work is behind us, and here is where we are*. The pulse believes it, so that it must be true.
//!
//! # At the start of each unit
//!
//! A stop is obeyed at a checkpoint. So it belongs between two units, where nothing is half done:
//!
//! ```
//! # fn orders() -> Vec<u32> { vec![1, 2] }
//! # fn import(_order: u32) {}
//! let orders = orders();
//! for (i, &order) in orders.iter().enumerate() {
//!     livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
//!     import(order); // one transaction, or a file that is renamed at its end
//! }
//! ```
//!
//! `done` counts what is finished, which is nothing yet at the first checkpoint. So whoever goes on after a crash starts at `done`.
//!
//! # In the innermost loop that takes time
//!
//! `stale` has to be longer than the longest stretch without a checkpoint. With one in the outer loop alone that is a whole customer:
//!
//! ```
//! # struct Customer { invoices: Vec<u32> }
//! # fn customers() -> Vec<Customer> { vec![Customer { invoices: vec![1] }] }
//! # fn send(_invoice: u32) {}
//! for customer in customers() {
//!     for invoice in customer.invoices {
//!         livinglock::checkpoint!(); // here, and `stale` is the longest `send`
//!         send(invoice);
//!     }
//! }
//! ```
//!
//! It costs one load, one compare and one branch when it is passed again, so there is no need to thin them out. One exception: where the
//! compiler turns a loop into vector instructions, a checkpoint at every element costs those.
//!
//! ```
//! # let samples = vec![1.0_f32; 4096];
//! let mut sum = 0.0;
//! for block in samples.chunks(1024) {
//!     livinglock::checkpoint!();
//!     sum += block.iter().sum::<f32>();
//! }
//! # assert!(sum > 0.0);
//! ```
//!
//! # What is not proof of work
//!
//! | not here | because | but |
//! |---|---|---|
//! | in a loop that tries again | a dead server would be proven alive for ever | after the answer that came |
//! | in a timer or a thread of its own | it beats while the work stands still: the blind heartbeat that this library replaces | where the work is |
//! | before a wait of unknown length | it says that we came here, and then the silence counts | that is right; give the wait a limit shorter than `stale` |
//!
//! ```
//! # fn ask() -> Option<u32> { Some(7) }
//! # fn pause() {}
//! let answer = loop {
//!     match ask() {
//!         Some(answer) => break answer,
//!         None => pause(), // no checkpoint: nothing was achieved
//!     }
//! };
//! livinglock::checkpoint!("answer {answer}");
//! ```
//!
//! # Messages and counts
//!
//! Messages are formatted at most once a tick (a second, or less for a short `stale`), so that they may be costly, and must have no effect.
//! The count is always that of the last checkpoint. Neither may hold a secret if others may read the lock file.
//!
//! # `try_checkpoint!`
//!
//! `checkpoint!` unwinds when the job has to stop, with a [`Stop`](crate::Stop) as its payload and without a panic message. Where
//! unwinding is not wanted, in a callback of a C library, say, or where everything goes by `?`, there is the other one:
//!
//! ```
//! fn import(rows: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
//!     for row in rows {
//!         livinglock::try_checkpoint!("row {row}")?;
//!     }
//!     Ok(())
//! }
//! # import(&["a", "b"]).unwrap();
//! ```
//!
//! What catches panics catches a stop too. So pass a checkpoint after joining threads or tasks, or hand the payload on:
//!
//! ```
//! let thread = std::thread::spawn(|| livinglock::checkpoint!("in a thread"));
//! if let Err(payload) = thread.join() {
//!     std::panic::resume_unwind(payload);
//! }
//! livinglock::checkpoint!("joined");
//! ```
//!
//! # In libraries
//!
//! A library may pass checkpoints: with no lock held they do nothing, at the same price. Its users see its places in their reports.
//!
//! # That none is forgotten
//!
//! With `coverage = "deny"` a loop without a checkpoint does not compile:
//!
//! ```compile_fail
//! #[livinglock::batch(path = "/run/nightly.lock", coverage = "deny")]
//! fn nightly() {
//!     for _order in 0..10 {} // error: this loop has no checkpoint
//! }
//! ```
//!
//! What it cannot see is said at [the attribute](macro@crate::batch#coverage).

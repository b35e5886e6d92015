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
//! # How long a unit may be
//!
//! | setting | longer than | otherwise |
//! |---|---|---|
//! | `stale` | the slowest unit that was ever healthy | a job that works is taken for hung |
//! | `warn`, half of `stale` unless set | a slow unit | the job reports its own silence when nothing is wrong |
//! | `grace` | a usual unit and the clean-up after it | a job that is told to stop is ended in the midst of a unit |
//! | `heartbeat`, shorter than half of `stale` | | it is how old the place in a newcomer's line may be, and how much work a crash may do again |
//!
//! The time before the first checkpoint counts as well: from the moment at which the lock is acquired.
//!
//! There is no need to guess. Begin with the hour that is the default. The pulse learns how long the job usually takes from each
//! checkpoint to the next one, and `livinglock status` says it: `src/import.rs:88 usually takes 12s, now 43m`. So does the line after `warn`, if the
//! silence is at least twice as long as usual. With a journal (the key `history`) it is learned from run to run, so that it is known too of what a
//! run does once.
//! Then `stale` is some times the slowest of these.
//!
//! ## One long call
//!
//! A statement that takes an hour has no checkpoint inside. Cut it into ranges if you can. If not, let it have a limit of its own that is shorter
//! than `stale`, such as PostgreSQL's `statement_timeout`: then what hangs is an error where it happens, and the job may do something about it.
//!
//! ## A command
//!
//! What another program does is work of this job, if the job can see it: by the lines that it writes, for one.
//!
//! ```
//! use std::{io::{BufRead, BufReader}, process::{Command, Stdio}};
//!
//! let mut dump = Command::new("sh")
//!     .args(["-c", "echo orders; echo invoices"]) // a line for each table
//!     .stdout(Stdio::piped())
//!     .spawn()?;
//! for table in BufReader::new(dump.stdout.take().expect("a pipe")).lines() {
//!     let table = table?;
//!     livinglock::checkpoint!("dumped {table}");
//! }
//! assert!(dump.wait()?.success());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! With the lock on `main` the command ends with a job that is stopped or hangs. With one on a function it does not: there a value has to
//! end it when it is dropped. Where there is nothing but the command, `livinglock run` does all of this.
//!
//! # Messages and counts
//!
//! ```
//! # let (orders, order) = ([0; 500], 12);
//! livinglock::checkpoint!(); // the place in the source
//! livinglock::checkpoint!("order {order}"); // and a message
//! livinglock::checkpoint!(done = 12, total = orders.len()); // and a count, of which rate and time left are told
//! livinglock::checkpoint!(done = 12, total = orders.len(), "order {order}");
//! ```
//!
//! * A message is formatted at most once a tick (a second, or less for a short `stale`). So it may be costly.
//! * The count is always that of the last checkpoint; the message is at most a tick old.
//! * A record has room for 240 bytes of message and 96 of the path of the source: the rest of a message and the beginning of a path are cut off.
//! * They are in the lock file, in reports, and in what `livinglock status` shows: no secrets, if others may read those.
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
//! On `main` the exit status is that of the [`Stop`](crate::Stop) either way. A destructor of a thread-local value needs `try_checkpoint!`, because
//! to unwind from it aborts; in any other destructor `checkpoint!` never unwinds a second time.
//!
//! # Without macros
//!
//! A [`Lock`](crate::Lock) is proven by calls of [`heartbeat`](crate::Lock::heartbeat), and by nothing else: it has no scope, so that checkpoints,
//! `assert_held!`, [`stop_requested`](crate::stop_requested), [`predecessor`](crate::predecessor) and [`fencing_token`](crate::fencing_token) know
//! nothing of it. Ask the `Lock` itself.
//!
//! ```
//! # let path = std::env::temp_dir().join(format!("guide-heartbeat-{}.lock", std::process::id()));
//! let lock = livinglock::Lock::acquire(&path)?;
//! for _order in 0..3 {
//!     lock.heartbeat()?; // where a checkpoint would be
//! }
//! assert_eq!(livinglock::fencing_token(), None);
//! assert!(lock.fencing_token() > 0);
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! # Threads
//!
//! With the lock on `main` every thread counts: whichever passes a checkpoint proves work, and after a hang the last one of each is reported. So one
//! busy thread hides another one that hangs. Where that matters, join them with a limit of time, or give each a lock of its own.
//!
//! With the lock on another function only the thread that called it counts, and those that are given its [scope](super::services#scopes).
//!
//! What catches panics, as threads, pools and runtimes do, catches a stop too. It stands, though: every further checkpoint unwinds as well. So
//! pass one after joining, or hand the payload on:
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
//! One that returns errors does best to return the stop too, since its users may not expect it to unwind:
//!
//! ```
//! #[derive(Debug)]
//! enum ParseError {
//!     Stopped(livinglock::Stop),
//!     // and the others
//! }
//!
//! impl From<livinglock::Stop> for ParseError {
//!     fn from(stop: livinglock::Stop) -> Self {
//!         Self::Stopped(stop)
//!     }
//! }
//!
//! fn parse(pages: &[&str]) -> Result<usize, ParseError> {
//!     for (i, _page) in pages.iter().enumerate() {
//!         livinglock::try_checkpoint!(done = i, total = pages.len())?;
//!     }
//!     Ok(pages.len())
//! }
//! # assert_eq!(parse(&["a", "b"]).unwrap(), 2);
//! ```
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
//! One that needs none says so:
//!
//! ```
//! #[livinglock::batch(
//!     path = std::env::temp_dir().join(format!("guide-coverage-{}.lock", std::process::id())),
//!     coverage = "deny"
//! )]
//! fn nightly(orders: &[u32]) {
//!     let mut total = 0;
//!     #[livinglock::no_checkpoint]
//!     for order in orders {
//!         total += order;
//!     }
//!     orders.iter().for_each(|order| livinglock::checkpoint!("{order} of {total}"));
//! }
//! nightly(&[1, 2]);
//! ```
//!
//! The last line has its checkpoint by good will alone: `for_each` is no loop that the attribute can see. What else it cannot see is said at
//! [the attribute](macro@crate::batch#coverage).
//!
//! # Common mistakes
//!
//! ## Proof of having tried
//!
//! Wrong: a dead server is proven alive for ever.
//!
//! ```no_run
//! # fn ask() -> Option<u32> { None }
//! let answer = loop {
//!     livinglock::checkpoint!("asking"); // wrong
//!     if let Some(answer) = ask() {
//!         break answer;
//!     }
//! };
//! # let _: u32 = answer;
//! ```
//!
//! Right: after the answer that came. The silence before it counts, as it should.
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
//! ## Proof by a clock
//!
//! Wrong: it beats while the work stands still. This is the blind heartbeat that this library replaces.
//!
//! ```no_run
//! fn beat() {
//!     loop {
//!         livinglock::checkpoint!(); // wrong
//!         std::thread::sleep(std::time::Duration::from_secs(60));
//!     }
//! }
//! std::thread::spawn(beat);
//! ```
//!
//! Right: where the work is, in the loop that does it. If that is too seldom, the unit is too long, or `stale` too short.
//!
//! ## Counting what is not done yet
//!
//! Wrong: whoever resumes after a crash leaves out the order at which it happened.
//!
//! ```
//! # let orders = ["a", "b"];
//! # fn import(_order: &str) {}
//! for (i, order) in orders.iter().enumerate() {
//!     livinglock::checkpoint!(done = i + 1, total = orders.len()); // wrong
//!     import(order);
//! }
//! ```
//!
//! Right: `done = i` before the unit, as at the top of this page.
//!
//! ## A message with an effect
//!
//! Wrong: it is evaluated once a tick, so most of the rows are never taken, and an error in between is never seen.
//!
//! ```no_run
//! # fn run() -> std::io::Result<()> {
//! let mut lines = std::io::stdin().lines();
//! loop {
//!     livinglock::checkpoint!("row {:?}", lines.next().transpose()?); // wrong
//! }
//! # }
//! ```
//!
//! Right: first the value, then its name. (`done` and `total` are evaluated every time.)
//!
//! ```
//! # let text = b"a\nb\n";
//! # use std::io::BufRead;
//! # let mut rows = 0;
//! for row in text.lines() {
//!     let row = row?;
//!     livinglock::checkpoint!("row {row}");
//! #   rows += 1;
//! }
//! # assert_eq!(rows, 2);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! ## A stop that is thrown away
//!
//! Wrong: the job goes on without its lock, until its pulse ends the process, or for as long as a function likes.
//!
//! ```
//! # for _ in 0..2 {
//! let _ = livinglock::try_checkpoint!(); // wrong
//! # }
//! ```
//!
//! The same by catching every panic of a unit, to go on with the next one. Right: a stop is not a failure of the unit.
//!
//! ```
//! # fn import(_order: u32) {}
//! use std::panic::{catch_unwind, resume_unwind};
//!
//! for order in 0..3 {
//!     livinglock::checkpoint!("order {order}");
//!     if let Err(payload) = catch_unwind(|| import(order)) {
//!         if payload.is::<livinglock::Stop>() {
//!             resume_unwind(payload);
//!         }
//!         eprintln!("order {order} is left out");
//!     }
//! }
//! ```
//!
//! ## A checkpoint under a mutex
//!
//! Wrong: a checkpoint may wait for the pulse, and then others wait for the mutex; a stop unwinds, and poisons it.
//!
//! ```
//! # let queue = std::sync::Mutex::new(vec!["a", "b"]);
//! let mut queue = queue.lock().unwrap();
//! while let Some(order) = queue.pop() {
//!     livinglock::checkpoint!("order {order}"); // wrong
//! }
//! ```
//!
//! Right: with nothing in hand.
//!
//! ```
//! # let queue = std::sync::Mutex::new(vec!["a", "b"]);
//! # fn import(_order: &str) {}
//! loop {
//!     livinglock::checkpoint!();
//!     let Some(order) = queue.lock().unwrap().pop() else { break }; // and the mutex is free again
//!     import(order);
//! }
//! ```

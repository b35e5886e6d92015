//! What operators see, and what they do then.
//!
//! # Starting it
//!
//! ```text
//! # crontab
//! */15 * * * * /usr/local/bin/nightly
//! ```
//!
//! ```text
//! # nightly.service, started by nightly.timer; the pulse tells systemd what was proven
//! [Service]
//! Type=notify
//! ExecStart=/usr/local/bin/nightly
//! WatchdogSec=15m
//! TimeoutStartSec=15m
//! ```
//!
//! A program that cannot carry the attribute is started by `livinglock run PATH -- COMMAND`. On Kubernetes use a
//! [store](super::stores), or pin the pods to one node and share a folder of it; `concurrencyPolicy: Allow`, since the lock decides.
//!
//! # The exit status
//!
//! | status | meaning | alarm? |
//! |---|---|---|
//! | the job's own | it ran | as without livinglock |
//! | 0, or `busy` | another run is at it | no |
//! | [73](crate::exit_status::CANNOT_LOCK) | the lock cannot be had | yes: it never ran |
//! | [75](crate::exit_status::LOST) | the lock was lost, or handed over | look why |
//! | [124](crate::exit_status::AT_MOST) | it ran for longer than `at_most` | yes |
//! | [128 + N](crate::exit_status::SIGNAL) | signal N stopped it | whoever sent it knows |
//!
//! # Looking, and steering
//!
//! | question | command |
//! |---|---|
//! | how does it stand? | `livinglock status /run/nightly.lock`, or a folder, or a URL |
//! | how does it go on? | `livinglock watch /run/lock` |
//! | is it over? | `livinglock wait --timeout 1h /run/nightly.lock` |
//! | stop it, at its next checkpoint | `livinglock stop /run/nightly.lock` |
//! | it does not react | `livinglock stop --force /run/nightly.lock` |
//! | will a lock work here? | `livinglock doctor /run/nightly.lock` |
//!
//! They come with `cargo install livinglock --features cli`, and take locks of any program. A program can look for itself, too:
//!
//! ```
//! # let path = std::env::temp_dir().join(format!("guide-look-{}.lock", std::process::id()));
//! # let lock = livinglock::Lock::options().name("nightly").acquire(&path)?;
//! let holder = livinglock::Lock::acquire(&path).unwrap_err();
//! let record = holder.holder().expect("a record");
//! assert_eq!(record.name, "nightly");
//! assert_eq!(record.process_id, std::process::id());
//! # lock.release()?;
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! # What the lines say
//!
//! Every line begins with `livinglock:` and the place of the lock.
//!
//! | the line has | it means | what to do |
//! |---|---|---|
//! | `is busy: .. has held it for ..; yielding` | another run works | nothing; if it comes every time, the schedule is too tight |
//! | `is busy: .. does not answer: it is stopped, frozen or starved` | the holder stands still, and may not be ended from here | continue it or kill it |
//! | `ended without releasing; last checkpoint ..` | the run before crashed, was killed, or left by `std::process::exit` | look there |
//! | `made no checkpoint for ..; .. thread 4121 sleeps in ..` | nothing for `warn`: the holder itself says where its threads stand | look there; if this is usual, `stale` is too short |
//! | `a new run asks .. for the lock after .. without a checkpoint` | it hangs, and gives way | nothing |
//! | `reached no checkpoint within ..` | it was ended; the autopsy follows | look at the threads it names |
//! | `gave way after ..; lock taken over` | the same, seen by the newcomer | nothing |
//! | `let its lease run out: it crashed, hung or was cut off` | the run before was on another machine | look at the host it names |
//! | `cannot renew its lease: ..` | the server does not answer; there is time left | look at the server |
//! | `the lease of .. is about to run out` | the holder stops itself | the server, or what the job waits for |
//! | `failed to .. lock file` | exit status 73; the rest of the line has the remedy | that |
//!
//! # By machine
//!
//! * `livinglock status --json` has all of it for scripts, and an exit status for each condition.
//! * With the feature `tracing` each line is an event with fields.

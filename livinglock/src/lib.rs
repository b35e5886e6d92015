#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "livinglock needs Linux: its lock rests on open-file-description locks, pidfds and /proc, which no other system has"
);

#[doc(hidden)]
pub mod __private;
mod approach;
mod asynchronous;
mod batch;
mod checkpoint;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod error;
pub mod exit_status;
mod gate;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(any(feature = "etcd-tls", feature = "ping"))]
mod https;
mod job;
mod lock;
mod macros;
mod observer;
mod on_stale;
mod options;
mod predecessor;
mod process;
mod pulse;
#[cfg(doctest)]
#[doc = include_str!("../README.ja.md")]
mod readme_ja {}
mod record;
mod report;
mod scope;
mod service_manager;
mod signals;
mod site;
#[cfg(feature = "tracing")]
mod span;
mod stop;
pub mod store;
mod sys;
#[cfg(feature = "testing")]
pub mod testing;

pub use batch::{fencing_token, predecessor, stop_requested};
pub use error::Error;
pub use livinglock_macros::{batch, no_checkpoint};
pub use lock::Lock;
#[cfg(feature = "progress")]
pub use observer::progress::suspend_progress;
pub use on_stale::OnStale;
pub use options::Options;
pub use predecessor::{Fate, Predecessor};
pub use record::{Autopsy, Descendant, ThreadState};
pub use record::{Checkpoint, Record, State};
pub use scope::{Entered, Scope, Scoped, scope};
pub use stop::Stop;

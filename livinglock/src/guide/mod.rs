//! The guide: how to use it well, chapter by chapter. The [front page](crate) is where to begin.
//!
//! | chapter | question |
//! |---|---|
//! | [`checkpoints`] | where do they go, and what does not count as proof of work? |
//! | [`takeover`] | what happens when runs meet, and how does a job take part in it? |
//! | [`stores`] | what changes when the lock is on a server? |
//! | [`services`] | how do locked functions live together in one process? |
//! | [`operations`] | what do operators see, and what do they do then? |
//! | [`migrating`] | what becomes of a Go library, `ShedLock`, flock(1) or a PID file? |
//!
//! Every example is compiled and, unless it would wait or end the process, run with the tests.

pub mod checkpoints;
pub mod migrating;
pub mod operations;
pub mod services;
pub mod stores;
pub mod takeover;

//! The exit statuses that livinglock adds to the job's own.
//!
//! | status | meaning |
//! |---|---|
//! | the body's own | the job ran |
//! | 0, or `busy` | the lock is busy: this run yielded |
//! | [`CANNOT_LOCK`] | the lock file cannot be created or read, or its holder neither answers nor can be ended |
//! | [`LOST`] | the lock was lost while the job ran |

/// The lock cannot be created or read (`EX_CANTCREAT` of `sysexits.h`).
pub const CANNOT_LOCK: u8 = 73;

/// The lock was lost while the job ran (`EX_TEMPFAIL` of `sysexits.h`).
pub const LOST: u8 = 75;

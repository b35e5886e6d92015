//! The exit statuses that livinglock adds to the job's own.
//!
//! | status | meaning |
//! |---|---|
//! | the body's own | the job ran |
//! | 0, or `busy` | the lock is busy: this run yielded |
//! | [`CANNOT_LOCK`] | the lock file cannot be created or read, or its holder neither answers nor can be ended |
//! | [`LOST`] | the lock was lost while the job ran, or handed over to a run with `replace` or to `livinglock stop` |
//! | [`AT_MOST`] | the job ran for longer than `at_most` |
//! | [`SIGNAL`] + N | signal N stopped a `graceful` job |
//!
//! The command line adds those of shells: of `livinglock run`, 127 for a command that is not there, 126 for one that cannot be
//! executed, and [`SIGNAL`] + N for one that signal N has ended; and 64 (`EX_USAGE`) for arguments that it does not understand.

use std::process::ExitCode;

/// The lock cannot be created or read (`EX_CANTCREAT` of `sysexits.h`).
pub const CANNOT_LOCK: u8 = 73;

/// The lock was lost while the job ran, or handed over (`EX_TEMPFAIL` of `sysexits.h`).
pub const LOST: u8 = 75;

/// The job ran for longer than `at_most` (as of `timeout(1)`).
pub const AT_MOST: u8 = 124;

/// Signal N stopped a `graceful` job: this plus N (as shells say it of a process that was ended by a signal).
pub const SIGNAL: u8 = 128;

/// The number of an exit status, which the standard library keeps to itself.
pub(crate) fn of(code: ExitCode) -> Option<u8> {
    (0..=u8::MAX).find(|status| ExitCode::from(*status) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found() {
        for status in 0..=u8::MAX {
            assert_eq!(of(ExitCode::from(status)), Some(status));
        }
    }
}

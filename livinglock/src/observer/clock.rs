//! Times of a run on the clock of the wall.

use std::time::{Duration, SystemTime};

use crate::{record::Record, sys};

/// Now, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, crate::record::milliseconds)
}

/// Such a time as text (RFC 3339).
pub(super) fn text(milliseconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    humantime::format_rfc3339_millis(time).to_string()
}

/// How long ago something was that a record of this process tells of, by its own clock.
pub(super) fn since(moment_ns: u64) -> Duration {
    Duration::from_nanos(sys::monotonic_ns().saturating_sub(moment_ns))
}

/// When its run began, and when it has made progress last, in milliseconds since 1970.
pub(super) fn times(record: &Record) -> (u64, u64) {
    let at = |moment_ns| now().saturating_sub(crate::record::milliseconds(since(moment_ns)));
    (at(record.acquired_ns), at(record.progress_ns))
}

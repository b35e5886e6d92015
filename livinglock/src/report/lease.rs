//! What is said of a lease in a store that cannot be renewed.

use std::{path::Path, time::Duration};

use super::{last_checkpoint, span, who};
use crate::record::Record;

/// What a holder says whose store has not answered for half of its lease.
pub(crate) fn cannot_renew(path: &Path, record: &Record, left: Duration, trouble: &str) -> String {
    format!(
        "{}: {} cannot renew its lease: {trouble}; it works on, and is stopped in {} unless the store answers",
        super::path(path),
        who(record),
        span(left)
    )
}

/// What a holder says whose lease is about to run out.
pub(crate) fn expiring(
    path: &Path,
    record: &Record,
    silence: Duration,
    grace: Duration,
    trouble: Option<&str>,
) -> String {
    let why = trouble.map_or_else(
        || format!("after {} without a checkpoint", span(silence)),
        |trouble| format!("and cannot be renewed: {trouble}"),
    );
    format!(
        "{}: the lease of {} is about to run out {why}; stopping in {}; {}",
        super::path(path),
        who(record),
        span(grace),
        last_checkpoint(record, None)
    )
}

/// Why a lease of this length is of no use.
pub(crate) fn lease_too_short(
    stale: Duration,
    grace: Duration,
    margin: Duration,
    heartbeat: Duration,
) -> String {
    format!(
        "needs a longer `stale` than {}: of that lease {} are `grace`, {} are `margin`, and two heartbeats of {} have to fit in",
        span(stale),
        span(grace),
        span(margin),
        span(heartbeat)
    )
}

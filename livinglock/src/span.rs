//! A span of `tracing` around each run of a batch.

use tracing::{Span, info_span};

use crate::pulse::Held;

/// The span of a run under this lock. Of a `main` it is seen only by a subscriber that was there before.
pub(crate) fn of(held: &Held) -> Span {
    info_span!(
        target: "livinglock",
        "batch",
        lock = %held.path().display(),
        fencing_token = held.fencing_token()
    )
}

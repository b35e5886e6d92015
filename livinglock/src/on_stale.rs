//! What a newcomer does with a stale holder that does not answer.

/// What to do with a stale holder whose pulse does not answer, because its process is stopped, frozen or starved.
///
/// A hung job whose pulse answers gives way by itself, whatever is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStale {
    /// End its process: SIGTERM, then after `grace` SIGKILL, if it is proven to be the one that wrote the record.
    Terminate,
    /// Never signal it: put a new lock file in the place of its own, and wait until it must have noticed if it is only slow. When it
    /// wakes up it passes no checkpoint any more.
    Fence,
    /// Say so, and yield.
    Report,
}

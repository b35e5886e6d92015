//! What a newcomer does with a stale holder that does not answer.

/// What to do with a stale holder whose pulse does not answer, because its process is stopped, frozen or starved.
///
/// A hung job whose pulse answers gives way by itself, whatever is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStale {
    /// End its process: SIGTERM, then after `grace` SIGKILL, if it is proven to be the one that wrote the record.
    Terminate,
    /// Never signal it. This version yields to it, as [`Report`](OnStale::Report) does: to replace the lock file under a process
    /// that may wake is not supported yet.
    Fence,
    /// Say so, and yield.
    Report,
}

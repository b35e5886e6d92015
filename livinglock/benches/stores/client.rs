//! What is measured.

/// A client of one lock. Whatever is not as expected panics.
pub(crate) trait Client {
    /// Has the lock free, and a connection by which it can be acquired.
    fn make_ready(&mut self);

    /// Acquires it.
    fn acquire(&mut self);

    /// Looks, as the holder, whether it is held.
    fn look(&mut self);

    /// Begins the lease anew.
    fn renew(&mut self);

    /// Looks, as somebody else, who holds it.
    fn see(&mut self);

    /// Releases it.
    fn release(&mut self);
}

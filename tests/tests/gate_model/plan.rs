//! What the pulse does in an exploration, and what can be left out of the algorithm.

/// What the pulse does; each is a function of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    Harvest,
    TakePassed,
    Hold,
    Reopen,
    Shut,
    /// `hold_everybody`, the look at the path, `looked`.
    Look,
}

/// A fault put into the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// `pass` looks at the gate first and stores its site then.
    CheckThenStore,
    /// The pulse closes without a barrier.
    NoBarrier,
    /// The pulse does not look at the sites again after its barrier.
    NoSecondLook,
    /// The harvest stores what it should exchange.
    HarvestBlindly,
    /// A thread enrols without the lock.
    EnrolOutside,
    /// `closing` is told, then the gate is closed.
    TellFirst,
    /// `admit` stores what it should exchange.
    AdmitBlindly,
    /// `ask` does not look again at its gate, which the handler may have closed.
    NoLookAgain,
    /// `ask` waits for the look before it makes its gate one that the handler can close.
    WaitThenShut,
    /// The handler closes the gate and leaves the site.
    HandlerKeepsSite,
    /// A verdict wakes nobody.
    NoNotification,
}

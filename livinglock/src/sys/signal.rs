//! Signals that this process is sent.

use std::io;

use signal_hook::{consts::SIGCONT, low_level};

use super::Alarm;

/// Calls a function whenever the process is continued after it was stopped, on one of the threads that do not block signals, and on
/// each thread whose [`Alarm`] rings.
///
/// Other handlers of these signals are called as well. The function must do what a signal handler may: no lock, no allocation.
pub(crate) fn on_waking(woken: fn()) -> io::Result<()> {
    for signal in [SIGCONT, Alarm::SIGNAL] {
        // SAFETY: the one function that is passed here stores into atomics and into thread-local storage without a destructor.
        unsafe { low_level::register(signal, woken) }?;
    }
    Ok(())
}

/// What a signal does to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Default,
    Ignored,
    Handled,
}

impl Disposition {
    /// What a signal does now.
    pub(crate) fn of(signal: i32) -> Self {
        // SAFETY: `sigaction` is a plain C struct for which all zeroes is a valid value, and means the default.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: nothing is set, and `action` is writable for the whole call.
        unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
        match action.sa_sigaction {
            libc::SIG_DFL => Self::Default,
            libc::SIG_IGN => Self::Ignored,
            _ => Self::Handled,
        }
    }
}

#[cfg(feature = "cli")]
impl Disposition {
    /// Has a signal do what it does by default.
    pub(crate) fn reset(signal: i32) {
        // SAFETY: no handler of ours is installed by this.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }

    /// Has a signal do nothing.
    pub(crate) fn ignore(signal: i32) {
        // SAFETY: no handler of ours is installed by this.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

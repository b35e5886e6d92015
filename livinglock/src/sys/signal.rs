//! Signals that this process is sent.

use std::io;

use signal_hook::{consts::SIGCONT, low_level};

/// Calls a function whenever the process is continued after it was stopped, on one of the threads that do not block signals.
///
/// Other handlers of that signal are called as well. The function must do what a signal handler may: no lock, no allocation.
pub(crate) fn on_continue(continued: fn()) -> io::Result<()> {
    // SAFETY: the one function that is passed here stores into atomics and into thread-local storage without a destructor.
    unsafe { low_level::register(SIGCONT, continued) }.map(drop)
}

/// Whether this process ignores a signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: `sigaction` is a plain C struct for which all zeroes is a valid value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set, and `action` is writable for the whole call.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

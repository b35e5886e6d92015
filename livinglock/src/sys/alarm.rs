//! An alarm that rings on one thread unless it is put off again and again (`timer_create(2)` with `SIGEV_THREAD_ID`).
//!
//! Where the process stands still meanwhile, the thread hears it before it runs its next instruction.

use std::{io, mem, process, ptr, time::Duration};

/// An alarm of the thread that made it.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: libc::timer_t,
    /// A forked child has none of its parent's timers, and others by the same numbers.
    process: u32,
}

// SAFETY: the kernel's name of a timer, which every thread of the process may use.
unsafe impl Send for Alarm {}

impl Alarm {
    /// The signal that rings: a process that has no handler for it any more ignores it.
    pub(crate) const SIGNAL: i32 = libc::SIGURG;

    /// An alarm of the calling thread, not set yet.
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        if cfg!(miri) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: `sigevent` is a plain C struct for which all zeroes is a valid value.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = Self::SIGNAL;
        // SAFETY: takes no argument and cannot fail.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let mut timer = ptr::null_mut();
        // By a clock that goes on in suspend: a lease in a store may have run out meanwhile.
        // SAFETY: `event` is valid and `timer` writable for the whole call.
        let made =
            unsafe { libc::timer_create(libc::CLOCK_BOOTTIME, &raw mut event, &raw mut timer) };
        if made == 0 {
            Ok(Self {
                timer,
                process: process::id(),
            })
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Lets it ring once after this time, and not before; after zero, not at all.
    pub(crate) fn put_off(&self, by: Duration) {
        if self.process != process::id() {
            return;
        }
        // SAFETY: `itimerspec` is a plain C struct for which all zeroes is a valid value.
        let mut when: libc::itimerspec = unsafe { mem::zeroed() };
        when.it_value.tv_sec = by.as_secs().try_into().unwrap_or(libc::time_t::MAX);
        when.it_value.tv_nsec = by.subsec_nanos().into();
        // SAFETY: a timer of this process that is deleted only when dropped, and times that are valid for the whole call.
        unsafe { libc::timer_settime(self.timer, 0, &raw const when, ptr::null_mut()) };
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.process == process::id() {
            // SAFETY: a timer of this process, which nobody uses any more.
            unsafe { libc::timer_delete(self.timer) };
        }
    }
}

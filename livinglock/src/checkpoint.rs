//! What the checkpoint macros call.

use std::{cell::Cell, fmt, panic, thread};

use crate::{gate, pulse, site::Site, stop::Stop};

/// Whether the calling thread passed this very checkpoint last.
#[inline]
#[must_use]
pub fn is_here(site: &'static Site) -> bool {
    gate::is_here(site)
}

/// Passes a checkpoint, or unwinds if the job has to stop.
#[inline]
pub fn pass(site: &'static Site) {
    // A `Result` here would be made and compared in the loop of the job, at every pass.
    if !gate::come_to(site) {
        ask_or_leave(site);
    }
}

#[cold]
#[inline(never)]
fn ask_or_leave(site: &'static Site) {
    if let Err(stop) = gate::ask(site) {
        leave(stop);
    }
}

/// Leaves the job: unwinds without a panic message, so that destructors run, or ends the process where unwinding is not possible.
fn leave(stop: Stop) {
    // A checkpoint in a destructor must not start a second unwinding: that would abort.
    if thread::panicking() {
        return;
    }
    if cfg!(panic = "abort") {
        pulse::end_process(stop);
    }
    LEAVING.set(true);
    panic::resume_unwind(Box::new(stop));
}

thread_local! {
    /// The thread unwinds, or has unwound, because of a stop.
    static LEAVING: Cell<bool> = const { Cell::new(false) };
}

/// Whether an unwinding of this thread is that of a stop. A destructor cannot see what is unwinding.
pub(crate) fn is_leaving() -> bool {
    LEAVING.get()
}

/// A new locked function begins: whatever has unwound before was caught.
pub(crate) fn begin() {
    LEAVING.set(false);
}

/// Passes a checkpoint, or says why the job has to stop.
///
/// # Errors
///
/// The job has to stop.
#[inline]
pub fn try_pass(site: &'static Site) -> Result<(), Stop> {
    if gate::come_to(site) {
        Ok(())
    } else {
        gate::ask(site)
    }
}

/// Shows how much of the work is done.
#[inline]
pub fn set_progress<D: Count, T: Count>(done: D, total: T) {
    gate::set_progress(done.count(), total.count());
}

/// Whether a message is wanted at this checkpoint now: once in each tick of the pulse.
#[must_use]
pub fn wants_message(site: &'static Site) -> bool {
    gate::wants_message(site)
}

/// Keeps a message, formatted here and not under any lock: formatting runs the user's code.
#[cold]
pub fn set_message(site: &'static Site, message: fmt::Arguments<'_>) {
    gate::set_message(site, fmt::format(message));
}

/// An integer that counts work: `done` and `total` of a checkpoint.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count work",
    label = "expected an integer",
    note = "`done` and `total` of a checkpoint are integers, such as `usize` or `u64`"
)]
pub trait Count: Copy {
    /// The count; below zero is zero.
    fn count(self) -> u64;
}

macro_rules! count {
    ($($integer:ty)*) => {$(
        impl Count for $integer {
            #[inline]
            fn count(self) -> u64 {
                #[allow(
                    irrefutable_let_patterns,
                    unused_comparisons,
                    clippy::cast_lossless,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "one body for every integer: a count is not negative and fits 64 bits"
                )]
                if self < 0 { 0 } else { self as u64 }
            }
        }
    )*};
}

count!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl<C: Count> Count for &C {
    #[inline]
    fn count(self) -> u64 {
        (*self).count()
    }
}

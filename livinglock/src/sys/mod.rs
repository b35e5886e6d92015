//! The only `unsafe` of the crate: thin wrappers over libc and over memory that threads share, each behind a safe function.

#![expect(
    unsafe_code,
    reason = "this is the module that the rest of the crate keeps its hands clean with"
)]

mod byte_lock;
mod file;
mod membarrier;
mod process;
mod roster;
mod signal;
mod static_ptr;
mod stderr;

pub(crate) use byte_lock::{is_byte_locked, is_byte_owned, try_lock_byte, unlock_byte};
pub(crate) use file::{OPEN_FLAGS, effective_user, file_system_type};
#[cfg(feature = "cli")]
pub(crate) use file::{Room, room};
pub(crate) use membarrier::Barrier;
pub(crate) use process::{PidFd, block_signals, exit_now, monotonic_ns, random_u128, thread_id};
pub(crate) use roster::{Members, Roster};
pub(crate) use signal::{Disposition, on_continue};
pub(crate) use static_ptr::{Seen, StaticPtr};
pub(crate) use stderr::write_stderr;

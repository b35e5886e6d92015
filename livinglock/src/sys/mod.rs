//! The only `unsafe` of the crate: thin wrappers over libc and over memory that threads share, each behind a safe function.

#![expect(
    unsafe_code,
    reason = "this is the module that the rest of the crate keeps its hands clean with"
)]

mod alarm;
mod byte_lock;
#[cfg(feature = "cli")]
mod channel;
#[cfg(feature = "cli")]
mod child;
#[cfg(feature = "cli")]
mod datagram;
mod file;
#[cfg(feature = "metrics")]
mod folder_lock;
mod membarrier;
#[cfg(feature = "cli")]
mod open_file;
#[cfg(feature = "cli")]
mod poll;
mod process;
mod roster;
mod signal;
#[cfg(feature = "cli")]
mod signal_mask;
mod static_ptr;
mod stderr;
#[cfg(feature = "cli")]
mod terminal;

pub(crate) use alarm::Alarm;
pub(crate) use byte_lock::{is_byte_locked, is_byte_owned, try_lock_byte, unlock_byte};
#[cfg(feature = "cli")]
pub(crate) use channel::{Arrival, Channel};
#[cfg(feature = "cli")]
pub(crate) use child::{
    Change, Start, adopt_orphans, begin_apart, fork, let_go_of_stdin_and_stdout, reap, set_name,
    signal_group, stop_ourselves, wait_for,
};
#[cfg(feature = "cli")]
pub(crate) use datagram::{ask_for_senders, receive, send_with};
#[cfg(feature = "metrics")]
pub(crate) use file::FOLDER_FLAGS;
#[cfg(feature = "cli")]
pub(crate) use file::{NOT_THROUGH_SYMLINKS, Room, room};
pub(crate) use file::{OPEN_FLAGS, effective_user, file_system_type};
#[cfg(feature = "metrics")]
pub(crate) use folder_lock::{try_lock_whole, unlock_whole};
pub(crate) use membarrier::Barrier;
#[cfg(feature = "cli")]
pub(crate) use open_file::is_same_open_file;
#[cfg(feature = "cli")]
pub(crate) use poll::{ends_within, is_readable_within, wait_readable, wait_writable};
#[cfg(feature = "fault-injection")]
pub(crate) use process::end_thread;
pub(crate) use process::{
    PidFd, block_signals, boottime_ns, coarse_monotonic_ns, exit_now, is_set_uid, monotonic_ns,
    random_u128, thread_id,
};
pub(crate) use roster::{Members, Roster};
pub(crate) use signal::{Disposition, on_waking};
#[cfg(feature = "cli")]
pub(crate) use signal_mask::{SignalFd, SignalMask};
pub(crate) use static_ptr::{Seen, StaticPtr};
pub(crate) use stderr::write_stderr;
#[cfg(feature = "cli")]
pub(crate) use terminal::{Terminal, columns_of_stdout};

//! What the kernel and the namespaces of this process offer.

use std::fs;

use crate::{
    process::{Identity, is_proc_ours},
    report::doctor::{Finding, machine as say},
    sys::{Barrier, PidFd},
};

pub(super) fn findings() -> Vec<Finding> {
    let own = Identity::own();
    vec![
        say::proc(is_proc_ours()),
        say::boot_id(!own.boot_id.is_empty()),
        say::clock(is_clock_shifted()),
        say::pidfd(distinguishes_processes()),
        say::membarrier(Barrier::of_this_process() == Barrier::Asymmetric),
    ]
}

/// Whether our clocks are not those of the machine (`time_namespaces(7)`).
fn is_clock_shifted() -> bool {
    // `monotonic 86400 0`: seconds and nanoseconds.
    let offsets = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
    offsets
        .split_ascii_whitespace()
        .any(|field| field.parse::<i64>().is_ok_and(|offset| offset != 0))
}

/// Whether pidfds name processes for ever by their inodes (pidfs, since Linux 6.9); `None` where there are no pidfds.
fn distinguishes_processes() -> Option<bool> {
    let own = PidFd::open(std::process::id()).ok()?;
    // Older kernels have one inode for all, so any other process will do.
    let others = [std::os::unix::process::parent_id(), 1];
    let other = others
        .into_iter()
        .filter(|process_id| *process_id != 0 && *process_id != std::process::id())
        .find_map(|process_id| PidFd::open(process_id).ok());
    Some(other.is_none_or(|other| other.inode() != own.inode()))
}

//! The signals that a job finds as a shell would give them to it.

use std::{
    fs,
    sync::{Arc, Once, atomic::AtomicBool},
};

use nix::sys::signal::Signal;
use signal_hook::flag;

/// Sees to it that what is started from now on ignores no signal.
///
/// Under nohup(1), or in the background of a script, these are ignored, and so they are in every child: then no job hears of them. A
/// signal that is handled is the default one after exec, and ours still takes no notice.
pub(crate) fn ignore_none_in_children() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let ignored = ignored();
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            if ignored & (1 << (signal as i32 - 1)) != 0 {
                flag::register(signal as i32, Arc::new(AtomicBool::new(false)))
                    .expect("handle a signal");
            }
        }
    });
}

fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("read our own status");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask.expect("the ignored signals").trim(), 16).expect("a mask")
}

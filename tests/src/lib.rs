//! The harness of the tests with a witness: real processes, real signals, counted rounds.
//!
//! A [`Scene`] is a folder with a lock file; [`Job`]s are started in it as processes of their own, and a witness, which shares no code
//! with the lock under test, sees to it that no two of them work at the same time. A [`Server`] is a lock store that a test has for
//! itself, and a [`Proxy`] the network before it. Every wait is for a condition and has a deadline. What the harness itself cannot do
//! (a folder that cannot be made, a program that cannot be started) panics.

mod check;
mod dice;
mod freezer;
mod heard;
mod innocent;
mod job;
mod kernel_lock;
mod part;
mod port;
mod proxy;
mod running;
mod scene;
mod servers;
mod signals;
mod small_disk;
mod strace;
mod systemd;
mod table;
mod tally;
mod witness;

use std::{
    thread,
    time::{Duration, Instant},
};

pub use check::{Answer, Check, Ping, SECRET};
pub use dice::Dice;
pub use freezer::Freezer;
pub use heard::{Heard, terminal};
pub use innocent::Innocent;
pub use job::Job;
pub use kernel_lock::{Guarded, ask, ask_to_stop, hold, is_asked, is_asked_to_stop};
pub use part::Part;
pub use proxy::{Direction, Proxy};
pub use running::{Ended, Running, Signal, is_running};
pub use scene::{Scene, is_stale};
pub use servers::{Engine, PASSWORD, READER, Server, USER};
pub use small_disk::SmallDisk;
pub use strace::{Blow, Call, Errno, Strace};
pub use systemd::Systemd;
pub use table::{TABLE, Table, WRONGLY_ACCEPTED};
pub use tally::Tally;
pub use witness::Stay;

/// Longer than anything here takes on a busy machine: who waits for so long waits for ever.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds.
///
/// # Panics
///
/// It does not within [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Takes its time, as work does: so many milliseconds, in which the time does not count that the process stands still.
pub fn work_for(milliseconds: u64) {
    for _ in 0..milliseconds {
        thread::sleep(Duration::from_millis(1));
    }
}

/// How long a test that takes any time should go on: `LIVINGLOCK_SOAK` seconds, else as many as it asks for.
#[must_use]
pub fn soak(seconds: u64) -> Duration {
    let asked = std::env::var("LIVINGLOCK_SOAK")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(seconds))
}

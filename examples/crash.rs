//! A batch that is killed in the middle of its work: the next run starts at once and knows where this one stopped.
//!
//! ```text
//! cargo run --example crash        # handles 7 of 20 orders, then dies by a real SIGKILL
//! cargo run --example crash        # starts at once, and first says where its predecessor stopped
//! ```
//!
//! The kernel frees the lock the instant the process dies, so nobody waits for `stale`. What the process was doing is
//! still in the lock file, at most one `heartbeat` old.

use std::{
    process::{self, Command},
    thread,
    time::Duration,
};

use livinglock::checkpoint;

#[livinglock::batch(
    path = std::env::temp_dir().join("livinglock-crash.lock"),
    name = "crash",
    stale = "1h",
    heartbeat = "100ms"
)]
fn main() {
    let orders = 1001..=1020;
    let total = orders.clone().count();
    for (done, order) in orders.enumerate() {
        checkpoint!(done = done, total = total, "order {order}");
        println!("crash: order {order}");
        thread::sleep(Duration::from_millis(300));
        if done == 7 {
            println!("crash: killing myself; run `cargo run --example crash` again");
            kill_self();
        }
    }
}

/// Ends this process as the out-of-memory killer would: no destructor runs, nothing is released.
fn kill_self() -> ! {
    // The shell's parent is this process, and its `kill` is built in: no other program is needed.
    let _ = Command::new("sh").args(["-c", "kill -9 $PPID"]).status();
    // Reached only where there is no shell.
    process::abort()
}

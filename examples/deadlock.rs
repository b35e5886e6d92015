//! A batch that hangs on purpose: two threads wait for each other's mutex, for ever.
//!
//! ```text
//! cargo run --example deadlock        # terminal 1: works for two seconds, then hangs
//! cargo run --example deadlock        # terminal 2, at once: the first one still counts as working, so this one yields
//! cargo run --example deadlock        # terminal 2, some seconds later: takes over, and terminal 1 ends by itself
//! ```
//!
//! Nothing here watches a clock: the two threads just stop passing checkpoints, and that is what the next run notices.

use std::{
    sync::{Barrier, Mutex},
    thread,
    time::Duration,
};

use livinglock::checkpoint;

#[livinglock::batch(
    path = std::env::temp_dir().join("livinglock-deadlock.lock"),
    name = "deadlock",
    stale = "3s",
    grace = "1s"
)]
fn main() {
    for ledger in 1..=4 {
        checkpoint!(done = ledger, total = 4, "ledger {ledger}");
        println!("deadlock: balancing ledger {ledger} of 4");
        thread::sleep(Duration::from_millis(500));
    }
    println!(
        "deadlock: hanging now; in 4 seconds run `cargo run --example deadlock` in a second terminal"
    );

    let (savings, current) = (Mutex::new(100), Mutex::new(100));
    let both_hold_one = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| transfer("savings to current", &savings, &current, &both_hold_one));
        scope.spawn(|| transfer("current to savings", &current, &savings, &both_hold_one));
    });
}

/// Locks the giver, then the taker: two opposite transfers at the same time are the classic deadlock.
fn transfer(what: &str, from: &Mutex<i32>, to: &Mutex<i32>, both_hold_one: &Barrier) {
    checkpoint!("{what}");
    let mut from = from.lock().expect("no transfer panics");
    both_hold_one.wait();
    let mut to = to.lock().expect("no transfer panics");
    *from -= 10;
    *to += 10;
}

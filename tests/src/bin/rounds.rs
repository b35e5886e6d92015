//! Takes and leaves one lock over and over, as fast as it can, in a function of its own.

use std::{env, process, time::Duration};

use livinglock::checkpoint;
use livinglock_tests::{Part, Witness};

fn main() {
    let part = Part::of_this_process();
    let rounds: u64 = env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("a number of rounds");
    part.wait_at_the_gate();
    let owned = (0..rounds)
        .filter(|_| run(&part, part.witness()))
        .count();
    part.note("rounds", &format!("{} {owned} {rounds}", process::id()));
}

/// One unit of work, if the lock is free.
#[livinglock::batch(path = part.lock(), stale = Duration::from_secs(3600), quiet, on_busy = false)]
fn run(part: &Part, witness: Witness) -> bool {
    let _stay = witness.enter();
    for unit in 0..3_u64 {
        checkpoint!(done = unit, total = 3, "{}", part.scene().display());
    }
    true
}

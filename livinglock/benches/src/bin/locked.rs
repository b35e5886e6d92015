//! A process that does nothing under the lock file named by its argument: what `#[livinglock::batch]` adds from start to end.

#[livinglock::batch(path = std::env::args_os().nth(1).expect("usage: locked LOCK_FILE"), busy = 75)]
fn main() {}

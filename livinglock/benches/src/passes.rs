//! Loops that live in a library crate: their thread-local accesses are compiled before anybody knows the executable.

use std::hint::black_box;

/// A loop without a checkpoint.
#[inline(never)]
pub fn bare_in_library(passes: u64) {
    for _ in 0..passes {
        black_box(());
    }
}

/// The same loop with one.
#[inline(never)]
pub fn checkpoint_in_library(passes: u64) {
    for _ in 0..passes {
        black_box(());
        livinglock::checkpoint!();
    }
}

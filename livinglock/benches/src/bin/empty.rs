//! A process that does nothing: what any Rust program costs from start to end.

fn main() {}

//! For tests: a lock in memory, and what every [`Store`](crate::store::Store) has to keep.

pub mod conformance;
mod memory;

pub use memory::MemoryStore;

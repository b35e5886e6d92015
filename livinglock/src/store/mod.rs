//! Where locks live.

pub(crate) mod file;

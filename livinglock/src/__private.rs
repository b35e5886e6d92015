//! What the macros expand to. Not part of the public API: it may change in any release.

pub use crate::batch::{Guard, Job, enter, run, try_enter};

#[doc(hidden)]
#[derive(Debug)]
pub struct Site {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) module: &'static str,
}

//! Where a checkpoint stands in the source.

use std::panic::Location;

/// The place of one checkpoint in the source code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) module: &'static str,
}

impl Site {
    /// The place that the macros pass on.
    #[must_use]
    pub const fn new(file: &'static str, line: u32, column: u32, module: &'static str) -> Self {
        Self {
            file,
            line,
            column,
            module,
        }
    }
}

impl From<&'static Location<'static>> for Site {
    fn from(caller: &'static Location<'static>) -> Self {
        Self::new(caller.file(), caller.line(), caller.column(), "")
    }
}

//! What a doctor says of a place for a lock: one line for each finding, with the remedy.

pub(crate) mod cleaners;
pub(crate) mod holder;
pub(crate) mod machine;
pub(crate) mod place;

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    /// As it should be.
    Good,
    /// Locks are safe here, but something may get in the way of a job, or cannot be told.
    Warning,
    /// A job would be refused here, or not be safe.
    Failure,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) grade: Grade,
    text: String,
}

impl Finding {
    fn good(text: impl Into<String>) -> Self {
        Self::new(Grade::Good, text)
    }

    fn warning(text: impl Into<String>) -> Self {
        Self::new(Grade::Warning, text)
    }

    fn failure(text: impl Into<String>) -> Self {
        Self::new(Grade::Failure, text)
    }

    fn new(grade: Grade, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { grade, text }
    }
}

/// A line, to its end.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Good => "ok",
            Grade::Warning => "warning",
            Grade::Failure => "failure",
        };
        writeln!(f, "{grade:<8} {}", self.text)
    }
}

#[cfg(test)]
mod tests;

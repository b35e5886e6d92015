//! The place, message and progress that a record has of a checkpoint.

use serde::{Deserialize, Serialize};

use crate::site::Site;

/// A checkpoint that was passed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The source file, as the compiler was given it.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
    /// The module path; empty for a heartbeat by call.
    pub module: String,
    /// The message, where the checkpoint has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How much of the work was done, where the checkpoint counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// How much work there is in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How long the job usually takes from here to its next checkpoint, in milliseconds: the median of the last seven times, as the pulse
    /// saw them, once in a tick. Nothing before the third time, and nothing if it is less than two ticks.
    ///
    /// The run that takes the lock over begins with it. Of the other checkpoints it has to learn that anew, and after a release of all;
    /// unless there is a journal, which has the slowest ones of the last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
}

/// How long a job has taken from one checkpoint to the next.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Habit {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The last times, the very last one first.
    pub(crate) gaps_ms: Vec<u64>,
}

/// The longest text of each kind, in bytes: with every byte escaped sixfold they still fit a record.
const LONGEST_MESSAGE: usize = 240;
const LONGEST_NAME: usize = 48;
const LONGEST_PLACE: usize = 96;

impl Checkpoint {
    /// A checkpoint with every text cut to what a record has room for.
    pub(crate) fn new(site: Site, message: Option<&str>, progress: Option<(u64, u64)>) -> Self {
        Self {
            file: bounded_end(site.file, LONGEST_PLACE),
            line: site.line,
            column: site.column,
            module: bounded_end(site.module, LONGEST_PLACE),
            message: message.map(|message| bounded(message, LONGEST_MESSAGE)),
            done: progress.map(|(done, _)| done),
            total: progress.map(|(_, total)| total),
            usual_ms: None,
        }
    }
}

/// A name that a record has room for.
pub(crate) fn bounded_name(name: &str) -> String {
    bounded(name, LONGEST_NAME)
}

/// The beginning of a text.
fn bounded(text: &str, longest: usize) -> String {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The end of a text: of a path it is the part that tells most.
fn bounded_end(text: &str, longest: usize) -> String {
    let mut start = text.len().saturating_sub(longest);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(bounded("日本語", 7), "日本");
        assert_eq!(bounded_end("日本語", 7), "本語");
        assert_eq!(bounded("short", 7), "short");
        assert_eq!(bounded_end("short", 7), "short");
    }
}

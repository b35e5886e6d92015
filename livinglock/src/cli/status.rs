//! `livinglock status`: how locks stand.

mod json;
mod seen;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;

pub(super) use seen::{Seen, Verdict, look};

use super::place::shown;
use crate::{error::Result, report};

/// Show how locks stand: who holds them, since when, where the work is, and what is left of it.
///
/// The locks are only looked at: none is taken, nothing is written, and the right to read the files is enough. A holder tells of its
/// progress once in its `heartbeat`, so the truth may be further on than what is shown.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status:
  0  held: its holder works, is stopping, or keeps it by `at_least`; or another tool's live process has it
  1  left behind by a run that crashed, panicked, was stopped or was ended
  2  hung: no checkpoint within `stale`, or its process stands still or has gone
  3  free
  4  unknown: it cannot be read, or is not a lock file
Of several locks the most serious one counts, in the order 2, 4, 1, 0, 3. CLI.md describes the output of --json.

Example: livinglock status /run/lock /var/run/nightly.lock postgres://db1/app#nightly")]
pub(super) struct Status {
    /// Print one JSON array, with an object for each lock
    #[arg(long)]
    json: bool,
    /// Lock files, folders with lock files, locks in stores like `postgres://db1/app#nightly`, or whole stores
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
}

impl Status {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "as every command; what fails here is part of the answer"
    )]
    pub(super) fn run(&self) -> Result<ExitCode> {
        let seen = look(&self.paths, &[]);
        let text = if self.json {
            json::array(&seen)
        } else {
            self.blocks(&seen)
        };
        // A reader that has seen enough is no failure.
        let _: io::Result<()> = print(&text);
        Ok(Verdict::of(&seen).into())
    }

    fn blocks(&self, seen: &[Seen]) -> String {
        if seen.is_empty() {
            return report::no_lock_in(self.paths.iter().map(|path| shown(path)));
        }
        let blocks: Vec<String> = seen.iter().map(Seen::block).collect();
        blocks.join("\n")
    }
}

/// Writes to standard output at once.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

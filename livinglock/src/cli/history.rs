//! `livinglock history`: the last runs of a job, by its journal.

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Args, ValueHint};

use super::status::print;
use crate::{error::Result, observer::history, report, sys};

/// Show the last runs of a job: when they began, how long they took, how they ended, and where.
///
/// The journal is what a job with the key `history`, or `livinglock run --history`, writes. It is only read. Below the runs, which
/// are drawn as bars of their duration, is a summary of them.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0 they were printed; 73 the journal cannot be read.

Example: livinglock history --last 50 /var/log/livinglock/nightly.jsonl")]
pub(super) struct History {
    /// How many runs, at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Print their lines of the journal, which are JSON, and no summary
    #[arg(long)]
    json: bool,
    /// The journal
    #[arg(value_hint = ValueHint::FilePath)]
    path: PathBuf,
}

/// The width of what goes elsewhere than to a terminal, in columns.
const WIDTH: usize = 80;

impl History {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let (runs, in_all) = history::last(&self.path, self.last)?;
        let text = if self.json {
            let lines = runs.iter().map(|(line, _)| report::harmless_json(line));
            lines.map(|line| line + "\n").collect()
        } else {
            let entries: Vec<_> = runs.into_iter().map(|(_, entry)| entry).collect();
            // On a terminal a line that goes on in the next one would be hard to read; elsewhere nothing is cut.
            let columns = sys::columns_of_stdout();
            report::history::table(
                &entries,
                in_all,
                columns.unwrap_or(WIDTH),
                columns.is_some(),
            )
        };
        // A reader that has seen enough is no failure.
        let _: io::Result<()> = print(&text);
        Ok(ExitCode::SUCCESS)
    }
}

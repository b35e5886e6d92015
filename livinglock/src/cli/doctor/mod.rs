//! `livinglock doctor`: whether a place is fit for a lock.

mod cleaners;
mod holder;
mod machine;
mod place;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueHint};

use super::place::{shown, url_in};
use crate::{
    error::{Error, Result},
    report::doctor::{Finding, Grade},
};

/// Check whether a place is fit for a lock, and who has the lock.
///
/// The folder, the file system, what is at the path already, who holds it, what cleans up there, and what this machine can do. The
/// lock is never taken, created or changed: what has to be tried is tried on a temporary file beside it. Run it as the user of the
/// job, and where the job runs: in its container, for one. As root it sees all processes.
#[derive(Args, Debug)]
#[command(after_help = "\
Every line begins with ok, warning or failure, and says what to do.

Exit status: 0 there is no failure; 1 there is one: a job would be refused here, or not be safe.

Example: livinglock doctor /var/run/nightly.lock")]
pub(super) struct Doctor {
    /// Print warnings and failures alone
    #[arg(long)]
    problems: bool,
    /// The lock file, which need not be there
    #[arg(value_hint = ValueHint::FilePath)]
    path: PathBuf,
}

impl Doctor {
    pub(super) fn run(&self) -> Result<ExitCode> {
        if url_in(&self.path).is_some() {
            return Err(Error::unfit(
                &shown(&self.path),
                "is a store, and places of files are checked here; see with `livinglock status` whether it can be reached",
            ));
        }
        let path = std::path::absolute(&self.path)
            .map_err(|error| Error::io("find the folder of", &self.path, error))?;
        let mut findings = place::findings(&self.path, &path);
        findings.extend(cleaners::finding(&path));
        findings.extend(holder::findings(&path));
        findings.extend(machine::findings());
        let is_fit = findings
            .iter()
            .all(|finding| finding.grade != Grade::Failure);
        let lines: String = findings
            .iter()
            .filter(|finding| !(self.problems && finding.grade == Grade::Good))
            .map(Finding::to_string)
            .collect();
        match io::stdout().write_all(lines.as_bytes()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::io("write to", "standard output".as_ref(), error))
            }
            _ => Ok(ExitCode::from(u8::from(!is_fit))),
        }
    }
}

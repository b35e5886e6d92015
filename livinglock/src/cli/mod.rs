//! The command line: what operators see and steer locks with.
//!
//! Not part of the public API: only the command line itself, its output by `--json` and its exit statuses are stable.

mod beat;
mod notification;
mod run;
mod service_manager;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{Error, exit_status, report};

/// The widest help, in columns.
const WIDTH: usize = 100;

/// Locks that ask for proof of work: see them, steer them, and give them to any program.
#[derive(Debug, Parser)]
#[command(name = "livinglock", version, max_term_width = WIDTH)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Beat(beat::Beat),
    Run(run::Run),
    Wait(wait::Wait),
}

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    // It stands in crontabs before short commands, and to prepare the helps of all the others takes a tenth of its time.
    let done = match run::Run::alone().map_or_else(|| Arguments::parse().command, Command::Run) {
        Command::Beat(beat) => Ok(beat.run()),
        Command::Run(run) => run.run(),
        Command::Wait(wait) => wait.run(),
    };
    done.unwrap_or_else(|error| fail(&error))
}

/// Says why a command could not do its work.
fn fail(error: &Error) -> ExitCode {
    report::say(&report::chain(error));
    ExitCode::from(exit_status::CANNOT_LOCK)
}

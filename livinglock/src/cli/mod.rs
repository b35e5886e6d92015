//! The command line: what operators see and steer locks with.
//!
//! Not part of the public API: only the command line itself, its output by `--json` and its exit statuses are stable.

mod beat;
mod doctor;
mod history;
mod notification;
mod place;
mod run;
#[cfg(feature = "postgres")]
mod schema;
mod shell;
mod status;
mod stop;
mod wait;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{Error, exit_status, report};

/// The widest help, in columns.
const WIDTH: usize = 100;

/// The arguments are wrong (`EX_USAGE` of `sysexits.h`); clap's own 2 would say of a lock that its holder hangs.
const USAGE: u8 = 64;

/// Locks that ask for proof of work: see them, steer them, and give them to any program.
#[derive(Debug, Parser)]
#[command(
    name = "livinglock",
    version,
    max_term_width = WIDTH,
    after_help = "Exit status: as each command says; 64 the arguments are wrong."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Beat(beat::Beat),
    Run(Box<run::Run>),
    Status(status::Status),
    Stop(stop::Stop),
    Wait(wait::Wait),
    Watch(watch::Watch),
    Doctor(doctor::Doctor),
    History(history::History),
    #[cfg(feature = "postgres")]
    Schema(schema::Schema),
    Completions(shell::Completions),
    Man(shell::Man),
}

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    // It stands in crontabs before short commands, and to prepare the helps of all the others takes a tenth of its time.
    let command = match run::Run::alone() {
        Some(run) => run.map(|run| Command::Run(Box::new(run))),
        None => Arguments::try_parse().map(|arguments| arguments.command),
    };
    let command = match command {
        Ok(command) => command,
        Err(error) => return explain(&error),
    };
    let done = match command {
        Command::Beat(beat) => Ok(beat.run()),
        Command::Run(run) => run.run(),
        Command::Status(status) => status.run(),
        Command::Stop(stop) => stop.run(),
        Command::Wait(wait) => wait.run(),
        Command::Watch(watch) => watch.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::History(history) => history.run(),
        #[cfg(feature = "postgres")]
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    done.unwrap_or_else(|error| fail(&error))
}

/// Prints what clap has to say: help that was asked for, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> ExitCode {
    // Where nobody reads it there is nothing to be done.
    let _: std::io::Result<()> = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// Says why a command could not do its work.
fn fail(error: &Error) -> ExitCode {
    report::say(&report::chain(error));
    ExitCode::from(exit_status::CANNOT_LOCK)
}

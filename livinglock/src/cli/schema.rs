//! `livinglock schema`: what a database needs to keep locks.

use std::{io, process::ExitCode};

use clap::{Args, ValueEnum};

use super::status::print;
use crate::{error::Result, store::postgres_schema};

/// Print the statements that create the table for locks.
///
/// A job creates its table itself if it may. Where it may not, the owner of the database runs these, and grants the job's user SELECT,
/// INSERT and UPDATE on the table.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0.

Example: livinglock schema postgres --schema ops | psql app")]
pub(super) struct Schema {
    /// The kind of the database
    engine: Engine,
    /// The schema of the table, as with `?schema=` in the URL [default: the first one of the search path]
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    Postgres,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "as every command")]
    pub(super) fn run(&self) -> Result<ExitCode> {
        let statements = match self.engine {
            Engine::Postgres => postgres_schema(self.schema.as_deref()),
        };
        // A reader that has seen enough is no failure.
        let _: io::Result<()> = print(&statements);
        Ok(ExitCode::SUCCESS)
    }
}

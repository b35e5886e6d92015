//! `livinglock stop`: asks the holder of a lock to stop.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, ValueHint};

use crate::{
    error::{Error, Result},
    report,
    store::{
        ask_in_store,
        file::{Condition, Outcome, Request},
    },
};

use super::place::Place;

/// Ask the holder of a lock to stop, and wait until it has.
///
/// The job stops at its next checkpoint. One that reaches none within its own `grace` is ended by its own pulse: with its process if
/// it is a `main`; a function loses the lock. Neither the lock nor its file is taken or changed, and a run that acquires the lock
/// afterwards is left alone.
///
/// With --force a holder that has not gone by then, because it is stopped, frozen or takes no notice, is ended from outside: its whole
/// process and what it has started, by SIGTERM and then by SIGKILL. Only if it is proven to be the process that wrote the record and
/// has the lock now: never a stranger that has got its number.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0 nobody holds the lock now; 1 somebody does: the holder has not gone, or another run has acquired the lock since; \
73 the holder cannot be asked.

Example: livinglock stop --grace 30s --force /var/run/nightly.lock")]
pub(super) struct Stop {
    /// Wait this long, instead of as long as the holder may take by its own record; with --force once more from SIGTERM to SIGKILL,
    /// instead of 10s
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
    /// End the holder's process if it does not stop
    #[arg(long)]
    force: bool,
    /// The lock file, or a lock in a store like `postgres://db1/app#nightly`
    #[arg(value_hint = ValueHint::FilePath, value_name = "PATH|URL")]
    path: PathBuf,
}

impl Stop {
    const HELD: u8 = 1;

    /// From SIGTERM to SIGKILL, unless asked otherwise.
    const GRACE: Duration = Duration::from_secs(10);

    pub(super) fn run(&self) -> Result<ExitCode> {
        let place = Place::of(&self.path)?;
        let path = place.path();
        let sight = place.look()?;
        let record = sight.record.as_deref();
        let (status, sentence) = match sight.condition {
            condition @ (Condition::Free | Condition::Left(_) | Condition::Kept(_)) => {
                (ExitCode::SUCCESS, report::stop::nobody(path, condition))
            }
            Condition::OtherTool => (
                ExitCode::from(Self::HELD),
                report::stop::other_tool(path, record),
            ),
            Condition::NotALock => {
                return Err(Error::foreign(path));
            }
            _ => return self.ask(&place),
        };
        report::say(&sentence);
        Ok(status)
    }

    fn ask(&self, place: &Place) -> Result<ExitCode> {
        let path = place.path();
        let force = self.force.then(|| self.grace.unwrap_or(Self::GRACE));
        let outcome = match place {
            Place::File(path) => Request {
                path,
                grace: self.grace,
                force,
            }
            .put()?,
            Place::Store(store) => ask_in_store(&**store, self.grace, force)?,
        };
        match outcome {
            Outcome::NotHeld => report::say(&report::stop::nobody(path, Condition::Free)),
            Outcome::Gone {
                record,
                after,
                forced,
            } => {
                let record = record.as_deref();
                report::say(&report::stop::gone(path, record, after, forced));
            }
            Outcome::Lapsed { record, after } => {
                report::say(&report::stop::lapsed(path, &record, after));
            }
            Outcome::Stays { record, after, why } => {
                let record = record.as_deref();
                report::say(&report::stop::stays(path, record, after, &why));
                return Ok(ExitCode::from(Self::HELD));
            }
        }
        let next = place.look()?;
        Ok(match next.condition {
            Condition::Kept(_) => ExitCode::SUCCESS,
            condition => condition.busy().map_or(ExitCode::SUCCESS, |why| {
                report::say(&report::busy(path, &why, next.record.as_deref()));
                ExitCode::from(Self::HELD)
            }),
        })
    }
}

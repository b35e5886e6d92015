//! `livinglock wait`: until a lock is free.

use std::{
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueHint};

use crate::{
    error::{Error, Result},
    exit_status, report,
    store::file::Condition,
};

use super::place::Place;

/// Wait until nobody holds a lock.
///
/// The lock is only looked at, never taken: by the next moment somebody else may have it. One that `at_least` keeps after its job has
/// ended is held until then. To run a command as soon as a lock is free,
/// use `livinglock run --wait`.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0 the lock is free, or was left behind by a run that is gone; 124 it was not within the timeout; 73 it cannot be seen.

Example: livinglock wait --timeout 10m /var/run/nightly.lock && run-the-report")]
pub(super) struct Wait {
    /// Give up after this long; without it, wait for as long as it takes
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// The lock file, or a lock in a store like `postgres://db1/app#nightly`
    #[arg(value_hint = ValueHint::FilePath, value_name = "PATH|URL")]
    path: PathBuf,
}

impl Wait {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let begun = Instant::now();
        let place = Place::of(&self.path)?;
        let path = place.path();
        loop {
            let sight = place.look()?;
            if sight.condition == Condition::NotALock {
                return Err(Error::foreign(path));
            }
            let Some(why) = sight.condition.busy() else {
                return Ok(ExitCode::SUCCESS);
            };
            let pause = match self.timeout {
                None => place.pause(),
                Some(timeout) => match timeout.checked_sub(begun.elapsed()) {
                    None => {
                        let holder = sight.record.as_deref();
                        report::say(&report::stop::still_held(path, &why, holder, timeout));
                        return Ok(ExitCode::from(exit_status::AT_MOST));
                    }
                    Some(left) => left.min(place.pause()),
                },
            };
            thread::sleep(pause);
        }
    }
}

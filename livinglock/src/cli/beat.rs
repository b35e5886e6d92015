//! `livinglock beat`: the checkpoint of a script.

mod script;

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use super::notification;
use crate::{report, service_manager::ServiceManager};

/// Pass a checkpoint, from inside a command that `livinglock run` has started.
///
/// This is a script's proof of work: it tells the run around it, which listens at `$NOTIFY_SOCKET`, that work was done, where, and how
/// much of it. Without that variable it does nothing, so that a script works by itself too. In a unit of systemd it is what the
/// watchdog waits for (with `NotifyAccess=all` in the unit).
///
/// Without --file and --line, `BASH_SOURCE` and `BASH_LINENO` are used where env(1) passes them on, else the name of the script that the
/// parent process runs. An exported `LINENO` is not: bash gives all commands after it the same number.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: 0, also if the checkpoint cannot be delivered, for that must not fail the job; 64 the arguments are wrong.

Example, in a bash script:

    beat() { livinglock beat --file \"${BASH_SOURCE[1]}\" --line \"${BASH_LINENO[0]}\" \"$@\"; }
    for order in \"${orders[@]}\"; do
        beat --done $((i++)) --total ${#orders[@]} \"order $order\"
        process \"$order\"
    done")]
pub(super) struct Beat {
    /// How much of the work is done
    #[arg(long, value_name = "N", requires = "total")]
    done: Option<u64>,
    /// How much work there is in all
    #[arg(long, value_name = "M", requires = "done")]
    total: Option<u64>,
    /// The script in which this stands
    #[arg(long)]
    file: Option<OsString>,
    /// The line of the script
    #[arg(long)]
    line: Option<u32>,
    /// What is being done; several words need no quotes
    message: Vec<OsString>,
}

impl Beat {
    /// How long a listener may take to read: as long as `systemd-notify` gives it.
    const PATIENCE: Duration = Duration::from_secs(5);

    pub(super) fn run(&self) -> ExitCode {
        if let Some(address) = ServiceManager::address() {
            let told = ServiceManager::at(&address).and_then(|listener| {
                listener.tell(self.message().as_bytes())?;
                listener.wait_until_heard(Self::PATIENCE)
            });
            if let Err(error) = told {
                report::say(&report::beat::undelivered(&address, &error));
            }
        }
        ExitCode::SUCCESS
    }

    fn message(&self) -> String {
        let given = |name| env::var_os(name).filter(|value| !value.is_empty());
        let file = self.file.clone().or_else(|| given("BASH_SOURCE"));
        let file = file.map_or_else(script::of_parent, |file| {
            Some(file.to_string_lossy().into_owned())
        });
        let line = self
            .line
            .or_else(|| given("BASH_LINENO")?.to_str()?.parse().ok());
        notification::checkpoint(
            &self.message.join(OsStr::new(" ")).to_string_lossy(),
            self.done.zip(self.total),
            file.as_deref().map(|file| (file, line.unwrap_or(0))),
        )
    }
}

//! `livinglock run`: a command under a lock.
//!
//! Three processes: the *runner*, which was started, holds the lock and looks at what the command proves; its child, the *keeper*,
//! which holds the lock file as well and ends what is left when the command or the runner has ended; and the command, its child.

mod evidence;
mod keeper;
mod runner;
mod sources;
mod words;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{
    Args, Command, FromArgMatches,
    builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser},
};

use self::{evidence::Evidence, keeper::Keeper, runner::Runner, sources::Beat};
use crate::{
    OnStale, batch,
    cli::place::{shown, url_in},
    error::{Error, Result},
    exit_status, gate,
    job::Job,
    observer,
    pulse::{Held, Role},
    report,
    sys::Terminal,
};

/// Run a command under a lock, as flock(1) does, and watch whether it works.
///
/// If the lock is held by a run that works, this one yields. If the command proves no work for longer than `--stale`, the next run
/// takes the lock over, and the command and all that it has started are ended.
///
/// What proves work is told by `--beat`: `cpu`, processor time or transfers of the command and what it has started, so that a loop
/// that goes round in vain counts too; `notify`, messages of its own by `livinglock beat`, systemd-notify(1), or `sd_notify(3)` of
/// any language; `output`, anything that it writes (through pipes, so that it sees no terminal); `file:PATH`, a file that changes.
///
/// Nothing outlives the lock. When the command has ended, what it has left in the background is ended too, daemons included: by
/// SIGTERM, and after `--grace` by SIGKILL. So it is when this process is killed. Signals are passed on to the command. SIGTERM,
/// SIGINT and SIGHUP stop the run: the command has `--grace` to end.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: the command's own, or 128+N if signal N has ended it; 0 or --busy if the lock is busy; 73 the lock cannot be had; \
75 it was lost, or handed over to a run with --replace; 124 --at-most; 126 the command cannot be executed; 127 it is not found; \
128+N signal N has stopped the run.

Example: livinglock run --stale 30m --at-most 6h /run/lock/nightly.lock -- /usr/local/bin/nightly --all")]
pub(super) struct Run {
    /// No proof of work for this long means hung
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    stale: Duration,
    /// The least time between heartbeats that are written [default: 1m, or a tenth of --stale if that is shorter]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    heartbeat: Option<Duration>,
    /// Wait this long for a busy lock before yielding
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,
    /// The exit status when yielding
    #[arg(long, value_name = "STATUS", default_value_t = 0)]
    busy: u8,
    /// The time from a request to stop until everything is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Report a silence of this length on standard error [default: half of --stale]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    warn: Option<Duration>,
    /// The longest run
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    at_most: Option<Duration>,
    /// The shortest hold: an earlier end keeps the lock for the rest of it
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    at_least: Option<Duration>,
    /// What to do with a stale holder that is stopped or frozen, so that it cannot even answer
    #[arg(long, value_name = "POLICY", default_value = "terminate", value_parser = on_stale())]
    on_stale: OnStale,
    /// Ask a working holder to stop, then run
    #[arg(long)]
    replace: bool,
    /// The name in records and reports [default: the command's file name]
    #[arg(long)]
    name: Option<String>,
    /// The permissions of the lock file, in octal
    #[arg(long, value_parser = octal)]
    mode: Option<u32>,
    /// Allow a network file system, where a partition makes two owners
    #[arg(long)]
    network_fs: bool,
    /// Yield without a line
    #[arg(long)]
    quiet: bool,
    /// What proves work: `output`, `cpu`, `notify` or `file:PATH`; may be given more than once [default: cpu and notify]
    #[arg(long, value_name = "BEAT")]
    beat: Vec<Beat>,
    /// With a store: how long before the lease can run out everything is ended [default: 8 ticks, at least 1s, and some more]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    margin: Option<Duration>,
    /// Write metrics for Prometheus to this file, whose name ends in `.prom`
    #[arg(long, value_name = "PATH", value_parser = metrics_file())]
    metrics: Option<PathBuf>,
    /// Keep a journal of the runs in this file, for `livinglock history`
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// The URL to ping when the command begins, and how it ended, as healthchecks.io knows it; nobody if it is empty
    #[cfg(feature = "ping")]
    #[arg(long, value_name = "URL")]
    ping: Option<String>,
    /// The lock file, or a lock in a store like `postgres://db1/app#nightly`
    #[arg(value_name = "PATH|URL")]
    path: PathBuf,
    /// The command with its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// The command cannot be executed, as shells say it.
const NOT_EXECUTABLE: u8 = 126;
/// The command is not there, as shells say it.
const NOT_FOUND: u8 = 127;

impl Run {
    /// The arguments of this process, if it is this command that they name first.
    pub(super) fn alone() -> Option<clap::error::Result<Self>> {
        const NAME: &str = "run";
        let arguments = || env::args_os().skip(1);
        if arguments().next()? != NAME {
            return None;
        }
        let mut command = Command::new(NAME)
            .bin_name("livinglock run")
            .max_term_width(super::WIDTH);
        command = Self::augment_args(command);
        let matches = command.try_get_matches_from(arguments());
        Some(matches.and_then(|matches| Self::from_arg_matches(&matches)))
    }

    pub(super) fn run(&self) -> Result<ExitCode> {
        let name = self.name();
        let terminal = Terminal::in_foreground();
        // First of all: it is forked, which takes a process of one thread.
        let keeper = Keeper::start(&self.command, &self.path, self.grace, terminal.as_ref())
            .map_err(|error| Error::io("start the keeper of", &shown(&self.path), error))?;
        let role = Role::Runner {
            keeper: keeper.process_id(),
        };
        // Like the keeper, it is tidied up while the lock is free already.
        let mut evidence = None;
        Ok(batch::run_as(role, &self.job(&name), |held| {
            ExitCode::from(self.run_held(held, &name, &keeper, terminal, &mut evidence))
        }))
    }

    fn run_held(
        &self,
        held: &Arc<Held>,
        name: &str,
        keeper: &Keeper,
        terminal: Option<Terminal>,
        evidence: &mut Option<Evidence>,
    ) -> u8 {
        let usual = [Beat::Cpu, Beat::Notify];
        let beats = if self.beat.is_empty() {
            &usual[..]
        } else {
            &self.beat
        };
        let runner = Evidence::of(beats, name, held.path(), self.stale).map(|new| Runner {
            name,
            program: &self.command[0],
            held,
            grace: self.grace,
            keeper,
            terminal,
            evidence: evidence.insert(new),
            lock: None,
            command: None,
            stop: None,
            wakes: gate::wakes(),
        });
        runner.and_then(Runner::run).unwrap_or_else(|error| {
            report::say(&report::chain(&error));
            // Before the lock is released: the command may have been started.
            keeper.end();
            exit_status::CANNOT_LOCK
        })
    }

    fn name(&self) -> String {
        let of_command = || {
            let command = Path::new(&self.command[0]);
            let file = command.file_name().unwrap_or(command.as_os_str());
            file.to_string_lossy().into_owned()
        };
        self.name.clone().unwrap_or_else(of_command)
    }

    fn job<'a>(&'a self, name: &'a str) -> Job<'a> {
        let job = match url_in(&self.path) {
            Some(url) => Job::by_url(url),
            None => Job::at(&self.path),
        };
        let mut job = job
            .name(name)
            .stale(self.stale)
            .busy(self.busy)
            .grace(self.grace)
            .on_stale(self.on_stale)
            .replace(self.replace)
            .network_fs(self.network_fs)
            .quiet(self.quiet);
        if let Some(heartbeat) = self.heartbeat {
            job = job.heartbeat(heartbeat);
        }
        if let Some(wait) = self.wait {
            job = job.wait(wait);
        }
        if let Some(warn) = self.warn {
            job = job.warn(warn);
        }
        if let Some(at_most) = self.at_most {
            job = job.at_most(at_most);
        }
        if let Some(at_least) = self.at_least {
            job = job.at_least(at_least);
        }
        if let Some(margin) = self.margin {
            job = job.margin(margin);
        }
        if let Some(mode) = self.mode {
            job = job.mode(mode);
        }
        if let Some(metrics) = &self.metrics {
            job = job.metrics_at(metrics);
        }
        if let Some(history) = &self.history {
            job = job.history_at(history);
        }
        #[cfg(feature = "ping")]
        if let Some(url) = &self.ping {
            job = job.ping(url);
        }
        job
    }
}

fn on_stale() -> impl TypedValueParser<Value = OnStale> {
    PossibleValuesParser::new(["terminate", "fence", "report"]).map(|policy| match &*policy {
        "fence" => OnStale::Fence,
        "report" => OnStale::Report,
        _ => OnStale::Terminate,
    })
}

fn metrics_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match observer::check_metrics(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(error.to_string()),
    })
}

fn octal(text: &str) -> std::result::Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("expected permissions in octal, like 640".to_owned()),
    }
}

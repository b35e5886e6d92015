//! The runner: the process that was started, which holds the lock and looks at what its command proves.

use std::{
    ffi::OsStr,
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{self, ExitStatus},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    NOT_EXECUTABLE, NOT_FOUND,
    evidence::Evidence,
    keeper::{Heard, Keeper},
    words::{News, Order},
};
use crate::{
    error::{Error, Result},
    exit_status, gate,
    process::{Family, FileId},
    pulse::{Held, Keepsake},
    report,
    stop::Stop,
    sys::{self, Disposition, SignalFd, Terminal},
};

/// A run whose lock is held.
pub(super) struct Runner<'a> {
    pub(super) name: &'a str,
    pub(super) program: &'a OsStr,
    pub(super) held: &'a Arc<Held>,
    pub(super) grace: Duration,
    pub(super) keeper: &'a Keeper,
    /// It belongs to the command while that runs.
    pub(super) terminal: Option<Terminal>,
    pub(super) evidence: &'a mut Evidence,
    /// The lock file that the keeper holds.
    pub(super) lock: Option<FileId>,
    /// The command's process group, if that has the terminal.
    pub(super) command: Option<u32>,
    /// Why the command was told to stop.
    pub(super) stop: Option<Stop>,
    /// How often this process had woken up.
    pub(super) wakes: u32,
}

/// How a command has ended.
enum Ended {
    Itself { status: ExitStatus, left: usize },
    NotStarted(i32),
    Replaced,
    WithItsKeeper,
}

/// The signals that are passed on to the command. SIGCONT is, too, but cannot wait to be read.
const PASSED_ON: [i32; 9] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGWINCH,
    libc::SIGTSTP,
];

/// How soon to have the pulse begin, and to listen, since whoever speaks to us may have to wait for that. A short command is over by
/// then, and spared the threads.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

impl Runner<'_> {
    /// Runs the command to its end. The exit status.
    pub(super) fn run(mut self) -> Result<u8> {
        let ended = self.watch()?;
        if let (Some(terminal), Some(command)) = (&self.terminal, self.command) {
            terminal.take_back_from(command);
        }
        Ok(match ended {
            Ended::Itself { status, left } => {
                self.evidence.finish();
                if left > 0 {
                    report::say(&report::run::left_behind(self.held.path(), self.name, left));
                }
                exit_status_of(status)
            }
            Ended::NotStarted(reason) => {
                let error = io::Error::from_raw_os_error(reason);
                report::say(&report::run::not_started(self.program, &error));
                match reason {
                    libc::ENOENT | libc::ENOTDIR => NOT_FOUND,
                    _ => NOT_EXECUTABLE,
                }
            }
            // The pulse says so, as soon as it wakes up.
            Ended::Replaced => exit_status::LOST,
            Ended::WithItsKeeper => {
                // First, since nobody else tidies up after us now.
                self.evidence.close();
                self.evidence.finish();
                // If the pulse has killed it, this waits for the pulse, which ends us as well.
                self.held.keepsake(self.lock);
                let status = self.keeper.end();
                let patience = self.grace.min(Duration::from_secs(2));
                let ended = Family::of(process::id()).end(patience);
                report::say(&report::run::keeper_killed(
                    self.held.path(),
                    self.name,
                    ended,
                ));
                status.map_or(exit_status::CANNOT_LOCK, exit_status_of)
            }
        })
    }

    fn watch(&mut self) -> Result<Ended> {
        let failed = |error| Error::io("start a command under", self.held.path(), error);
        let signals = SignalFd::of(&heeded()).map_err(failed)?;
        let Some(keepsake) = self.held.keepsake(None) else {
            return Err(Error::stopped(self.held.path(), Stop::Lost));
        };
        let (variables, streams) = self.evidence.given();
        let mut files = Vec::new();
        match &keepsake {
            Keepsake::File(id, file) => {
                self.lock = Some(*id);
                files.push(file.as_fd());
            }
            // Before it needs to know.
            Keepsake::Until(until) => self.keeper.tell(&Order::Lease(*until), &[]),
        }
        files.extend(streams.iter().map(AsFd::as_fd));
        self.keeper.tell(&Order::Go(variables), &files);
        drop(streams);
        let pause = self.held.tick() / 2;
        let mut looks = Instant::now() + FIRST_PAUSE.min(pause);
        let mut is_settled = false;
        loop {
            let left = looks.saturating_duration_since(Instant::now());
            sys::is_readable_within([self.keeper.channel(), signals.as_fd()], left);
            while let Some(signal) = signals.next() {
                self.pass_on(signal);
            }
            if let Some(ended) = self.hear() {
                return Ok(ended);
            }
            self.obey();
            if looks <= Instant::now() {
                if !is_settled {
                    self.settle()?;
                    is_settled = true;
                }
                looks = Instant::now() + pause;
                self.look();
            }
        }
    }

    /// Prepares for a command that takes its time.
    fn settle(&self) -> Result<()> {
        if !self.evidence.copies_output() {
            // Whoever reads what the command writes must not wait for us.
            sys::let_go_of_stdin_and_stdout();
        }
        self.held.attend()
    }

    /// Does what the sender of a signal expects of a command that runs without us.
    fn pass_on(&mut self, signal: i32) {
        if let libc::SIGTERM | libc::SIGINT | libc::SIGHUP = signal {
            self.held.signal(u8::try_from(signal).unwrap_or(u8::MAX));
            self.stop = self.stop.or(self.held.gate().obey());
        }
        self.keeper.tell(&Order::Signal(signal), &[]);
    }

    fn hear(&mut self) -> Option<Ended> {
        loop {
            match self.keeper.hear() {
                Heard::Nothing => return None,
                Heard::Gone => return Some(Ended::WithItsKeeper),
                Heard::News(News::Started(command)) => self.command = Some(command),
                Heard::News(News::Suspended) => self.suspend(),
                Heard::News(News::Replaced) => return Some(Ended::Replaced),
                Heard::News(News::Failed(reason)) => return Some(Ended::NotStarted(reason)),
                Heard::News(News::Ended { status, left }) => {
                    let left = left as usize;
                    return Some(Ended::Itself { status, left });
                }
            }
        }
    }

    /// The command was stopped at a terminal: so are we, lest the shell wait, until it continues us.
    fn suspend(&self) {
        let (Some(terminal), Some(command)) = (&self.terminal, self.command) else {
            return;
        };
        terminal.take_back_from(command);
        sys::stop_ourselves();
        if terminal.is_ours() {
            terminal.give_to(command);
        }
        self.keeper.tell(&Order::Signal(libc::SIGCONT), &[]);
    }

    /// Ends the command in its own way, if the run has to stop.
    fn obey(&mut self) {
        if self.stop.is_none() {
            // The command cannot answer the newcomer: it does not know of it.
            self.held.give_way();
            self.stop = self.held.gate().obey();
            if self.stop.is_some() {
                self.keeper.tell(&Order::Signal(libc::SIGTERM), &[]);
            }
        }
    }

    fn look(&mut self) {
        let wakes = gate::wakes();
        if wakes != self.wakes {
            self.wakes = wakes;
            self.keeper.tell(&Order::Signal(libc::SIGCONT), &[]);
        }
        match self.held.keepsake(self.lock) {
            Some(Keepsake::File(id, file)) => {
                self.keeper.tell(&Order::Lock, &[file.as_fd()]);
                self.lock = Some(id);
            }
            Some(Keepsake::Until(until)) => self.keeper.tell(&Order::Lease(until), &[]),
            None => {}
        }
        if self.stop.is_some() {
            return;
        }
        let tree = if self.evidence.is_in_processes() {
            Family::of(self.keeper.process_id()).ids().collect()
        } else {
            Vec::new()
        };
        if let Some(passed) = self.evidence.look(&tree) {
            // Of a stop we learn by obeying.
            let _ = self.held.gate().pass(passed);
        }
    }
}

/// The signals that do not stay ignored, as SIGHUP does under nohup.
fn heeded() -> Vec<i32> {
    let is_heeded = |signal: &i32| Disposition::of(*signal) != Disposition::Ignored;
    PASSED_ON.into_iter().filter(is_heeded).collect()
}

/// As shells tell it.
fn exit_status_of(status: ExitStatus) -> u8 {
    let of_signal = || {
        status
            .signal()
            .map(|signal| i32::from(exit_status::SIGNAL) + signal)
    };
    let code = status.code().or_else(of_signal);
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

//! The keeper: the process between the runner and the command, which sees to it that nothing of a run outlives its lock.
//!
//! It is forked before the lock is acquired, while the runner has one thread. It holds the lock file too, so that the lock is not free
//! before both are gone; it adopts what the command leaves behind, daemons included; and it hears at once when the runner has ended,
//! however that came. Then it ends what still works, and lets go of the lock last.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::{self, Command, ExitStatus},
    time::{Duration, Instant},
};

use super::words::{News, Order, Variable};
use crate::{
    process::Family,
    service_manager,
    sys::{self, Arrival, Change, Channel, Disposition, SignalFd, SignalMask, Start, Terminal},
};

/// The runner's side. Dropped, it ends the keeper with all that it keeps.
#[derive(Debug)]
pub(super) struct Keeper {
    process_id: u32,
    channel: Channel,
}

/// What the runner hears of the keeper.
#[derive(Debug)]
pub(super) enum Heard {
    News(News),
    Nothing,
    /// It has ended, and has not said how the command did.
    Gone,
}

impl Keeper {
    /// Forks a keeper for a command under the lock at this path.
    pub(super) fn start(
        command: &[OsString],
        lock: &Path,
        grace: Duration,
        terminal: Option<&Terminal>,
    ) -> io::Result<Self> {
        let ignores_sigchld = Disposition::of(libc::SIGCHLD) == Disposition::Ignored;
        if ignores_sigchld {
            // How its children have ended would be lost.
            Disposition::reset(libc::SIGCHLD);
        }
        let start = Start {
            mask: SignalMask::now(),
            ignores_sigchld,
            terminal: terminal.and_then(|terminal| terminal.duplicate().ok()),
        };
        let (ours, theirs) = Channel::pair()?;
        // If the keeper is killed, what it has kept comes to us.
        sys::adopt_orphans()?;
        if let Some(process_id) = sys::fork()? {
            return Ok(Self {
                process_id,
                channel: ours,
            });
        }
        drop(ours);
        // Nothing of it may go on in the place of the runner.
        let kept = panic::catch_unwind(AssertUnwindSafe(|| {
            keep(theirs, command, start, lock, grace)
        }));
        sys::exit_now(u8::from(!matches!(kept, Ok(Ok(())))))
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Readable when there is something to hear.
    pub(super) fn channel(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// Tells it something. If it is gone, [`hear`](Self::hear) says so.
    pub(super) fn tell(&self, order: &Order, files: &[BorrowedFd<'_>]) {
        let _ = self.channel.send(&order.to_bytes(), files);
    }

    pub(super) fn hear(&self) -> Heard {
        match self.channel.receive() {
            Ok(Arrival::Message(bytes, _)) => News::parse(&bytes).map_or(Heard::Gone, Heard::News),
            Ok(Arrival::Nothing) => Heard::Nothing,
            Ok(Arrival::Closed) | Err(_) => Heard::Gone,
        }
    }

    /// Tells it to end all that it keeps, and waits for its own end.
    pub(super) fn end(&self) -> Option<ExitStatus> {
        self.channel.close();
        // The second time there is none to wait for.
        sys::wait_for(self.process_id).ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the keeper does until its end.
fn keep(
    channel: Channel,
    command: &[OsString],
    start: Start,
    lock: &Path,
    grace: Duration,
) -> io::Result<()> {
    // What is sent to all processes of a terminal, or of a service, is not for us: we end after everybody else.
    sys::block_signals();
    sys::set_name(c"livinglock-keep");
    sys::adopt_orphans()?;
    let children = SignalFd::of(&[libc::SIGCHLD])?;
    let mut lease = None;
    let (variables, mut files) = loop {
        sys::wait_readable([channel.as_fd()])?;
        match channel.receive()? {
            Arrival::Message(bytes, files) => match Order::parse(&bytes) {
                Some(Order::Lease(until)) => lease = Some(Hold::Lease(until)),
                Some(Order::Go(variables)) => break (variables, files.into_iter()),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            },
            Arrival::Nothing => {}
            // The lock was not to be had.
            Arrival::Closed => return Ok(()),
        }
    };
    let held = match lease {
        Some(lease) => lease,
        None => Hold::File(files.next().ok_or(io::ErrorKind::InvalidData)?.into()),
    };
    let mut command = prepared(command, &variables, files);
    let has_terminal = start.terminal.is_some();
    sys::begin_apart(&mut command, start);
    let started = command.spawn();
    // With it go our copies of the command's standard streams.
    drop(command);
    let keeping = Keeping {
        channel,
        children,
        held: Some(held),
        lock,
        grace,
        variables,
        is_stopping: false,
    };
    match started {
        Ok(command) => {
            // Whoever reads what the command writes must not wait for us.
            sys::let_go_of_stdin_and_stdout();
            if has_terminal {
                keeping.say(News::Started(command.id()));
            }
            keeping.run(command.id());
        }
        Err(error) => {
            keeping.say_at_last(News::Failed(error.raw_os_error().unwrap_or(libc::EIO)));
        }
    }
    Ok(())
}

fn prepared(
    command: &[OsString],
    variables: &[Variable],
    mut streams: impl Iterator<Item = OwnedFd>,
) -> Command {
    let mut prepared = Command::new(&command[0]);
    prepared.args(&command[1..]);
    for (name, value) in variables {
        match value {
            Some(value) => prepared.env(name, value),
            None => prepared.env_remove(name),
        };
    }
    if let (Some(stdout), Some(stderr)) = (streams.next(), streams.next()) {
        prepared.stdout(stdout).stderr(stderr);
    }
    prepared
}

/// What keeps the lock from being free while anything works.
enum Hold {
    File(File),
    /// Until then (`CLOCK_BOOTTIME`, nanoseconds).
    Lease(u64),
}

/// A keeper whose command runs.
struct Keeping<'a> {
    channel: Channel,
    children: SignalFd,
    held: Option<Hold>,
    lock: &'a Path,
    grace: Duration,
    variables: Vec<Variable>,
    /// The command was told to.
    is_stopping: bool,
}

impl Keeping<'_> {
    /// How long what is left of a command has to end by itself when its runner is gone, at most.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// How often it looks, in each `grace`, whether the lock file is still in its place; and how often another one is found there
    /// until it acts. In that time the runner, if it is awake, has noticed, and told us to stop; and whoever has replaced the file
    /// waits for longer before it begins.
    const LOOKS: (u32, u32) = (8, 6);

    fn say(&self, news: News) {
        // Nobody may listen any more; that shows in the next look at the channel.
        let _ = self.channel.send(&news.to_bytes(), &[]);
    }

    /// Says how it has ended. Nothing works any more, so that the lock may be released at once.
    fn say_at_last(mut self, news: News) {
        self.held.take();
        self.say(news);
        self.clean_up();
    }

    fn run(mut self, command: u32) {
        let pause = self.grace / Self::LOOKS.0;
        let pause = pause.clamp(Duration::from_millis(10), Duration::from_secs(1));
        let mut looked = Instant::now();
        let mut misses = 0;
        loop {
            sys::is_readable_within([self.channel.as_fd(), self.children.as_fd()], pause);
            while self.children.next().is_some() {}
            if let Some(status) = self.reap(command) {
                let left = self.end_all(self.grace);
                return self.say_at_last(News::Ended { status, left });
            }
            if !self.listen(command) {
                self.end_all(self.grace.min(Self::PATIENCE));
                return self.clean_up();
            }
            if looked.elapsed() >= pause {
                looked = Instant::now();
                // A runner that has told us to stop has noticed; but it may stand still since, and a lease runs out all the same.
                let is_replaced = !self.is_stopping && self.is_replaced();
                misses = if is_replaced { misses + 1 } else { 0 };
                if misses >= Self::LOOKS.1 || self.has_run_out() {
                    // The runner stands still, and somebody has taken its lock.
                    self.end_all(Duration::ZERO);
                    return self.say_at_last(News::Replaced);
                }
            }
        }
    }

    /// Removes what a runner that was killed cannot, and any other need not wait for.
    fn clean_up(&self) {
        for (name, value) in &self.variables {
            if let (true, Some(socket)) = (name == service_manager::VARIABLE, value) {
                let _ = fs::remove_file(socket);
            }
        }
    }

    /// Reaps whoever has ended; how the command has, if it was among them.
    fn reap(&self, command: u32) -> Option<ExitStatus> {
        loop {
            match sys::reap() {
                Change::Ended(child, status) if child == command => return Some(status),
                Change::Stopped(child) if child == command => self.say(News::Suspended),
                Change::Ended(..) | Change::Stopped(_) => {}
                Change::Nothing | Change::Nobody => return None,
            }
        }
    }

    /// Does what the runner says; whether it is still there.
    fn listen(&mut self, command: u32) -> bool {
        loop {
            let Ok(arrival) = self.channel.receive() else {
                return false;
            };
            match arrival {
                Arrival::Nothing => return true,
                Arrival::Closed => return false,
                Arrival::Message(bytes, files) => match Order::parse(&bytes) {
                    Some(Order::Lock) => {
                        if let Some(file) = files.into_iter().next() {
                            self.held = Some(Hold::File(file.into()));
                        }
                    }
                    Some(Order::Lease(until)) => self.held = Some(Hold::Lease(until)),
                    Some(Order::Signal(signal)) => {
                        // Not reaped, so that the number is still its own. It may have become somebody whom we must not signal.
                        let _ = sys::signal_group(command, signal);
                        if matches!(signal, libc::SIGTERM | libc::SIGINT | libc::SIGHUP) {
                            self.is_stopping = true;
                            // A stopped process cannot heed it.
                            let _ = sys::signal_group(command, libc::SIGCONT);
                        }
                    }
                    Some(Order::Go(_)) | None => {}
                },
            }
        }
    }

    /// Whether another file is in the place of ours. One that was only removed the runner puts back.
    fn is_replaced(&self) -> bool {
        let id = |found: &fs::Metadata| (found.dev(), found.ino());
        let Some(Hold::File(ours)) = &self.held else {
            return false;
        };
        match (self.lock.symlink_metadata(), ours.metadata()) {
            (Ok(there), Ok(ours)) => id(&there) != id(&ours),
            _ => false,
        }
    }

    /// Whether the lease has run out, for all that the runner has said.
    fn has_run_out(&self) -> bool {
        matches!(self.held, Some(Hold::Lease(until)) if sys::boottime_ns() >= until)
    }

    /// Ends whatever is left, and returns only when nobody is. How many there were.
    fn end_all(&self, patience: Duration) -> u32 {
        let mut ended = 0;
        loop {
            // Without a child there is no descendant, since the orphans among them are ours.
            match sys::reap() {
                Change::Nobody => return ended,
                Change::Nothing => {}
                Change::Ended(..) | Change::Stopped(_) => continue,
            }
            let count = Family::of(process::id()).end(patience);
            ended = ended.max(u32::try_from(count).unwrap_or(u32::MAX));
            // It may be in the kernel, or another user's. As long as it works, the lock is not free.
            sys::is_readable_within([self.children.as_fd()], Duration::from_millis(10));
            while self.children.next().is_some() {}
        }
    }
}

//! Other processes: this test binary once more, as one of its programs.

use std::{
    env,
    error::Error as _,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use livinglock::Lock;
use livinglock_tests::{PATIENCE, Signal, wait_until};
use nix::{
    sys::{
        signal,
        stat::{Mode, umask},
    },
    unistd::Pid,
};

/// A user that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

/// What marks the lines that a program says, among those of the test runner.
const MARK: char = '@';

/// Runs the program that the environment names, in a process that a test has started.
pub(crate) fn run(programs: &[(&str, fn())]) {
    let Ok(name) = env::var("PROGRAM") else {
        return;
    };
    let (_, program) = programs
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a program of this name");
    program();
}

/// A program of this test binary, to be started.
pub(crate) fn program(name: &str) -> Command {
    program_of(&env::current_exe().unwrap(), name)
}

/// A program of a copy of this test binary.
pub(crate) fn program_of(binary: &Path, name: &str) -> Command {
    program_as(Command::new(binary), name)
}

/// A program of this test binary, to be started by `unshare` with these options.
pub(crate) fn program_under_unshare(options: &[&str], name: &str) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(options);
    program_under(unshare, name)
}

/// A program of this test binary, to be started by the command whose last arguments it is.
pub(crate) fn program_under(mut command: Command, name: &str) -> Command {
    command.arg(env::current_exe().unwrap());
    program_as(command, name)
}

/// A copy of this test binary in a folder, for everybody to run.
pub(crate) fn binary_for_everybody(folder: &Path) -> PathBuf {
    let everybody = || fs::Permissions::from_mode(0o755);
    let binary = folder.join("binary");
    if !binary.exists() {
        // By another process: what this one has open for writing, a child started meanwhile has too, and then it cannot be run.
        let mut copy = Command::new("cp");
        copy.arg(env::current_exe().unwrap()).arg(&binary);
        assert!(copy.status().unwrap().success(), "{copy:?}");
    }
    fs::set_permissions(folder, everybody()).unwrap();
    fs::set_permissions(&binary, everybody()).unwrap();
    binary
}

/// A program that has no privileges, even if we have; from a binary in this folder, which everybody may enter.
pub(crate) fn program_as_nobody(folder: &Path, name: &str) -> Command {
    let mut command = program_of(&binary_for_everybody(folder), name);
    command.current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn program_as(mut command: Command, name: &str) -> Command {
    command
        .args(["--exact", "program", "--ignored", "--nocapture"])
        .env("PROGRAM", name)
        // What is said must not depend on how the tests are run.
        .env("RUST_BACKTRACE", "0")
        .env_remove("LIVINGLOCK_FAULTS");
    command
}

/// The holder of a lock, to be started.
pub(crate) fn holder_of(path: &Path) -> Command {
    let mut command = program("holder");
    command.env("LOCK", path);
    command
}

/// Says a line to the test.
pub(crate) fn say(line: &str) {
    // Not after the words of the test runner.
    println!("\n{MARK}{line}");
}

/// Waits for a line from the test, or for its end.
pub(crate) fn listen() {
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// An error with its causes.
pub(crate) fn chain(error: &livinglock::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Takes a lock, says whether it has it, and works until the test ends it.
pub(crate) fn holder() {
    let milliseconds = |name: &str, default: u64| {
        let given = env::var(name).map(|text| text.parse().unwrap());
        Duration::from_millis(given.unwrap_or(default))
    };
    let mut options = Lock::options()
        .stale(milliseconds("STALE_MS", 3_600_000))
        .heartbeat(milliseconds("HEARTBEAT_MS", 20))
        .grace(milliseconds("GRACE_MS", 200));
    if let Ok(name) = env::var("NAME") {
        options = options.name(name);
    }
    let octal = |name: &str| {
        let given = env::var(name).ok()?;
        Some(u32::from_str_radix(&given, 8).unwrap())
    };
    if let Some(mode) = octal("MODE") {
        options = options.mode(mode);
    }
    if let Some(mask) = octal("UMASK") {
        umask(Mode::from_bits_truncate(mask));
    }
    if env::var_os("GATE").is_some() {
        say("ready");
        listen();
    }
    let lock = match options.acquire(env::var("LOCK").unwrap()) {
        Ok(lock) => lock,
        Err(error) => {
            let verdict = if error.is_busy() { "busy" } else { "refused" };
            say(&format!("{verdict}: {}", chain(&error)));
            return listen();
        }
    };
    if env::var_os("CHILD").is_some() {
        // It lives as long as the test keeps our standard input open.
        let child = Command::new("cat")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        say(&format!("child {}", child.unwrap().id()));
    }
    say(&format!("owner {}", std::process::id()));
    let silent = env::var_os("SILENT").is_some();
    let ended = thread::spawn(listen);
    let mut is_lost = false;
    wait_until("the test ends us, or the lock is lost", || {
        is_lost = !silent && lock.heartbeat().is_err();
        is_lost || ended.is_finished()
    });
    if is_lost {
        say("lost");
        return listen();
    }
    lock.release().unwrap();
}

/// A started program, killed and reaped when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) errors: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(said) = line.strip_prefix(MARK) {
                    let _nobody_listens_any_more = sender.send(said.to_owned());
                }
            }
        });
        let errors = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            lines,
            errors: Some(errors),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that the program says.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("the program says nothing"),
            Err(RecvTimeoutError::Disconnected) => {
                let errors = self.errors.take().unwrap().join().unwrap();
                panic!("the program ended: {errors}")
            }
        }
    }

    /// Whether the program says nothing for a while, and goes on.
    pub(crate) fn is_silent(&mut self) -> bool {
        let waited = self.lines.recv_timeout(Duration::from_millis(100));
        waited == Err(RecvTimeoutError::Timeout) && self.child.try_wait().unwrap().is_none()
    }

    /// Insists that the program says a line that begins like this; the rest of it.
    pub(crate) fn expect(&mut self, beginning: &str) -> String {
        let line = self.line();
        match line.strip_prefix(beginning) {
            Some(rest) => rest.trim().to_owned(),
            None => panic!("expected {beginning:?}, not {line:?}"),
        }
    }

    /// Lets a program go on that listens.
    pub(crate) fn tell(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
    }

    /// Stops the program, as a suspended machine does.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let stat = format!("/proc/{}/stat", self.id());
        wait_until("the program is stopped", || {
            fs::read_to_string(&stat).unwrap().contains(") T ")
        });
    }

    /// Lets a stopped program go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        signal::kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Kills the program with SIGKILL.
    pub(crate) fn kill(&mut self) {
        // Waiting closes it, and a child of the program may live as long as it is open.
        let input = self.child.stdin.take();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child.stdin = input;
    }

    /// Lets the program end, and waits for that.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        wait_until("the program ends", || {
            self.child.try_wait().unwrap().is_some()
        });
        Ended {
            status: self.child.wait().unwrap(),
            errors: self.errors.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Whether a test can be done here; says so if not, and fails where everything must be tested.
pub(crate) fn can(what: &str, possible: bool) -> bool {
    if !possible {
        assert!(env::var("CI").as_deref() != Ok("true"), "needs {what}");
        // Not by `eprintln!`, which the test runner swallows.
        let line = format!("SKIPPED: needs {what}\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    possible
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Whether a test can do what only root may.
pub(crate) fn can_be_root() -> bool {
    can("root", is_root())
}

/// Whether a program runs under `unshare` with these options.
pub(crate) fn can_unshare(options: &[&str]) -> bool {
    let tried = Command::new("unshare").args(options).arg("true").output();
    can(
        &format!("unshare {}", options.join(" ")),
        tried.is_ok_and(|output| output.status.success()),
    )
}

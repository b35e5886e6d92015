//! `livinglock beat`: what a script's checkpoint sends, and that it never fails the script.

use std::{
    ffi::OsStr,
    fs, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

use livinglock_tests::{PATIENCE, Scene};

const LIVINGLOCK: &str = env!("CARGO_BIN_EXE_cli");

/// Somebody who listens, as a service manager does.
struct Listener {
    scene: Scene,
    socket: UnixDatagram,
}

impl Listener {
    fn new() -> Self {
        let scene = Scene::new();
        let socket = UnixDatagram::bind(scene.file("socket")).expect("bind a socket");
        Self { scene, socket }
    }

    /// The messages that a command sends until it has ended, each of which it waits for until it is read.
    fn hear(&self, mut command: Command) -> Vec<String> {
        command.env("NOTIFY_SOCKET", self.scene.file("socket"));
        hear(&self.socket, command)
    }

    fn script(&self, text: &str) -> PathBuf {
        let path = self.scene.file("job.sh");
        fs::write(&path, text).expect("write a script");
        path
    }
}

fn hear(socket: &UnixDatagram, mut command: Command) -> Vec<String> {
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("set a timeout");
    let end = b"the end";
    let address = socket.local_addr().expect("an address");
    thread::scope(|scope| {
        let ended = scope.spawn(move || {
            let ended = command.stdin(Stdio::null()).output();
            let sender = UnixDatagram::unbound().expect("a socket");
            sender.send_to_addr(end, &address).expect("tell the end");
            ended.expect("run the command")
        });
        let mut messages = Vec::new();
        loop {
            let mut buffer = [0; 8192];
            let length = match socket.recv(&mut buffer) {
                // Some thread's child has ended: with a timeout, the kernel does not go on by itself.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length.expect("a message"),
            };
            if &buffer[..length] == end {
                break;
            }
            messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        let ended = ended.join().expect("its end");
        assert_eq!((ended.status.code(), stderr(&ended)), (Some(0), ""));
        let (said, barriers): (Vec<_>, Vec<_>) = messages
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .unzip();
        assert!(
            barriers.iter().all(|barrier| barrier == "BARRIER=1"),
            "{barriers:?}"
        );
        said
    })
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).expect("readable")
}

/// A checkpoint, called by this process.
fn beat<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(LIVINGLOCK);
    command.arg("beat").args(arguments);
    for variable in ["NOTIFY_SOCKET", "BASH_SOURCE", "BASH_LINENO"] {
        command.env_remove(variable);
    }
    command
}

/// A script, which finds the program by the variable `livinglock`.
fn script(shell: &str, listener: &Listener, text: &str) -> Command {
    let mut command = Command::new(shell);
    command
        .arg(listener.script(text))
        .env("livinglock", LIVINGLOCK);
    command
}

#[test]
fn a_checkpoint_is_one_message() {
    let listener = Listener::new();
    for (arguments, message) in [
        (
            &["--file", "a.sh"][..],
            "WATCHDOG=1\nSTATUS=\nX_LIVINGLOCK_FILE=a.sh\nX_LIVINGLOCK_LINE=0\n",
        ),
        (
            &["--file", "a.sh", "--line", "7", "order 12"],
            "WATCHDOG=1\nSTATUS=order 12\nX_LIVINGLOCK_FILE=a.sh\nX_LIVINGLOCK_LINE=7\n",
        ),
        (
            &[
                "--file", "a.sh", "--done", "12", "--total", "500", "order", "12",
            ],
            "WATCHDOG=1\nSTATUS=order 12\nX_LIVINGLOCK_DONE=12\nX_LIVINGLOCK_TOTAL=500\nX_LIVINGLOCK_FILE=a.sh\nX_LIVINGLOCK_LINE=0\n",
        ),
        (
            &["--file", "a\nb", "--", "-x\nWATCHDOG=trigger"],
            "WATCHDOG=1\nSTATUS=-x WATCHDOG=trigger\nX_LIVINGLOCK_FILE=a b\nX_LIVINGLOCK_LINE=0\n",
        ),
    ] {
        assert_eq!(listener.hear(beat(arguments)), [message], "{arguments:?}");
    }
    let latin = OsStr::from_bytes(b"--file=M\xfcller");
    let message = "WATCHDOG=1\nSTATUS=\nX_LIVINGLOCK_FILE=M\u{fffd}ller\nX_LIVINGLOCK_LINE=0\n";
    assert_eq!(listener.hear(beat([latin])), [message]);
}

#[test]
fn an_abstract_socket_is_found_too() {
    let name = format!("livinglock-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let socket = UnixDatagram::bind_addr(&address).expect("bind a socket");
    let mut command = beat(["--file", "a.sh"]);
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    assert_eq!(hear(&socket, command).len(), 1);
}

#[test]
fn where_nobody_listens_nothing_fails() {
    let scene = Scene::new();
    let dead = scene.file("dead");
    drop(UnixDatagram::bind(&dead).expect("bind a socket"));
    for (address, what) in [
        (None, None),
        (Some(OsStr::new("")), None),
        (Some(dead.as_os_str()), Some("refused")),
        (Some(scene.file("none").as_os_str()), Some("No such file")),
        (
            Some(OsStr::new("vsock:2:1")),
            Some("expected an absolute path"),
        ),
        (
            Some(OsStr::new("/\u{1b}[2J")),
            Some("NOTIFY_SOCKET=/\\u{1b}[2J:"),
        ),
    ] {
        let mut command = beat(["order 12"]);
        if let Some(address) = address {
            command.env("NOTIFY_SOCKET", address);
        }
        let ended = command.output().expect("run it");
        assert_eq!(ended.status.code(), Some(0), "{address:?}");
        assert_eq!(ended.stdout, b"");
        let said = stderr(&ended);
        match what {
            None => assert_eq!(said, ""),
            Some(what) => {
                assert!(
                    said.starts_with("livinglock: nobody learns of this checkpoint: "),
                    "{said}"
                );
                assert!(said.contains(what) && said.lines().count() == 1, "{said}");
            }
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [
        &["--done", "1"][..],
        &["--total", "1"],
        &["--done", "-1", "--total", "1"],
        &["--line", "x"],
        &["--unknown"],
    ] {
        let ended = beat(arguments).output().expect("run it");
        assert_eq!(ended.status.code(), Some(64), "{arguments:?}");
    }
}

/// The places in messages.
fn places(messages: &[String]) -> Vec<(&str, &str)> {
    messages
        .iter()
        .map(|message| {
            let value = |name: &str| {
                let mut lines = message.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap_or("none")
            };
            (value("X_LIVINGLOCK_FILE="), value("X_LIVINGLOCK_LINE="))
        })
        .collect()
}

#[test]
fn the_script_is_known_by_its_shell() {
    let listener = Listener::new();
    let text = "set -e\n\"$livinglock\" beat one\n\"$livinglock\" beat --line $((1 + 2)) two\n";
    let name = listener.scene.file("job.sh");
    let name = name.to_str().expect("a readable name");
    let messages = listener.hear(script("sh", &listener, text));
    assert_eq!(places(&messages), [(name, "0"), (name, "3")]);
    // No script: the commands are an argument.
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$livinglock\" beat; :"])
        .env("livinglock", LIVINGLOCK);
    assert_eq!(places(&listener.hear(command)), [("none", "none")]);
}

/// The function that the help shows, with the program of this test.
const FUNCTION: &str = r#"set -eu
beat() { "$livinglock" beat --file "${BASH_SOURCE[1]##*/}" --line "${BASH_LINENO[0]}" "$@"; }
"#;

#[test]
fn bash_knows_its_lines() {
    if Command::new("bash").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs bash");
        eprintln!("SKIPPED: needs bash");
        return;
    }
    let listener = Listener::new();
    let text = FUNCTION.to_owned()
        + r#"for i in 1 2; do
    beat --done $i --total 2 "order $i"
done
work() {
    beat
}
work
env BASH_SOURCE="$BASH_SOURCE" BASH_LINENO=$LINENO "$livinglock" beat
# The number of the first line after it, for ever: no checkpoint may be said to stand there.
export LINENO
env | grep -q ^LINENO=

"$livinglock" beat
"#;
    let path = listener.scene.file("job.sh");
    let path = path.to_str().expect("a readable name");
    let messages = listener.hear(script("bash", &listener, &text));
    assert_eq!(
        places(&messages),
        [
            ("job.sh", "4"),
            ("job.sh", "4"),
            ("job.sh", "7"),
            (path, "10"),
            (path, "0")
        ]
    );
    assert!(
        messages[1]
            .starts_with("WATCHDOG=1\nSTATUS=order 2\nX_LIVINGLOCK_DONE=2\nX_LIVINGLOCK_TOTAL=2\n")
    );
    // And that is the function that the help shows.
    let help = Command::new(LIVINGLOCK)
        .args(["beat", "--help"])
        .output()
        .expect("run it");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let shown =
        r#"beat() { livinglock beat --file "${BASH_SOURCE[1]}" --line "${BASH_LINENO[0]}" "$@"; }"#;
    assert!(help.contains(shown), "{help}");
}

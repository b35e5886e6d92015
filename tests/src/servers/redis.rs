//! Redis.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{Engine, PASSWORD, Server, USER, bare, connect};
use crate::PATIENCE;

impl Server {
    /// Has Redis execute a command: the reply, as the protocol spells it (`+PONG\r\n`).
    ///
    /// # Panics
    ///
    /// It does not answer, or this is another kind of server.
    #[expect(clippy::must_use_candidate, reason = "most are for what they do")]
    pub fn command(&self, words: &[&str]) -> String {
        self.expect_engine(Engine::Redis);
        let reply = command_at(self.port, PATIENCE, words);
        reply.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// What starts the server.
pub(super) fn command(program: &Path, folder: &Path, port: u16, is_durable: bool) -> Command {
    let mut command = bare("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .arg("--dir")
        .arg(folder)
        .args(["--save", ""])
        .args(["--appendonly", if is_durable { "yes" } else { "no" }])
        .args(["--appendfsync", "always"])
        .args(["--user", USER, "on", &format!(">{PASSWORD}")])
        .args(["~*", "&*", "+@all"]);
    command
}

/// Whether it answers PING.
pub(super) fn answers(port: u16, within: Duration) -> io::Result<bool> {
    Ok(command_at(port, within, &["PING"])? == "+PONG\r\n")
}

fn command_at(port: u16, within: Duration, words: &[&str]) -> io::Result<String> {
    // The reply is complete when the server, told to, has closed the connection.
    const QUIT: &str = "*1\r\n$4\r\nQUIT\r\n";
    const BYE: &str = "+OK\r\n";
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        write!(request, "${}\r\n{word}\r\n", word.len()).expect("write to a string");
    }
    let mut stream = connect(port, within)?;
    stream.write_all(request.as_bytes())?;
    stream.write_all(QUIT.as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let reply = reply.strip_suffix(BYE);
    reply
        .map(str::to_owned)
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

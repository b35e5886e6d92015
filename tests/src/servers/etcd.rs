//! etcd.

use std::{
    io::{self, Read, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{Engine, PASSWORD, Server, USER, bare, connect, data};
use crate::PATIENCE;

impl Server {
    /// Sends JSON to the gateway of etcd, without a token of a user: its answer.
    ///
    /// # Panics
    ///
    /// It does not answer, or says no, or this is another kind of server.
    #[expect(clippy::must_use_candidate, reason = "most are for what they do")]
    pub fn post(&self, path: &str, json: &str) -> String {
        self.expect_engine(Engine::Etcd);
        let request = format!(
            "POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        let answer = exchange(self.port, PATIENCE, &request);
        let (head, body) = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(is_good(&head), "{path} {json}: {head}\n{body}");
        body
    }

    /// From now on etcd wants a token of a user: [`USER`], who may read and write everything, or `root`, both with [`PASSWORD`].
    ///
    /// # Panics
    ///
    /// It says no, or this is another kind of server.
    pub fn enable_auth(&self) {
        // The key of one zero byte, up to itself: all keys.
        let everything = r#"{"permType": "READWRITE", "key": "AA==", "range_end": "AA=="}"#;
        for (path, json) in [
            ("role/add", r#"{"name": "root"}"#.to_owned()),
            ("role/add", r#"{"name": "worker"}"#.to_owned()),
            (
                "role/grant",
                format!(r#"{{"name": "worker", "perm": {everything}}}"#),
            ),
            (
                "user/add",
                format!(r#"{{"name": "root", "password": "{PASSWORD}"}}"#),
            ),
            (
                "user/add",
                format!(r#"{{"name": "{USER}", "password": "{PASSWORD}"}}"#),
            ),
            (
                "user/grant",
                r#"{"user": "root", "role": "root"}"#.to_owned(),
            ),
            (
                "user/grant",
                format!(r#"{{"user": "{USER}", "role": "worker"}}"#),
            ),
            ("enable", "{}".to_owned()),
        ] {
            self.post(&format!("/v3/auth/{path}"), &json);
        }
    }
}

/// What starts the server.
pub(super) fn command(program: &Path, folder: &Path, port: u16) -> Command {
    // There is nobody to talk to, but it wants a place for that: any port, and another name that nobody calls.
    const PEERS: &str = "http://127.0.0.1:0";
    let clients = format!("http://127.0.0.1:{port}");
    let mut command = bare("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        .args(["--name", "alone", "--data-dir"])
        .arg(data(folder))
        .args(["--listen-client-urls", &clients])
        .args(["--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", PEERS])
        .args(["--initial-advertise-peer-urls", PEERS])
        .args(["--initial-cluster", &format!("alone={PEERS}")])
        .args(["--logger", "zap", "--log-level", "error"]);
    command
}

/// Whether it says that it is healthy: that it has made itself the leader.
pub(super) fn answers(port: u16, within: Duration) -> io::Result<bool> {
    let (head, body) = exchange(port, within, "GET /health HTTP/1.0\r\n\r\n")?;
    Ok(is_good(&head) && body.contains(r#""health":"true""#))
}

/// Head and body of the answer, which is complete when the server has closed the connection.
fn exchange(port: u16, within: Duration, request: &str) -> io::Result<(String, String)> {
    let mut stream = connect(port, within)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((head.to_owned(), body.to_owned()))
}

fn is_good(head: &str) -> bool {
    head.split_whitespace().nth(1) == Some("200")
}

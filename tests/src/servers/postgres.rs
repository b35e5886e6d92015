//! `PostgreSQL`.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::geteuid;

use super::{Engine, PASSWORD, READER, Server, USER, bare, connect, data, process};

impl Server {
    /// Has `PostgreSQL` execute statements, as its administrator, in one transaction: the rows, one a line, their columns apart by `|`.
    ///
    /// # Panics
    ///
    /// They fail, or this is another kind of server.
    #[expect(clippy::must_use_candidate, reason = "most are for what they do")]
    pub fn sql(&self, statements: &str) -> String {
        self.expect_engine(Engine::Postgres);
        let psql = self.program.with_file_name("psql");
        let port = self.port.to_string();
        let output = bare(psql)
            .env("PGCONNECT_TIMEOUT", "10")
            .args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1"])
            .args(["--username", "postgres", "--port", &port])
            .args(["--command", statements])
            .output()
            .expect("start psql");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}: {stderr}");
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        stdout.trim_end().to_owned()
    }
}

/// The program `postgres` of the newest version. Debian has it in a folder for each, the others where programs are.
pub(super) fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let program = entry.path().join("bin/postgres");
            program.is_file().then_some((version, program))
        })
        .max()
        .map(|(_, program)| program)
        .or_else(|| process::find("postgres"))
}

/// Makes a database in the folder.
pub(super) fn prepare(program: &Path, folder: &Path) {
    let data = data(folder);
    if geteuid().is_root() {
        // The server, which is somebody else, has to get to its data.
        run(Command::new("chmod").arg("711").arg(folder));
        run(Command::new("install")
            .args(["-d", "-o", "postgres", "-g", "postgres", "-m", "700"])
            .arg(&data));
    }
    run(as_somebody(&program.with_file_name("initdb"))
        .args(["--username=postgres", "--auth=trust", "--no-sync"])
        .args(["--encoding=UTF8", "--locale=C", "--pgdata"])
        .arg(&data));
    let access = format!(
        "host all {USER} 127.0.0.1/32 scram-sha-256\n\
         host all all 127.0.0.1/32 trust\n"
    );
    fs::write(data.join("pg_hba.conf"), access).expect("write who is asked for a password");
}

/// Makes the roles. Until version 14 everybody may create tables, after it nobody but the owner.
pub(super) fn make_roles(server: &Server) {
    server.sql(&format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}';
         GRANT ALL ON DATABASE postgres TO {USER};
         GRANT ALL ON SCHEMA public TO {USER};
         CREATE ROLE {READER} LOGIN;"
    ));
}

/// What starts the server.
pub(super) fn command(program: &Path, folder: &Path, port: u16) -> Command {
    let mut command = as_somebody(program);
    command
        .arg("-D")
        .arg(data(folder))
        .args(["-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "unix_socket_directories="])
        // Memory that is shared goes with the folder.
        .args(["-c", "dynamic_shared_memory_type=mmap"])
        // What a process has written survives it; only a machine that loses its power would forget it.
        .args(["-c", "fsync=off"]);
    command
}

/// The server refuses to be root; then it is whom Debian has made for it.
fn as_somebody(program: &Path) -> Command {
    let mut command = bare("setpriv");
    if geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program)
        // Ours may be one that nobody else may enter.
        .current_dir("/");
    command
}

/// Whether it lets its administrator in.
pub(super) fn answers(port: u16, within: Duration) -> io::Result<bool> {
    const VERSION: u32 = 3 << 16;
    const AUTHENTICATION: u8 = b'R';
    const TERMINATE: &[u8] = b"X\0\0\0\x04";
    let names = b"user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(4 + 4 + names.len()).expect("a few bytes");
    let mut stream = connect(port, within)?;
    stream.write_all(&[&length.to_be_bytes(), &VERSION.to_be_bytes(), &names[..]].concat())?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    stream.write_all(TERMINATE)?;
    Ok(kind[0] == AUTHENTICATION)
}

/// Removes what the kernel keeps of a server that was killed: a segment of shared memory, whose number is the last in the seventh
/// line of `postmaster.pid`.
pub(super) fn clean_up(folder: &Path) {
    let file = fs::read_to_string(data(folder).join("postmaster.pid")).unwrap_or_default();
    let segment = file
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    if let Some(segment) = segment {
        // Nobody but us would miss it: a few bytes, of which the kernel keeps some thousand.
        let _ = Command::new("ipcrm").args(["-m", segment]).output();
    }
}

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
}

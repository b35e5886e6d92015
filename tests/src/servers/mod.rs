//! Real servers of lock stores, each of its own: on loopback, in a folder that is thrown away, at a port that nobody else uses.

mod etcd;
mod postgres;
mod process;
mod redis;

use std::{
    env,
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{Signal, port, wait_until};

/// The kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// `PostgreSQL`.
    Postgres,
    /// Redis.
    Redis,
    /// etcd.
    Etcd,
}

/// Somebody whom a server asks for the [`PASSWORD`], and who may do everything that a lock needs: always known to `PostgreSQL` and Redis,
/// and to etcd after [`Server::enable_auth`].
pub const USER: &str = "alice";

/// The password of [`USER`].
pub const PASSWORD: &str = "secret-pw-7";

/// Somebody whom `PostgreSQL` lets in without a password, and who may create nothing.
pub const READER: &str = "reader";

/// How many ports are tried, when others take them before the server does.
const PORTS: usize = 10;

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Redis, Self::Etcd];

    /// The address of such a server at this port, or of a proxy before it, for its administrator.
    #[must_use]
    pub fn url(self, port: u16) -> String {
        match self {
            Self::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            Self::Redis => format!("redis://127.0.0.1:{port}"),
            Self::Etcd => format!("etcd://127.0.0.1:{port}"),
        }
    }

    /// The same for a user with a password.
    #[must_use]
    pub fn url_of(self, user: &str, password: &str, port: u16) -> String {
        let (scheme, path) = match self {
            Self::Postgres => ("postgres", "/postgres"),
            Self::Redis => ("redis", ""),
            Self::Etcd => ("etcd", ""),
        };
        format!("{scheme}://{user}:{password}@127.0.0.1:{port}{path}")
    }

    /// Whether such a server at this port, or behind a proxy, answers a new connection in time, as a server that is ready does.
    #[must_use]
    pub fn answers(self, port: u16, within: Duration) -> bool {
        let answers = match self {
            Self::Postgres => postgres::answers,
            Self::Redis => redis::answers,
            Self::Etcd => etcd::answers,
        };
        answers(port, within).unwrap_or(false)
    }

    /// Its program, if it is installed.
    fn find(self) -> Option<PathBuf> {
        match self {
            Self::Postgres => postgres::find(),
            Self::Redis => process::find("redis-server"),
            Self::Etcd => process::find("etcd"),
        }
    }

    /// The Debian package that has it.
    fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Redis => "redis-server",
            Self::Etcd => "etcd-server",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Etcd => "etcd",
        })
    }
}

/// A server that a test has for itself. Dropped, it is killed and its data are gone; so it is when the test is killed, but for its data.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    program: PathBuf,
    /// Whether what it has told to be done survives its end.
    is_durable: bool,
    port: u16,
    child: Option<Child>,
    folder: TempDir,
}

/// Somebody else got the port first.
struct PortTaken;

impl Server {
    /// Starts one, which is ready when this returns; says so if it is not installed, and fails where everything must be tested.
    ///
    /// # Panics
    ///
    /// It does not start, or `CI` is set and it is not installed.
    #[must_use]
    pub fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, true)
    }

    /// Starts a Redis that forgets everything when it ends.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_redis_without_persistence() -> Option<Self> {
        Self::start_with(Engine::Redis, false)
    }

    fn start_with(engine: Engine, is_durable: bool) -> Option<Self> {
        let Some(program) = engine.find() else {
            let why = format!(
                "{engine} is not installed; remedy: apt-get install {}",
                engine.package()
            );
            assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
            // Past what the test harness keeps to itself of a test that passes.
            let _ = writeln!(io::stderr(), "** SKIPPED: {why} **");
            return None;
        };
        let mut server = Self {
            engine,
            program,
            is_durable,
            port: 0,
            child: None,
            folder: tempfile::tempdir().expect("make a folder"),
        };
        if engine == Engine::Postgres {
            postgres::prepare(&server.program, server.folder.path());
        }
        let started = (0..PORTS).any(|_| {
            server.port = port::free();
            server.launch().is_ok()
        });
        assert!(started, "{engine} has found no free port in {PORTS} tries");
        if engine == Engine::Postgres {
            postgres::make_roles(&server);
        }
        Some(server)
    }

    /// Its kind.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Its port on 127.0.0.1, the same after every [`restart`](Self::restart). While it does not run, chance gives it to nobody.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, for its administrator.
    #[must_use]
    pub fn url(&self) -> String {
        self.engine.url(self.port)
    }

    /// The process id of the server.
    ///
    /// # Panics
    ///
    /// It does not run.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Whether it answers a new connection in time.
    #[must_use]
    pub fn answers(&self, within: Duration) -> bool {
        self.engine.answers(self.port, within)
    }

    /// What it has said since it was last started.
    ///
    /// # Panics
    ///
    /// That cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_file()).expect("read what the server said");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it as a crash of its machine would: none of its processes runs another instruction. If it runs.
    ///
    /// # Panics
    ///
    /// It cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::kill(&mut child);
        }
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Panics
    ///
    /// It does not run, or does not end.
    pub fn shut_down(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        process::signal(
            child.id(),
            match self.engine {
                // Without waiting for its clients to go.
                Engine::Postgres => Signal::SIGINT,
                Engine::Redis | Engine::Etcd => Signal::SIGTERM,
            },
        );
        wait_until("the server ends", || {
            child.try_wait().expect("look at the server").is_some()
        });
    }

    /// Starts it again at the same port, with its data; ends it before if it runs, by [`kill`](Self::kill). It is ready when this
    /// returns.
    ///
    /// # Panics
    ///
    /// It does not start, or somebody has taken its port meanwhile.
    pub fn restart(&mut self) {
        self.kill();
        let restarted = self.launch();
        assert!(restarted.is_ok(), "somebody has taken port {}", self.port);
    }

    /// Stops all its processes, as SIGSTOP does. When this returns, none of them runs.
    ///
    /// # Panics
    ///
    /// It does not run.
    pub fn stop_still(&self) {
        process::stop_still(self.process_id());
    }

    /// Lets all its processes go on.
    ///
    /// # Panics
    ///
    /// It does not run.
    pub fn go_on(&self) {
        process::go_on(self.process_id());
    }

    fn launch(&mut self) -> Result<(), PortTaken> {
        let (engine, port, program) = (self.engine, self.port, self.program.as_path());
        let folder = self.folder.path();
        let mut command = match engine {
            Engine::Postgres => postgres::command(program, folder, port),
            Engine::Redis => redis::command(program, folder, port, self.is_durable),
            Engine::Etcd => etcd::command(program, folder, port),
        };
        let log = File::create(self.log_file()).expect("make a file for what the server says");
        let stdout = log.try_clone().expect("share the file");
        command.stdin(Stdio::null()).stdout(stdout).stderr(log);
        let child = process::spawn(command).expect("start the server, by setpriv(1)");
        let child = self.child.insert(child);
        let mut has_ended = false;
        wait_until("the server is ready", || {
            has_ended = child.try_wait().expect("look at the server").is_some();
            // Another one may answer at this port, until ours finds it taken.
            has_ended
                || process::listens(child.id(), port)
                    && engine.answers(port, Duration::from_secs(1))
        });
        if !has_ended {
            return Ok(());
        }
        self.child = None;
        let log = self.log();
        assert!(
            log.to_lowercase().contains("address already in use"),
            "{engine} has not started: {log}"
        );
        Err(PortTaken)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// For what only one kind of server has.
    #[track_caller]
    fn expect_engine(&self, engine: Engine) {
        assert_eq!(self.engine, engine, "this is another kind of server");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if self.engine == Engine::Postgres {
            postgres::clean_up(self.folder.path());
        }
    }
}

/// The folder of the data.
fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// A command with nothing of our environment, in which there may be settings for servers, but the folders of programs.
fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C");
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// A connection that never takes longer for anything.
fn connect(port: u16, within: Duration) -> io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    Ok(stream)
}

//! An etcd of a test's own.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::sys::PidFd;

/// An etcd of a test's own, which ends with it.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
    pub(super) port: u16,
    peers: u16,
    tls: Vec<String>,
}

impl Server {
    /// Starts one; `None` where there is none, which the tests say aloud, and not at all in CI.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// Starts one that has TLS by these arguments, whose files are in its folder.
    pub(super) fn start_with(tls: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if Command::new("etcd").arg("--version").output().is_err() {
            assert!(env::var_os("CI").is_none(), "no etcd in PATH");
            eprintln!("SKIPPED: there is no etcd in PATH");
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("livinglock-etcd-{}-{count}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let tls = tls(&folder);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            // Somebody else may take them meanwhile.
            let (port, peers) = (free_port(), free_port());
            let child = spawn(&folder, port, peers, &tls);
            let mut server = Self {
                child,
                folder: folder.clone(),
                port,
                peers,
                tls: tls.clone(),
            };
            if server.is_ready() {
                return Some(server);
            }
            assert!(Instant::now() < deadline, "etcd does not start");
        }
    }

    /// Kills it, and starts it again with what it has on its disk.
    pub(super) fn crash_and_restart(&mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
        self.child = spawn(&self.folder, self.port, self.peers, &self.tls);
        assert!(self.is_ready(), "etcd does not start again");
    }

    pub(super) fn signal(&self, signal: i32) {
        let process = PidFd::open(self.child.id()).expect("a process");
        assert!(process.signal(signal).expect("a signal"));
    }

    pub(super) fn url(&self) -> String {
        format!("etcd://127.0.0.1:{}", self.port)
    }

    #[cfg(feature = "etcd-tls")]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn is_ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.child.try_wait().expect("a child").is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn spawn(folder: &Path, port: u16, peers: u16, tls: &[String]) -> Child {
    let scheme = if tls.is_empty() { "http" } else { "https" };
    let clients = format!("{scheme}://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{peers}");
    Command::new("etcd")
        .args(["--name", "ll", "--logger", "zap", "--log-level", "error"])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--listen-client-urls", &clients])
        .args(["--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &peers])
        .args(["--initial-advertise-peer-urls", &peers])
        .args(["--initial-cluster", &format!("ll={peers}")])
        .args(tls)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("an etcd")
}

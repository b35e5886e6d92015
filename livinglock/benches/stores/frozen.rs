//! What a checkpoint costs a job whose server answers, and one whose server stands still, beside one whose lock is a file.

use std::{
    cell::RefCell,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use livinglock_benches::{Folder, Subject, Table};
use livinglock_tests::Server;

/// A job that holds a lock and passes checkpoints when it is told to. Dropped, it ends.
struct Job {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Job {
    fn at(lock: &str) -> io::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_turns"))
            .arg(lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It says that it cannot reach its server, and that it wants to be told more often.
            .stderr(Stdio::null())
            .spawn()?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut job = Self {
            child,
            orders,
            answers,
        };
        if job.line()? == "held" {
            Ok(job)
        } else {
            Err(io::Error::other("the job ended without its lock"))
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Has it do so many passes of a loop: how long they took.
    fn passes(&mut self, of: &str, passes: u64) -> Duration {
        let orders = self.orders.as_mut().expect("it listens");
        writeln!(orders, "{of} {passes}").expect("it listens");
        let line = self.line().expect("it answers");
        Duration::from_nanos(line.parse().expect("a time"))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(self.orders.take());
        if let Err(error) = self.child.wait() {
            eprintln!("failed to wait for a job: {error}");
        }
    }
}

/// Prints what checkpoints cost. The server is one that answers; one more is started, which will not.
pub(crate) fn checkpoints(server: &Server) {
    let engine = server.engine();
    let frozen = Server::start(engine).expect("it is installed");
    let folder = Folder::temporary("stores").expect("a folder");
    let file = folder.path().join("lock");
    let job = |lock: &str| RefCell::new(Job::at(lock).expect("a job"));
    let jobs = [
        ("file", job(&file.to_string_lossy())),
        ("lease, the server answers", job(&server.url())),
        ("lease, the server stands still", job(&frozen.url())),
    ];
    frozen.stop_still();
    for (of, words) in [("one-site", "one site"), ("two-sites", "two sites in turn")] {
        let mut table = Table::new(format!(
            "{engine}: a turn of a loop with checkpoints, {words}"
        ))
        // Heartbeats and looks fall into it.
        .sample(Duration::from_millis(20));
        for (name, job) in &jobs {
            let subject = Subject::new(name).copy(|passes| job.borrow_mut().passes(of, passes));
            table = table.row(if *name == "file" {
                subject
            } else {
                subject.within(1.05, "file")
            });
        }
        table.run();
    }
    // Otherwise the job would wait for it a while.
    frozen.go_on();
}

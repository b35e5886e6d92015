//! The command line on the URLs of stores.

mod operate;
mod run;
mod schema;
mod status;

use std::{
    ffi::OsStr,
    process::{Command, Output},
};

use livinglock_tests::{Ended, Job, Running, Scene, Server, wait_until};
use serde_json::Value;

use crate::job;

pub(crate) const CLI: &str = env!("CARGO_BIN_EXE_cli");
pub(crate) const UNIT: &str = env!("CARGO_BIN_EXE_unit");

/// What the command line said, and with which exit status.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Told {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Asserts the exit status, and that all of this was said on standard output and nothing on the other.
    #[track_caller]
    pub(crate) fn shows(&self, code: i32, parts: &[&str]) {
        assert_eq!((self.code, &*self.stderr), (Some(code), ""), "{self:?}");
        for part in parts {
            assert!(
                self.stdout.contains(part),
                "no {part:?} in\n{}",
                self.stdout
            );
        }
    }
}

/// Runs the command line to its end.
pub(crate) fn cli(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Told {
    let output = Command::new(CLI).args(arguments).output();
    Told::of(output.expect("run the command line"))
}

/// The lock of the jobs here, as arguments and reports have it.
fn lock(server: &Server) -> String {
    format!("{}#leased", server.url())
}

/// The same as reports show it: without a user.
fn shown(server: &Server) -> String {
    lock(server).replace("postgres@", "")
}

fn status(arguments: &[&str]) -> Told {
    cli([&["status"], arguments].concat())
}

/// What `--json` says of the one lock at this URL, with the exit status of the same look.
fn json(url: &str) -> Value {
    let told = status(&["--json", url]);
    let all: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let [lock] = &all.as_array().expect("an array")[..] else {
        panic!("one lock in {all}");
    };
    assert_eq!(lock["exit_status"], told.code.expect("an exit status"));
    lock.clone()
}

/// A holder of which a checkpoint is known.
fn holder(scene: &Scene, server: &Server, job: Job) -> Running {
    let before = scene.owners().len();
    let holder = job.spawn();
    scene.wait_for_owners(before + 1);
    wait_until("its first checkpoint is known", || {
        json(&lock(server))["checkpoint"].is_object()
    });
    holder
}

/// The next run of the job, which has to find the lock free.
fn assert_the_next_runs(scene: &Scene, server: &Server) -> Ended {
    let next = job(scene, server, &["work", "1", "1"]).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    assert_eq!(scene.overlaps(), 0);
    next
}

#[track_caller]
fn assert_says(ended: &Ended, texts: &[&str]) {
    for text in texts {
        assert!(ended.stderr.contains(text), "no {text:?} in {ended:?}");
    }
}

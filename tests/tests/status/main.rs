//! `livinglock status` sees real holders in each state, tells the truth of them, and disturbs none.

mod left;
mod others;
mod states;
mod undisturbed;

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Output},
};

use livinglock_tests::Scene;
use serde_json::Value;

const CLI: &str = env!("CARGO_BIN_EXE_cli");
const JOB: &str = env!("CARGO_BIN_EXE_job");

/// What the command said, and with which exit status.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    text: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        assert!(output.stderr.is_empty(), "{output:?}");
        Self {
            code: output.status.code(),
            text: String::from_utf8(output.stdout.clone()).expect("text"),
        }
    }

    /// Asserts the exit status, and that all of this was said.
    #[track_caller]
    fn is(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in\n{}", self.text);
        }
    }

    #[track_caller]
    fn has_not(&self, part: &str) {
        assert!(!self.text.contains(part), "{part:?} in\n{}", self.text);
    }
}

fn status(paths: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Told {
    let output = Command::new(CLI).arg("status").args(paths).output();
    Told::of(&output.expect("run the command"))
}

/// What it says of the scene's lock.
fn status_of(scene: &Scene) -> Told {
    status([scene.lock()])
}

/// The same by `--json`, with the exit status of the same look.
fn json_of(path: &Path) -> Value {
    let mut command = Command::new(CLI);
    let output = command.args(["status", "--json"]).arg(path).output();
    let told = Told::of(&output.expect("run the command"));
    let all: Value = serde_json::from_str(&told.text).expect("JSON");
    let [lock] = &all.as_array().expect("an array")[..] else {
        panic!("one lock in {all}");
    };
    let said = lock["exit_status"].as_i64().expect("a number");
    assert_eq!(told.code.map(i64::from), Some(said), "{lock}");
    lock.clone()
}

/// Changes the record of the scene's lock, and seals it again.
fn forge(scene: &Scene, key: &str, value: impl Into<Value>) {
    scene.forge(|json| {
        let mut record: Value = serde_json::from_str(&format!("{json}}}")).expect("a record");
        let fields = record.as_object_mut().expect("an object");
        fields.remove("livinglock");
        fields.insert(key.to_owned(), value.into());
        let rest = record.to_string();
        // It begins with our marker, whatever order the rest has; and what is sealed has no closing brace.
        format!("{{\"livinglock\":1,{}", &rest[1..rest.len() - 1])
    });
}

/// Whether a test can be done here; says so if not, and fails where everything must be tested.
fn can(what: &str, possible: bool) -> bool {
    if !possible {
        assert!(env::var("CI").as_deref() != Ok("true"), "needs {what}");
        skip(&format!("needs {what}"));
    }
    possible
}

fn skip(why: &str) {
    // Not by `eprintln!`, which the test runner swallows.
    let line = format!("SKIPPED: {why}\n");
    io::stderr().write_all(line.as_bytes()).expect("say so");
}

fn can_be_root() -> bool {
    can(
        "root",
        fs::metadata("/proc/self").expect("our own folder").uid() == 0,
    )
}

//! Reports as events of `tracing`, for whoever collects them, and as lines for whoever does not.

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use livinglock::{Error, Lock, checkpoint};
use livinglock_tests::wait_until;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

/// What was collected, a JSON object a line.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Collected {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Collected {
    fn events(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("nobody panics").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("an event"))
            .collect()
    }

    /// The fields of the event with this outcome about this lock, once it is there.
    fn outcome(&self, outcome: &str, lock: &Path) -> Value {
        let lock = lock.to_str().expect("UTF-8");
        let find = || {
            self.events().into_iter().find(|event| {
                event["fields"]["outcome"] == outcome && event["fields"]["lock"] == lock
            })
        };
        wait_until(&format!("an event tells: {outcome}"), || find().is_some());
        find().expect("as waited for")
    }
}

#[livinglock::batch(
    path = path,
    stale = "1m",
    heartbeat = Duration::from_millis(20),
    grace = Duration::from_millis(100),
    warn = Duration::from_millis(100)
)]
fn locked<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, Error> {
    Ok(work())
}

#[livinglock::batch(path = path)]
async fn locked_task(path: PathBuf) -> Result<(), Error> {
    checkpoint!();
    tokio::task::yield_now().await;
    tracing::info!(said = "in the task");
    Ok(())
}

/// The subscriber is the process's, so that the pulse has it too.
#[test]
fn events_have_fields_and_runs_have_spans() {
    let folder = tempfile::tempdir().expect("make a folder");
    let path = folder.path().join("lock");
    let collected = Collected::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(collected.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only one");

    locked(&path, || {
        checkpoint!(done = 3, total = 7, "order {}", 12);
        tracing::info!(said = "in the job");
        wait_until("it is silent", || {
            collected
                .events()
                .iter()
                .any(|event| event["fields"]["outcome"] == "silent")
        });
        Lock::acquire(&path).expect_err("it is held")
    })
    .expect("the lock is free");

    let silent = collected.outcome("silent", &path);
    assert_eq!(silent["level"], "WARN");
    assert_eq!(silent["target"], "livinglock");
    let fields = &silent["fields"];
    assert_eq!(fields["process_id"], std::process::id());
    assert_eq!(
        (&fields["done"], &fields["total"], &fields["at"]),
        (&3.into(), &7.into(), &"order 12".into())
    );
    let site = fields["site"].as_str().expect("a place");
    assert!(site.starts_with("tests/tests/tracing.rs:"), "{site}");
    assert!(fields["silence_ms"].as_u64() >= Some(100), "{fields}");
    assert!(
        fields["message"]
            .as_str()
            .expect("a sentence")
            .contains("made no checkpoint")
    );

    let said = collected
        .events()
        .into_iter()
        .find(|event| event["fields"]["said"] == "in the job");
    let span = &said.expect("what the job said")["span"];
    assert_eq!(span["name"], "batch");
    assert_eq!(span["lock"], path.to_str().expect("UTF-8"));
    assert!(span["fencing_token"].as_u64().is_some());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime
        .block_on(locked_task(path.clone()))
        .expect("the lock is free");
    let said = collected
        .events()
        .into_iter()
        .find(|event| event["fields"]["said"] == "in the task");
    assert_eq!(said.expect("what the task said")["span"]["name"], "batch");

    let skipped = path.with_file_name("skipped");
    let _held = Lock::acquire(&skipped).expect("free");
    quiet_or_not(&skipped);
    let busy = collected.outcome("busy", &skipped);
    assert_eq!(busy["level"], "INFO");
    assert!(
        busy["fields"]["message"]
            .as_str()
            .expect("a sentence")
            .ends_with("; yielding")
    );
}

#[livinglock::batch(path = path)]
fn quiet_or_not(path: &Path) {}

const LOCK: &str = "LIVINGLOCK_TRACING_LOCK";

/// The body of the process that the next test starts.
#[test]
#[ignore = "the body of a process that another test starts"]
fn program() {
    let path = PathBuf::from(env::var_os(LOCK).expect("a path"));
    let _held = Lock::acquire(&path).expect("free");
    quiet_or_not(&path);
}

#[test]
fn without_a_subscriber_it_is_a_line() {
    let folder = tempfile::tempdir().expect("make a folder");
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["program", "--exact", "--ignored", "--nocapture"])
        .env(LOCK, folder.path().join("lock"))
        .output()
        .expect("start this program");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.contains("livinglock: ") && stderr.contains("; yielding"),
        "{stderr}"
    );
}

//! Annotated `main`s in processes of their own.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode, Output, exit},
    time::Duration,
};

use livinglock_tests::PATIENCE;
use tempfile::TempDir;

/// The tick of the lock of [`hold`].
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Runs the job that the environment names, in a process that a test has started.
pub(crate) fn run(jobs: &[(&str, fn())]) {
    let Ok(name) = env::var("JOB") else {
        return;
    };
    let (_, job) = jobs
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a job of this name");
    job();
}

/// Runs a job in a process of its own, and insists on its exit status; what it said on standard error is the result.
pub(crate) fn job(name: &str, status: u8) -> String {
    let folder = TempDir::new().unwrap();
    let Output {
        status: ended,
        stdout,
        stderr,
    } = Command::new("timeout")
        .arg(PATIENCE.as_secs().to_string())
        .arg(env::current_exe().unwrap())
        .args(["--exact", "program", "--ignored", "--nocapture"])
        .env("JOB", name)
        .env("LOCK", folder.path().join("job.lock"))
        .env("RUST_BACKTRACE", "0")
        .env_remove("LIVINGLOCK_FAULTS")
        .output()
        .unwrap();
    let errors = String::from_utf8(stderr).unwrap();
    let output = String::from_utf8_lossy(&stdout);
    assert_eq!(ended.code(), Some(status.into()), "{output}{errors}");
    errors
}

/// The lock of this process.
pub(crate) fn lock() -> PathBuf {
    env::var_os("LOCK").unwrap().into()
}

/// Runs a body as an annotated `main`.
pub(crate) fn hold(body: fn()) -> ExitCode {
    // The attribute knows a `main` by its name, which takes no arguments.
    thread_local!(static BODY: std::cell::Cell<fn()> = const { std::cell::Cell::new(|| ()) });
    #[livinglock::batch(path = lock(), stale = "1h", heartbeat = TICK, grace = "5s")]
    fn main() {
        BODY.get()();
    }
    BODY.set(body);
    main()
}

/// Ends this process with the status of a `main`.
pub(crate) fn leave(code: ExitCode) -> ! {
    let status = (0..=u8::MAX).find(|status| ExitCode::from(*status) == code);
    exit(status.expect("a status").into())
}

/// Puts another file in the place of the lock of this process.
pub(crate) fn lose_the_lock() {
    let other = lock().with_extension("other");
    std::fs::write(&other, "another owner's").unwrap();
    std::fs::rename(other, lock()).unwrap();
}

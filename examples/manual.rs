//! The lock without macros, for a program that decides itself what a busy lock means and when work was done.
//!
//! ```text
//! cargo run --example manual        # terminal 1: works for ten seconds
//! cargo run --example manual        # terminal 2, meanwhile: says who holds the lock, and exits with 75
//! ```
//!
//! There are no checkpoints here: every `heartbeat()` is the proof of work, and says whether the lock is still ours.

use std::{env, process::ExitCode, thread, time::Duration};

use livinglock::{Error, Lock};

fn main() -> Result<ExitCode, Error> {
    let path = env::temp_dir().join("livinglock-manual.lock");
    let acquired = Lock::options()
        .stale(Duration::from_secs(60))
        .heartbeat(Duration::from_secs(1))
        .acquire(&path);
    let lock = match acquired {
        Ok(lock) => lock,
        Err(error) if error.is_busy() => {
            eprintln!("manual: {error}");
            if let Some(holder) = error.holder() {
                let (process, beats) = (holder.process_id, holder.heartbeats);
                eprintln!("manual: process {process} has proved its work {beats} times");
            }
            return Ok(ExitCode::from(75));
        }
        Err(error) => return Err(error),
    };

    for report in 1..=50 {
        println!("manual: report {report} of 50");
        thread::sleep(Duration::from_millis(200));
        // Cheap when it is not due yet. An error means that the lock is lost: `?` stops before the next report.
        lock.heartbeat()?;
    }

    // Dropping the lock releases it too; `release` also tells whether that worked.
    lock.release()?;
    Ok(ExitCode::SUCCESS)
}

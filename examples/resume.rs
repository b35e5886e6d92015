//! A job that goes on where the run before was cut off.
//!
//! ```text
//! cargo run --example resume        # ends itself by SIGKILL half way, once
//! cargo run --example resume        # goes on, and ends well
//! ```
//!
//! The number in the record is that of the last checkpoint that the pulse *wrote*. What was done after that, for up to `heartbeat`, it
//! does not know: so a unit may be done twice, and has to bear it. Here each unit writes a line of its own, by its number.

use std::{env, fs, io, path::PathBuf, process::Command, thread, time::Duration};

use livinglock::checkpoint;

const PAGES: u64 = 40;

fn folder() -> PathBuf {
    env::temp_dir().join("livinglock-resume")
}

#[livinglock::batch(
    path = env::temp_dir().join("livinglock-resume.lock"),
    stale = "10m",
    heartbeat = "100ms"
)]
fn main() -> io::Result<()> {
    let before = livinglock::predecessor();
    let start = before
        .as_ref()
        .and_then(|before| before.record()?.checkpoint.as_ref()?.done)
        .unwrap_or(0);
    fs::create_dir_all(folder())?;
    println!("resume: starting at page {start} of {PAGES}");
    for page in start..PAGES {
        checkpoint!(done = page, total = PAGES, "page {page}");
        render(page)?;
        if page == PAGES / 2 && before.is_none() {
            println!("resume: killing myself at page {page}; run me again");
            Command::new("kill")
                .args(["-9", &std::process::id().to_string()])
                .status()?;
        }
    }
    let rendered = fs::read_dir(folder())?.count();
    fs::remove_dir_all(folder())?;
    println!("resume: {rendered} pages are there, each once");
    Ok(())
}

/// One unit: done twice it is as if it had been done once.
fn render(page: u64) -> io::Result<()> {
    thread::sleep(Duration::from_millis(50));
    fs::write(
        folder().join(format!("{page}.txt")),
        format!("page {page}\n"),
    )
}

#![deny(warnings, clippy::all, clippy::pedantic)]

use anyhow::Context;

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-anyhow.lock"))]
fn main() -> anyhow::Result<()> {
    let number: u8 = "5".parse().context("not a number")?;
    anyhow::ensure!(number == 5, "not five");
    job()
}

// The error of a busy lock becomes an `anyhow::Error`.
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-anyhow-job.lock"))]
fn job() -> anyhow::Result<()> {
    Ok("5".parse::<u8>().map(drop)?)
}

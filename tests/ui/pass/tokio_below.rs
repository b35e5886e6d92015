#![deny(warnings, clippy::all, clippy::pedantic)]

use std::future::ready;

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-tokio_below.lock"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    anyhow::ensure!(ready(5).await == 5);
    Ok(())
}

#![deny(warnings, clippy::all, clippy::pedantic)]

use std::future::ready;

#[tokio::main(flavor = "current_thread")]
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-tokio_above.lock"))]
async fn main() -> anyhow::Result<()> {
    anyhow::ensure!(ready(5).await == 5);
    Ok(())
}

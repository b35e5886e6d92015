#![deny(warnings, clippy::all, clippy::pedantic)]

use std::future::ready;

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-tokio_cfg_attr.lock"))]
#[cfg_attr(all(), tokio::main(flavor = "current_thread"))]
async fn main() {
    ready(()).await;
}

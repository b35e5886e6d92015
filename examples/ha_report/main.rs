//! A report that any of several hosts may write: the same program is started on all of them, and one works.
//!
//! ```sh
//! export LOCK_URL=postgres://postgres@127.0.0.1/postgres
//! cargo run --example ha_report --features postgres
//! ```
//!
//! Start it in two terminals, which play two hosts: the first one writes, the second one waits. Kill the first (`kill -9`), and the second
//! goes on where it stopped. Stop it instead (Ctrl-Z) for longer than `stale`, and continue it (`fg`) when the second one writes: the page
//! that it was in the midst of is refused by its fencing token, which the table compares in the same transaction.

mod pages;

use std::{env, error::Error, time::Duration};

use livinglock::checkpoint;
use pages::{Outcome, Pages};

const PAGES: u32 = 60;

fn url() -> String {
    env::var("LOCK_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1/postgres".to_owned())
}

#[livinglock::batch(
    store = url(),
    name = "ha_report",
    stale = "20s",
    heartbeat = "1s",
    grace = "2s",
    margin = "4s",
    wait = "1h"
)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = livinglock::fencing_token().ok_or("the lock is held while main runs")?;
    let pages = Pages::open(&url()).await?;
    let written = pages.written().await?;
    println!("ha_report: token {token}, {written} of {PAGES} pages are there");
    for page in written..PAGES {
        checkpoint!(done = page, total = PAGES, "page {page}");
        // What takes its time. A process that is stopped here may be continued at any time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        match pages.write(page, token).await? {
            Outcome::Written => println!("ha_report: page {page}"),
            Outcome::Refused(newer) => {
                println!("ha_report: page {page} is refused: token {token} is older than {newer}");
            }
        }
    }
    pages.clear().await?;
    println!("ha_report: {PAGES} pages, each written once; the table is empty again");
    Ok(())
}

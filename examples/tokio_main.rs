//! An asynchronous batch: the lock around the runtime, checkpoints inside the tasks.
//!
//! ```text
//! cargo run --example tokio_main        # terminal 1: four tasks deliver letters for some seconds
//! cargo run --example tokio_main        # terminal 2, meanwhile: yields, and says which letter is being delivered
//! ```
//!
//! With `batch` above `tokio::main` the lock is taken before the runtime starts, and released after it has ended.

use std::time::Duration;

use livinglock::checkpoint;
use tokio::task::{JoinError, JoinSet};

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-tokio_main.lock"), name = "tokio_main", stale = "1m")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    let delivered = deliver_all(&["north", "east", "south", "west"], 20).await?;
    println!("tokio_main: {delivered} letters delivered");
    Ok(())
}

/// Delivers `letters` letters on every route, one task a route, and returns how many arrived.
async fn deliver_all(routes: &[&'static str], letters: u32) -> Result<u32, JoinError> {
    let mut tasks: JoinSet<u32> = routes
        .iter()
        .map(|&route| deliver(route, letters))
        .collect();
    let mut delivered = 0;
    while let Some(result) = tasks.join_next().await {
        // The runtime catches what unwinds in a task; this checkpoint lets a requested stop end the batch itself too.
        checkpoint!(
            done = routes.len() - tasks.len(),
            total = routes.len(),
            "routes"
        );
        delivered += result?;
    }
    Ok(delivered)
}

async fn deliver(route: &'static str, letters: u32) -> u32 {
    for letter in 1..=letters {
        checkpoint!(
            done = letter,
            total = letters,
            "route {route}, letter {letter}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    letters
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn every_letter_of_every_route_arrives() {
        assert_eq!(super::deliver_all(&["up", "down"], 2).await.unwrap(), 4);
    }
}

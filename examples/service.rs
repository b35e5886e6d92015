//! A service with three scheduled jobs, each under a lock of its own: two run at once, and one hangs and is taken over.
//!
//! ```sh
//! cargo run --example service
//! ```

use std::{env, path::PathBuf, time::Duration};

use livinglock::{Error, Stop, checkpoint};
use tokio::{task::JoinError, time};

fn lock(name: &str) -> PathBuf {
    env::temp_dir().join(format!("livinglock-service-{name}.lock"))
}

/// Takes its time, and passes a checkpoint at every tenant.
#[livinglock::batch(path = lock("billing"), stale = "10s")]
async fn billing(run: u32) -> Result<(), Error> {
    println!("service: billing, run {run}");
    for tenant in 0..10 {
        checkpoint!(done = tenant, total = 10, "tenant {tenant}");
        time::sleep(Duration::from_millis(100)).await;
    }
    println!("service: billing, run {run}, is done");
    Ok(())
}

/// Short, and often.
#[livinglock::batch(path = lock("mail"), stale = "10s")]
async fn mail(run: u32) -> Result<(), Error> {
    checkpoint!("run {run}");
    time::sleep(Duration::from_millis(200)).await;
    println!("service: mail, run {run}, is sent");
    Ok(())
}

/// Waits for ever, the first time, for a server that does not answer.
#[livinglock::batch(path = lock("report"), stale = "2s", heartbeat = "500ms", grace = "1s", warn = "60s")]
async fn report(run: u32) -> Result<(), Error> {
    checkpoint!("asking the server, run {run}");
    if run == 0 {
        println!("service: report, run {run}, waits for a server");
        std::future::pending::<()>().await;
    }
    println!("service: report, run {run}, is there");
    Ok(())
}

/// What has become of a run: also of one that was stopped at a checkpoint, which unwinds, and which a runtime catches.
fn say(job: &str, run: u32, ended: Result<Result<(), Error>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => println!("service: {job}, run {run}: {error}"),
        Err(failed) if failed.is_panic() => match failed.into_panic().downcast::<Stop>() {
            Ok(stop) => println!("service: {job}, run {run}, was stopped: {stop}"),
            Err(_) => println!("service: {job}, run {run}, panicked"),
        },
        Err(_) => println!("service: {job}, run {run}, was cancelled"),
    }
}

#[tokio::main]
async fn main() {
    let end = time::sleep(Duration::from_secs(6));
    tokio::pin!(end);
    let mut tick = time::interval(Duration::from_millis(1500));
    let mut run = 0;
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = tick.tick() => {}
        }
        // Each on a task of its own, so that none of them waits for another.
        tokio::spawn(async move { say("billing", run, tokio::spawn(billing(run)).await) });
        tokio::spawn(async move { say("mail", run, tokio::spawn(mail(run)).await) });
        tokio::spawn(async move { say("report", run, tokio::spawn(report(run)).await) });
        run += 1;
    }
    println!("service: that is all");
}

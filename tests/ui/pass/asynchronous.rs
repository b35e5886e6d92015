//! Every shape of an asynchronous function: the lock is its future's.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use livinglock::{Error, checkpoint};

#[livinglock::batch(path = path)]
async fn nothing(path: &Path) {
    checkpoint!();
    tokio::task::yield_now().await;
    assert!(livinglock::fencing_token().is_some());
}

#[livinglock::batch(path = path, stale = Duration::from_mins(5))]
async fn result(path: &Path, number: &str) -> Result<u32, Box<dyn std::error::Error>> {
    checkpoint!("number {number}");
    tokio::task::yield_now().await;
    let number: u32 = number.parse()?;
    if number == 0 {
        return Err("zero".into());
    }
    Ok(number)
}

#[livinglock::batch(path = path)]
async fn boxed(path: PathBuf) -> Result<Box<dyn Fn(u32) -> u32>, Error> {
    checkpoint!();
    Ok(Box::new(|number| number + 1))
}

#[livinglock::batch(path = path)]
async fn option<'a>(path: &Path, text: &'a str) -> Option<&'a str> {
    checkpoint!();
    let (first, _) = text.split_once(' ')?;
    Some(first)
}

#[livinglock::batch(path = path, on_busy = 0)]
async fn value(path: &Path) -> u64 {
    checkpoint!();
    livinglock::assert_held!();
    1
}

#[livinglock::batch(path = path, on_busy = 0)]
async fn opaque(path: &Path) -> impl Into<u64> + use<> {
    checkpoint!();
    7_u64
}

#[livinglock::batch(path = path, on_busy = Err(item))]
async fn generic<T: Clone>(path: &Path, item: T) -> std::result::Result<[T; 2], T> {
    checkpoint!();
    Ok([item.clone(), item])
}

struct Tenant(PathBuf);

impl Tenant {
    #[livinglock::batch(path = &self.0, quiet)]
    async fn import(&mut self, files: &[&str]) -> Result<usize, Error> {
        for file in files {
            checkpoint!("file {file}");
            tokio::task::yield_now().await;
        }
        self.0.set_extension("imported");
        Ok(files.len())
    }
}

trait Job {
    fn run(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

impl Job for Tenant {
    #[livinglock::batch(path = self.0.with_extension("job"))]
    async fn run(&self) -> Result<(), Error> {
        checkpoint!();
        tokio::task::yield_now().await;
        Ok(())
    }
}

fn is_send<T: Send>(sendable: T) -> T {
    sendable
}

async fn all(path: &Path) {
    is_send(nothing(path)).await;
    assert_eq!(result(path, "3").await.expect("a number"), 3);
    assert!(result(path, "x").await.is_err());
    assert!(result(path, "0").await.is_err());
    assert_eq!(boxed(path.to_owned()).await.expect("free")(1), 2);
    assert_eq!(option(path, "a b").await, Some("a"));
    assert_eq!(option(path, "a").await, None);
    assert_eq!(is_send(value(path)).await, 1);
    assert_eq!(opaque(path).await.into(), 7);
    assert_eq!(generic(path, "x").await, Ok(["x", "x"]));
    let mut tenant = Tenant(path.to_owned());
    is_send(tenant.run()).await.expect("free");
    assert_eq!(tenant.import(&["a", "b"]).await.expect("free"), 2);
    // Busy: in every form it says so, and waits for nobody.
    let lock = livinglock::Lock::acquire(path).expect("free");
    nothing(path).await;
    assert!(result(path, "3").await.is_err());
    assert_eq!(option(path, "a b").await, None);
    assert_eq!(value(path).await, 0);
    lock.release().expect("ours");
    assert_eq!(value(path).await, 1);
}

fn main() {
    let path = std::env::temp_dir().join(format!("livinglock-ui-async-{}", std::process::id()));
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(all(&path));
}

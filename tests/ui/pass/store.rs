//! A store may be a URL, computed or not, or a store itself.

use std::{sync::Arc, time::Duration};

use livinglock::{
    Error,
    store::{FileStore, Store},
};

#[livinglock::batch(store = "postgres://nobody@127.0.0.1:1/app", quiet)]
fn literal() {
    unreachable!("nobody listens there");
}

#[livinglock::batch(store = "postgresql://127.0.0.1:1/app?user=x#other", name = "name", margin = "2s", wait = "10ms")]
fn returns_the_error() -> Result<(), Error> {
    unreachable!("nobody listens there");
}

#[livinglock::batch(store = url, stale = Duration::from_mins(5))]
fn computed(url: &str) -> Result<(), Error> {
    unreachable!("{url}");
}

#[livinglock::batch(store = std::env::var("NO_SUCH_VARIABLE")?)]
fn from_the_environment() -> Result<(), Box<dyn std::error::Error>> {
    unreachable!("there is no such variable");
}

#[livinglock::batch(store = FileStore::new(path), on_busy = 0)]
fn a_store(path: &std::path::Path) -> u64 {
    livinglock::checkpoint!();
    livinglock::fencing_token().expect("the lock is held")
}

#[livinglock::batch(store = store, on_busy = 0)]
fn a_shared_store(store: &Arc<dyn Store>) -> u64 {
    livinglock::fencing_token().expect("the lock is held")
}

fn main() {
    literal();
    let error = returns_the_error().expect_err("nobody listens there");
    assert!(error.to_string().contains("postgresql://127.0.0.1:1/app#other"), "{error}");
    let error = computed("etcd://").expect_err("it names no server");
    assert!(!error.is_busy(), "{error}");
    from_the_environment().expect_err("there is no such variable");
    let path = std::env::temp_dir().join(format!("livinglock-ui-store-{}", std::process::id()));
    let first = a_store(&path);
    assert!(first > 0);
    let shared: Arc<dyn Store> = Arc::new(FileStore::new(&path));
    assert!(a_shared_store(&shared) > first);
}

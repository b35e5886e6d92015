//! The conformance suite, on the stores that need no engine, and on stores that are broken.

mod broken;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use livinglock::{
    store::{FileStore, Store},
    testing::{MemoryStore, conformance::Conformance},
};

mod file {
    use std::{
        fs, io,
        path::{Path, PathBuf},
        sync::LazyLock,
    };

    use super::*;

    livinglock::store_conformance!(files());

    /// Without what earlier runs have left.
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
        let _: io::Result<()> = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    });

    fn files() -> Conformance {
        Conformance::new(|name| Arc::new(FileStore::new(FOLDER.join(name))))
            .lease(Duration::from_secs(1))
    }
}

mod memory {
    use super::*;

    livinglock::store_conformance!(memories(|memory| Arc::new(memory)));
}

/// Whatever is made of locks in memory, one for each name.
fn memories(make: impl Fn(MemoryStore) -> Arc<dyn Store> + Send + Sync + 'static) -> Conformance {
    let locks = Mutex::new(HashMap::<String, MemoryStore>::new());
    Conformance::new(move |name| {
        let mut locks = locks.lock().unwrap_or_else(PoisonError::into_inner);
        make(locks.entry(name.to_owned()).or_default().clone())
    })
    .lease(Duration::from_millis(500))
}

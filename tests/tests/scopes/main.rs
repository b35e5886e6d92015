//! Locks on functions inside a service: several at once in one process, on threads and in tasks, each with a scope of its own.

mod asynchronous;
mod threads;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Folders for locks, each test its own.
fn folder() -> TempDir {
    tempfile::tempdir().expect("make a folder")
}

fn lock(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// What a lock file says now.
fn record(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

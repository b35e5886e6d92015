//! Hostile or unlucky input: whatever lies at the path, happens to it, or stands in it, there is a correct acquisition or a clear
//! error; never a panic, a second owner, a foreign file overwritten, or a stranger signalled.

mod adversary;
mod clocks;
mod contents;
mod disk;
mod go_records;
mod held;
mod innocents;
mod kinds;
mod namespaces;
mod paths;
mod program;
mod scratch;
mod security;
mod statuses;
mod words;

use std::path::Path;

use livinglock::{Error, Lock};
use program::chain;

/// What the processes run that the tests start.
#[test]
#[ignore = "the body of the processes that the other tests start"]
fn program() {
    program::run(&[
        ("holder", program::holder),
        ("batch", statuses::batch),
        ("full disk", disk::full),
        ("read-only disk", disk::read_only),
        ("wanderer", paths::wanderer),
        ("twins", adversary::twins),
        ("squatter", security::squatter),
        ("blind", security::blind),
    ]);
}

/// Insists that there can be no lock at a path, in a sentence that names it and a remedy.
fn assert_refused(path: &Path, remedy: &str) -> Error {
    let error = Lock::acquire(path).expect_err("nothing that can be locked");
    let text = chain(&error);
    assert!(!error.is_busy() && error.holder().is_none(), "{text}");
    assert!(text.contains(&*path.to_string_lossy()), "no path: {text}");
    assert!(text.contains(remedy), "no remedy: {text}");
    error
}

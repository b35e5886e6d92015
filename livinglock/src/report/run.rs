//! What `livinglock run` says of its command.

use std::{ffi::OsStr, io, path::Path};

use super::text::Escaped;

/// What is said of processes that a command has left behind.
pub(crate) fn left_behind(path: &Path, name: &str, count: usize) -> String {
    format!(
        "{}: {} has ended, but not all that it had started; ended {} before releasing the lock",
        super::path(path),
        Escaped(name),
        processes(count)
    )
}

/// Why a command does not run.
pub(crate) fn not_started(program: &OsStr, error: &io::Error) -> String {
    let program = Escaped(program.to_string_lossy());
    format!("failed to execute {program}: {error}")
}

/// What is said when the keeper was killed.
pub(crate) fn keeper_killed(path: &Path, name: &str, count: usize) -> String {
    format!(
        "{}: the process that keeps {} together was killed, and the command with it; ended {} more",
        super::path(path),
        Escaped(name),
        processes(count)
    )
}

/// What is said when proof of work cannot be looked for.
pub(crate) fn blind(error: &io::Error) -> String {
    format!("failed to look whether the command works: {error}")
}

fn processes(count: usize) -> String {
    match count {
        1 => "1 process".to_owned(),
        many => format!("{many} processes"),
    }
}

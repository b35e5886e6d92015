//! Of what removes old files.

use std::path::Path;

use super::Finding;
use crate::report::{path, text::Escaped};

pub(crate) fn nothing() -> Finding {
    Finding::good("nothing that we know of removes old files there")
}

pub(crate) fn removes(lock: &Path, rule: &Path, age: &str) -> Finding {
    Finding::warning(format!(
        "systemd-tmpfiles removes files there that were not used for {} ({}): a lock of a job that is silent for longer is put back, but leaves a gap of a tick; add a line `x {}` to a file in /etc/tmpfiles.d, or use /run",
        Escaped(age),
        path(rule),
        path(lock)
    ))
}

pub(crate) fn reaps(lock: &Path, program: &Path) -> Finding {
    Finding::warning(format!(
        "{} removes old files there: a lock of a silent job is put back, but leaves a gap of a tick; protect {} in its configuration, or use /run",
        path(program),
        path(lock)
    ))
}

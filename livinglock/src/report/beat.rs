//! What `livinglock beat` says, and what is said of what it and others send.

use std::{ffi::OsStr, io};

use super::text::Escaped;

/// What a checkpoint says that could not be delivered.
pub(crate) fn undelivered(address: &OsStr, error: &io::Error) -> String {
    format!(
        "nobody learns of this checkpoint: failed to send to NOTIFY_SOCKET={}: {error}",
        Escaped(address.to_string_lossy())
    )
}

/// What is said when a command has asked to be taken for hung.
pub(crate) fn hung() -> String {
    "the command says that it hangs (WATCHDOG=trigger)".to_owned()
}

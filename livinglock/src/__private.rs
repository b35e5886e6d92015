//! What the macros expand to. Not part of the public API: it may change in any release.

pub use core::{column, file, format_args, line, module_path, result::Result};

pub use livinglock_macros::checkpoint_grammar;

pub use crate::{
    asynchronous::{AsyncGuard, enter_async, no_value, try_enter_async},
    batch::{Guard, enter, run, try_enter},
    checkpoint::{Count, is_here, pass, set_message, set_progress, try_pass, wants_message},
    job::Job,
    scope::assert_held,
    site::Site,
};

// Lints that are off unless somebody turns them on find nothing in the expansion.
#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    keyword_idents,
    let_underscore_drop,
    missing_docs,
    non_ascii_idents,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unsafe_code,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
//! A crate with high standards.

use std::{env::temp_dir, time::Duration};

#[livinglock::batch(path = temp_dir().join("livinglock-ui-lints.lock"), stale = Duration::from_mins(5), name = "lints")]
fn main() -> Result<(), livinglock::Error> {
    nothing();
    drop(option(3));
    let _number = value();
    result()
}

#[livinglock::batch(path = temp_dir().join("livinglock-ui-lints-nothing.lock"), wait = "10s", quiet)]
fn nothing() {
    drop(temp_dir());
}

#[livinglock::batch(path = temp_dir().join("livinglock-ui-lints-option.lock"), wait = "10s")]
fn option(number: u8) -> Option<String> {
    (number > 2).then(|| number.to_string())
}

#[livinglock::batch(path = temp_dir().join("livinglock-ui-lints-result.lock"), wait = "10s")]
fn result() -> Result<(), livinglock::Error> {
    drop(option(value()));
    Ok(())
}

#[livinglock::batch(
    path = "/tmp/livinglock-ui-lints-value.lock",
    wait = "10s",
    on_busy = 5
)]
fn value() -> u8 {
    temp_dir().as_os_str().len().try_into().unwrap_or(5)
}

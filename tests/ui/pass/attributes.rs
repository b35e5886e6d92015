#![deny(warnings, clippy::all, clippy::pedantic)]
#![deny(missing_docs)]
//! Attributes and doc comments of the user's stay where they mean something.

/// Two of these exist, and one is configured away.
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-attributes.lock"))]
#[cfg(target_os = "linux")]
/// A comment below.
#[expect(unused_variables, clippy::unnecessary_wraps)]
#[inline]
fn main() -> Result<(), String> {
    #![expect(unused_mut)]
    let mut unused = 5;
    inner();
    assert_eq!(outer(), Some(5));
    Ok(())
}

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-attributes.lock"))]
#[cfg(not(target_os = "linux"))]
fn main() -> Result<(), String> {
    compile_error!("this function does not exist")
}

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-attributes-inner.lock"), wait = "10s")]
fn inner() {
    #![expect(unused_variables)]
    //! A comment inside.
    let unused = 5;
}

#[must_use]
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-attributes-outer.lock"), wait = "10s")]
#[inline(never)]
fn outer() -> Option<u8> {
    Some(5)
}

#[livinglock::batch(path = "/run/livinglock-ui.lock")]
#[expect(dead_code)]
fn nobody_calls_this() {}

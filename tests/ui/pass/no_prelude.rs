#![deny(warnings, clippy::all, clippy::pedantic)]
#![no_implicit_prelude]

#[::livinglock::batch(path = ::std::env::temp_dir().join("livinglock-ui-no_prelude.lock"), name = "x", wait = "10s")]
fn main() {
    nothing();
    ::std::assert!(result().is_ok());
}

#[::livinglock::batch(path = ::std::env::temp_dir().join("livinglock-ui-no_prelude-nothing.lock"), wait = "10s")]
fn nothing() {}

#[::livinglock::batch(path = ::std::env::temp_dir().join("livinglock-ui-no_prelude-result.lock"), wait = "10s")]
fn result() -> ::std::result::Result<(), ::livinglock::Error> {
    ::std::result::Result::Ok(())
}

// What a function returns when it may not run, and what the runtime is told.

#[path = "../runtime.rs"]
mod runtime;

use runtime::{BUSY, EVENTS, Error};

#[livinglock::batch(path = "/a", crate = crate::runtime)]
fn nothing() {
    unreachable!();
}

#[livinglock::batch(path = "/b", crate = crate::runtime, stale = "90s")]
fn option() -> Option<u8> {
    unreachable!();
}

#[livinglock::batch(path = "/c", crate = crate::runtime, on_stale = "terminate")]
fn result() -> Result<u8, Error> {
    unreachable!();
}

#[livinglock::batch(path = format!("/d/{number}"), crate = crate::runtime, on_busy = number + 1)]
fn value(number: u8) -> u8 {
    unreachable!("{number}");
}

#[livinglock::batch(path = "/e", crate = crate::runtime, name = "e", on_busy = Ok(5))]
#[expect(clippy::unnecessary_wraps)]
fn on_busy() -> Result<u8, Error> {
    unreachable!();
}

#[livinglock::batch(path = "/g", crate = crate::runtime, on_busy = None)]
fn none() -> Option<u8> {
    unreachable!();
}

#[livinglock::batch(path = "/h", crate = crate::runtime, on_busy = Err(Error))]
fn error() -> Result<u8, Error> {
    unreachable!();
}

#[livinglock::batch(path = "/i", crate = crate::runtime, on_busy = panic!("busy"))]
fn diverges() -> u8 {
    unreachable!();
}

struct Failed(Error);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

#[livinglock::batch(path = "/f", crate = crate::runtime)]
fn r#fn() -> Result<u8, Failed> {
    unreachable!();
}

#[livinglock::batch(path = "/main", crate = crate::runtime)]
fn main() {
    BUSY.set(true);
    nothing();
    assert_eq!(option(), None);
    assert_eq!(result(), Err(Error));
    assert_eq!(value(5), 6);
    assert_eq!(on_busy(), Ok(5));
    assert_eq!(r#fn().map_err(|failed| failed.0), Err(Error));

    assert_eq!(
        (none(), error(), std::panic::catch_unwind(diverges).is_err()),
        (None, Err(Error), true)
    );

    let module = module_path!();
    let package = option_env!("CARGO_PKG_NAME");
    let expected = [
        format!("/main {package:?} Terminate 0ns"),
        format!("/a Some(\"{module}::nothing\") Fence 0ns"),
        format!("/b Some(\"{module}::option\") Fence 90s"),
        format!("/c Some(\"{module}::result\") Terminate 0ns"),
        format!("/d/5 Some(\"{module}::value\") Fence 0ns"),
        "/e Some(\"e\") Fence 0ns".to_owned(),
        format!("/f Some(\"{module}::fn\") Fence 0ns"),
        format!("/g Some(\"{module}::none\") Fence 0ns"),
        format!("/h Some(\"{module}::error\") Fence 0ns"),
        format!("/i Some(\"{module}::diverges\") Fence 0ns"),
    ];
    EVENTS.with_borrow(|events| assert_eq!(*events, expected));
}

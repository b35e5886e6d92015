#![deny(warnings, clippy::all, clippy::pedantic)]

use std::process::Termination;

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-impl_termination.lock"))]
fn main() -> impl Termination {
    Some(5)
        .filter(|number| *number > 3)
        .ok_or("too small")
        .map(drop)
}

#![deny(warnings, clippy::all, clippy::pedantic)]

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-never.lock"))]
fn main() -> ! {
    std::process::exit(0)
}

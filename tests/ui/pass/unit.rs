#![deny(warnings, clippy::all, clippy::pedantic)]

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-unit.lock"))]
fn main() {
    livinglock::checkpoint!();
}

#![deny(warnings, clippy::all, clippy::pedantic)]

use std::process::ExitCode;

#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-exit_code.lock"))]
fn main() -> ExitCode {
    if std::env::args().count() > 5 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

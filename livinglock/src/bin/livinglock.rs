//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    livinglock::cli::main()
}

//! The command line, as `livinglock/src/bin/livinglock.rs` has it: benchmarks of another package cannot name that one.

use std::process::ExitCode;

fn main() -> ExitCode {
    livinglock::cli::main()
}

//! Whole processes, from spawn to wait: what the lock adds to a job, beside what `flock(1)` adds; as an attribute, and as a command.

use std::{
    io,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use livinglock_benches::{Folder, Subject, Table, print_host};

/// Runs a process to its end, again and again.
fn processes(mut command: Command) -> impl FnMut(u64) -> Duration {
    command.stdin(Stdio::null());
    move |passes| {
        let start = Instant::now();
        for _ in 0..passes {
            let status = command
                .status()
                .expect("a process that was spawned to calibrate spawns again");
            assert!(status.success(), "{command:?} failed with {status}");
        }
        start.elapsed()
    }
}

fn main() -> io::Result<()> {
    print_host();
    let folder = Folder::temporary("process")?;
    let empty = env!("CARGO_BIN_EXE_empty");
    let under = |program: &str, arguments: &[&str], lock_file: &str, job: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(folder.path().join(lock_file))
            .args(job);
        processes(command)
    };
    let batch = under(env!("CARGO_BIN_EXE_locked"), &[], "batch", &[]);
    let cli = env!("CARGO_BIN_EXE_cli");
    let run = |beats: &[&str], lock_file: &str| {
        under(cli, &[&["run"], beats].concat(), lock_file, &["--", "true"])
    };
    Table::new("one whole process")
        .beside("empty Rust program")
        .row(Subject::new("`true`").copy(processes(Command::new("true"))))
        .row(Subject::new("empty Rust program").copy(processes(Command::new(empty))))
        .row(
            Subject::new("locked batch")
                .copy(batch)
                .within(1.0, "`flock -n F` empty"),
        )
        .row(Subject::new("`flock -n F true`").copy(under("flock", &["-n"], "true", &["true"])))
        .row(Subject::new("`flock -n F` empty").copy(under("flock", &["-n"], "empty", &[empty])))
        .row(
            Subject::new("`livinglock run F -- true`")
                .copy(run(&[], "run"))
                .within(1.5, "`flock -n F true`"),
        )
        .row(Subject::new("the same, `--beat output`").copy(run(&["--beat", "output"], "output")))
        .run();
    Ok(())
}

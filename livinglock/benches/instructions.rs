//! Counts the instructions of a checkpoint under callgrind, and fails when there are more than three.
//!
//! Every loop runs with N and with 2N passes, so that starting and ending the process cancel out; the same loop without a
//! checkpoint is taken away. Counts do not depend on how busy the machine is.

use std::{
    error::Error,
    io::ErrorKind,
    process::{Command, ExitCode},
};

/// Enough that what happens once a second under a lock, the pulse, does not show.
const PASSES: u64 = 1_000_000;

/// What the design allows: load, compare, branch.
const ALLOWED: f64 = 3.0;

/// What the pulse may add to an average under a lock; a fourth instruction would add 1.
const TOLERANCE: f64 = 0.1;

struct Row {
    name: &'static str,
    subject: &'static str,
    bare: &'static str,
    checkpoints: u32,
    checked: bool,
}

impl Row {
    /// One checkpoint in a pass of `subject`, none in a pass of `bare`.
    const fn new(name: &'static str, subject: &'static str, bare: &'static str) -> Self {
        Self {
            name,
            subject,
            bare,
            checkpoints: 1,
            checked: false,
        }
    }

    const fn each_of(self, checkpoints: u32) -> Self {
        Self {
            checkpoints,
            ..self
        }
    }

    const fn checked(self) -> Self {
        Self {
            checked: true,
            ..self
        }
    }
}

const ROWS: [Row; 6] = [
    Row::new("`checkpoint!()` in a loop", "plain", "bare").checked(),
    Row::new("with message", "message", "bare-counting"),
    Row::new("with progress", "progress", "bare-counting"),
    Row::new("four sites in turn, each", "four-sites", "bare").each_of(4),
    Row::new("in a loop of a library crate", "library", "bare-library"),
    Row::new("once in each call of a small function", "unit", "bare-unit"),
];

/// The instructions of one whole process.
fn count(subject: &str, passes: u64, held: Option<&str>) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            env!("CARGO_BIN_EXE_passes"),
        ])
        .args([subject, &passes.to_string()])
        .args(held)
        .output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind failed with {}: {report}", output.status).into());
    }
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, total) = collected.ok_or_else(|| format!("valgrind printed no count: {report}"))?;
    Ok(total.trim().parse()?)
}

/// The instructions of one pass of a loop.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_pass(subject: &str, held: Option<&str>) -> Result<f64, Box<dyn Error>> {
    let once = count(subject, PASSES, held)? as f64;
    let twice = count(subject, 2 * PASSES, held)? as f64;
    Ok((twice - once) / PASSES as f64)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Err(error) = Command::new("valgrind").arg("--version").output() {
        if error.kind() == ErrorKind::NotFound {
            println!(
                "SKIPPED: instructions are not counted, because valgrind is not installed (package valgrind)"
            );
            return Ok(ExitCode::SUCCESS);
        }
        return Err(error.into());
    }
    println!("instructions of one checkpoint, by callgrind\n");
    println!("| checkpoint | no lock held | lock held | goal |");
    println!("|---|--:|--:|---|");
    let mut missed = 0;
    for row in &ROWS {
        let cost = |held| -> Result<f64, Box<dyn Error>> {
            Ok((per_pass(row.subject, held)? - per_pass(row.bare, held)?)
                / f64::from(row.checkpoints))
        };
        let (free, held) = (cost(None)?, cost(Some("held"))?);
        let goal = match row.checked {
            true if free.max(held) <= ALLOWED + TOLERANCE => "at most 3: met",
            true => {
                missed += 1;
                "at most 3: **missed**"
            }
            false => "",
        };
        println!("| {} | {free:.2} | {held:.2} | {goal} |", row.name);
    }
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

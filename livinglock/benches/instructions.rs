//! Counts the instructions of a checkpoint under callgrind, and fails when there are more than three.
//!
//! Every loop runs with N and with 2N passes, so that starting and ending the process cancel out; the same loop without a
//! checkpoint is taken away. Counts do not depend on how busy the machine is.
//!
//! The same in every place that a checkpoint can be in, and what it takes to go there and back.

use std::{
    error::Error,
    io::ErrorKind,
    process::{Command, ExitCode},
};

use livinglock_benches::{CALLS, PLACES, POLLS, Stay};

/// Enough that what happens once a second under a lock, the pulse, does not show.
const PASSES: u64 = 1_000_000;

/// Of what takes some hundred instructions each.
const STAYS: u64 = 100_000;

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

/// The instructions of one whole process; `held` is `held`, and a place.
fn count(subject: &str, passes: u64, held: &[&str]) -> Result<u64, Box<dyn Error>> {
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
fn per_pass(subject: &str, passes: u64, held: &[&str]) -> Result<f64, Box<dyn Error>> {
    let once = count(subject, passes, held)? as f64;
    let twice = count(subject, 2 * passes, held)? as f64;
    Ok((twice - once) / passes as f64)
}

/// Whether it takes no more than the design allows, in the words of a table.
fn verdict(instructions: f64, missed: &mut u32) -> &'static str {
    if instructions <= ALLOWED + TOLERANCE {
        "at most 3: met"
    } else {
        *missed += 1;
        "at most 3: **missed**"
    }
}

/// Of `checkpoint!()` in a loop, below a locked `main`; how often the goal is missed.
fn places() -> Result<u32, Box<dyn Error>> {
    println!("\n| `checkpoint!()` in a loop | instructions | goal |\n|---|--:|---|");
    let mut missed = 0;
    for place in PLACES {
        let cost = |subject| per_pass(subject, PASSES, &["held", place.slug]);
        let net = (cost("plain")? - cost("bare")?) / f64::from(place.loops);
        let goal = verdict(net, &mut missed);
        println!("| {} | {net:.2} | {goal} |", place.name);
    }
    Ok(missed)
}

/// Of going there and back, without anything in between.
fn stays(title: &str, stays: &[Stay]) -> Result<(), Box<dyn Error>> {
    println!("\n| {title} | instructions |\n|---|--:|");
    for stay in stays {
        let each = per_pass(stay.slug, STAYS, &["held"])?;
        println!("| {} | {each:.0} |", stay.name);
    }
    Ok(())
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
        let cost = |held: &[&str]| -> Result<f64, Box<dyn Error>> {
            let net = per_pass(row.subject, PASSES, held)? - per_pass(row.bare, PASSES, held)?;
            Ok(net / f64::from(row.checkpoints))
        };
        let (free, held) = (cost(&[])?, cost(&["held"])?);
        let goal = if row.checked {
            verdict(free.max(held), &mut missed)
        } else {
            ""
        };
        println!("| {} | {free:.2} | {held:.2} | {goal} |", row.name);
    }
    missed += places()?;
    stays("one call", &CALLS)?;
    stays("one poll of a future", &POLLS)?;
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

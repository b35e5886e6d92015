//! `passes SUBJECT N [held [PLACE]]` runs one loop N times, or goes somewhere and back, for an instruction counter to watch: without a lock,
//! with one, or in a place of its scopes.

use std::{env, hint::black_box, process::ExitCode};

use livinglock::checkpoint;
use livinglock_benches::{CALLS, Loop, PLACES, POLLS, bare_in_library, checkpoint_in_library};

fn bare(passes: u64) {
    for _ in 0..passes {
        black_box(());
    }
}

fn plain(passes: u64) {
    for _ in 0..passes {
        black_box(());
        checkpoint!();
    }
}

fn four_sites(passes: u64) {
    for _ in 0..passes {
        black_box(());
        checkpoint!();
        checkpoint!();
        checkpoint!();
        checkpoint!();
    }
}

fn bare_counting(passes: u64) {
    for pass in 0..passes {
        black_box(pass);
    }
}

fn message(passes: u64) {
    for pass in 0..passes {
        black_box(pass);
        checkpoint!("pass {pass}");
    }
}

fn progress(passes: u64) {
    for pass in 0..passes {
        black_box(pass);
        checkpoint!(done = pass, total = passes);
    }
}

/// One unit of work as a function of its own: nothing of the checkpoint can be hoisted out of a loop here.
#[inline(never)]
fn unit(input: u64) -> u64 {
    input.wrapping_mul(31)
}

#[inline(never)]
fn unit_with_checkpoint(input: u64) -> u64 {
    checkpoint!();
    input.wrapping_mul(31)
}

fn units(passes: u64) {
    for pass in 0..passes {
        black_box(unit(black_box(pass)));
    }
}

fn units_with_checkpoint(passes: u64) {
    for pass in 0..passes {
        black_box(unit_with_checkpoint(black_box(pass)));
    }
}

const USAGE: &str = "usage: passes SUBJECT N [held [PLACE]]";

fn subject(name: &str) -> Option<Loop> {
    Some(match name {
        "bare" => bare,
        "plain" => plain,
        "four-sites" => four_sites,
        "bare-counting" => bare_counting,
        "message" => message,
        "progress" => progress,
        "bare-library" => bare_in_library,
        "library" => checkpoint_in_library,
        "bare-unit" => units,
        "unit" => units_with_checkpoint,
        _ => return None,
    })
}

fn nothing() {
    black_box(());
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, passes, held_at @ ..] = &arguments[..] else {
        return Err(USAGE.into());
    };
    let passes = black_box(passes.parse()?);
    if let Some(stay) = CALLS.iter().chain(&POLLS).find(|stay| stay.slug == name) {
        (stay.run)(passes, nothing)?;
        return Ok(());
    }
    let subject = subject(name).ok_or(USAGE)?;
    if let [_, slug] = held_at {
        let place = PLACES.iter().find(|place| place.slug == slug);
        (place.ok_or(USAGE)?.run)(subject, passes)?;
    } else {
        subject(passes);
    }
    Ok(())
}

/// The same under a lock; a `main` in a module, so that one executable measures both.
mod held {
    #[livinglock::batch(path = std::env::temp_dir().join(format!("livinglock-passes-{}.lock", std::process::id())))]
    pub(super) fn main() -> Result<(), Box<dyn std::error::Error>> {
        super::run()
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    if env::args().nth(3).as_deref() == Some("held") {
        return Ok(held::main());
    }
    run()?;
    Ok(ExitCode::SUCCESS)
}

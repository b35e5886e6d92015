//! `turns LOCK` holds the lock at a path or a URL, and does what its standard input says, `LOOP PASSES` a line: a number of passes of a
//! loop with checkpoints, whose time it prints in nanoseconds.

use std::{
    error::Error,
    hint::black_box,
    io::{self, BufRead, Write},
    time::Instant,
};

use livinglock::checkpoint;

type Outcome = Result<(), Box<dyn Error>>;

#[inline(never)]
fn one_site(passes: u64) {
    for _ in 0..passes {
        black_box(());
        checkpoint!();
    }
}

#[inline(never)]
fn two_sites(passes: u64) {
    for _ in 0..passes {
        black_box(());
        checkpoint!();
        black_box(());
        checkpoint!();
    }
}

fn take_turns() -> Outcome {
    let mut stdout = io::stdout();
    writeln!(stdout, "held")?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, passes) = line.split_once(' ').ok_or("LOOP PASSES")?;
        let passes = black_box(passes.parse()?);
        let body: fn(u64) = match name {
            "one-site" => one_site,
            "two-sites" => two_sites,
            _ => return Err(format!("unknown loop {name}").into()),
        };
        let start = Instant::now();
        body(passes);
        writeln!(stdout, "{}", start.elapsed().as_nanos())?;
    }
    Ok(())
}

fn place() -> String {
    std::env::args().nth(1).expect("usage: turns LOCK")
}

// Heartbeats ten times a second, not once a minute, so that samples see some.

mod file {
    #[livinglock::batch(path = super::place(), stale = "1h", heartbeat = "100ms")]
    pub(super) fn main() -> super::Outcome {
        super::take_turns()
    }
}

mod leased {
    #[livinglock::batch(store = super::place(), name = "turns", stale = "1h", heartbeat = "100ms")]
    pub(super) fn main() -> super::Outcome {
        super::take_turns()
    }
}

fn main() -> std::process::ExitCode {
    if place().contains("://") {
        leased::main()
    } else {
        file::main()
    }
}

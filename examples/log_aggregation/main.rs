//! Counts the lines of log files by level and by hour: a real batch, with a checkpoint at every line.
//!
//! ```text
//! cargo run --example log_aggregation                      # all that can be read in /var/log
//! cargo run --example log_aggregation -- app.log /srv/logs # these files and folders; add --release if they are big
//! ```
//!
//! Run it in two terminals over a big folder: the second run yields, and says at which line the first one is. Kill the
//! first: the next run starts at once, and says at which line its predecessor stopped.

mod line;
mod source;
mod tally;

use std::{
    cell::Cell,
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use line::Line;
use livinglock::checkpoint;
use source::{Search, Source};
use tally::{Report, Tally};

const HELP: &str = "\
Counts the lines of log files by level and by hour.

Usage: log_aggregation [FILE or FOLDER]...

Without arguments: /var/log, or an embedded sample if nothing can be read there.
Plain text and gzip; syslog, ISO 8601, access logs, JSON lines. Hours are as the logs write them.
";

#[livinglock::batch(
    path = std::env::temp_dir().join("livinglock-log_aggregation.lock"),
    name = "log_aggregation",
    stale = "10m"
)]
fn main() -> io::Result<ExitCode> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let mut out = io::stdout().lock();
    if arguments
        .iter()
        .any(|argument| argument == Path::new("--help"))
    {
        out.write_all(HELP.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }

    let report = if arguments.is_empty() {
        let report = aggregate(Search::new([Path::new("/var/log")]));
        if report.is_empty() {
            writeln!(
                out,
                "nothing readable in /var/log: showing the embedded sample instead\n"
            )?;
            aggregate(Search::sample())
        } else {
            report
        }
    } else {
        aggregate(Search::new(&arguments))
    };

    write!(out, "{report}")?;
    Ok(if report.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads every source that was found, and reports those that cannot be read.
fn aggregate(found: Search) -> Report {
    let mut report = Report::default();
    report.unreadable.extend(found.unreadable);
    let total = found.sources.iter().map(|source| source.bytes).sum();
    let mut before = 0;
    for source in &found.sources {
        let mut tally = Tally::default();
        match count(source, before, total, &mut tally) {
            Ok(true) => {}
            Ok(false) => report.binary.push(source.name.clone()),
            Err(error) => report.unreadable.push(format!("{source}: {error}")),
        }
        // What was read before an error counts.
        report.add(source.without_rotation(), &tally);
        before += source.bytes;
    }
    report
}

/// Counts the lines of one source; `false` means that it is not text.
fn count(source: &Source, before: u64, total: u64, tally: &mut Tally) -> io::Result<bool> {
    let read = Cell::new(0);
    let Some(mut lines) = source.open(&read)? else {
        return Ok(false);
    };
    let mut number: u64 = 0;
    while let Some(line) = lines.next()? {
        number += 1;
        checkpoint!(
            done = before + read.get(),
            total = total,
            "{source}:{number}"
        );
        tally.add(Line::parse(line));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_holds_every_level() {
        let report = aggregate(Search::sample());
        let total = report.total();
        assert!(report.unreadable.is_empty() && report.binary.is_empty());
        assert!(
            total.levels.iter().all(|&lines| lines > 0),
            "{:?}",
            total.levels
        );
        assert!(total.hours.iter().sum::<u64>() > 20);
    }

    #[test]
    fn a_missing_file_is_named_and_the_rest_is_counted() {
        let folder = source::Folder::new("missing");
        folder.write("app.log", b"2026-11-23 02:00:01,123 ERROR disk full\n");
        let report = aggregate(Search::new([
            folder.path("none.log"),
            folder.path("app.log"),
        ]));
        assert_eq!(report.total().lines(), 1);
        assert_eq!(report.unreadable.len(), 1);
        assert!(
            report.unreadable[0].contains("none.log"),
            "{:?}",
            report.unreadable
        );
    }
}

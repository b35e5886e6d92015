//! The runs of a job as `livinglock history` shows them.

use std::{fmt::Write, time::Duration};

use super::{place, span, text::Escaped};
use crate::observer::{Outcome, history::Entry};

/// The most columns of a bar.
const LONGEST_BAR: usize = 40;

/// A row for each run, with a bar of its duration, and a summary.
pub(crate) fn table(runs: &[Entry], in_all: usize, width: usize, is_cut: bool) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let longest = lasted(runs).max().unwrap_or_default();
    let bar = (width / 4).clamp(1, LONGEST_BAR);
    let is_of_many = runs.iter().any(|run| run.name != runs[0].name);
    let mut rows = vec![
        [
            "started (UTC)",
            "job",
            "took",
            "",
            "ended",
            "last checkpoint",
        ]
        .map(str::to_owned),
    ];
    rows.extend(runs.iter().map(|run| {
        let took = took(run);
        [
            moment(&run.started),
            Escaped(&run.name).to_string(),
            took.map_or_else(|| "-".to_owned(), span),
            took.map_or_else(String::new, |took| drawn(took, longest, bar)),
            ended(run),
            whereabouts(run),
        ]
    }));
    let mut text = String::new();
    let widths: Vec<usize> = (0..6)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            if column == 1 && !is_of_many {
                continue;
            }
            let space = " ".repeat(widths[column] - cell.chars().count());
            let _ = match column {
                2 => write!(line, "{space}{cell}  "),
                _ => write!(line, "{cell}{space}  "),
            };
        }
        let line = line.trim_end();
        let most = if is_cut { width } else { usize::MAX };
        text.extend(line.chars().take(most));
        text.push('\n');
    }
    text.push('\n');
    text += &summary(runs, in_all, longest);
    text
}

/// `the last 20 of 341 runs, 2 failures; median 12m 3s, longest 1h 2m`
fn summary(runs: &[Entry], in_all: usize, longest: Duration) -> String {
    let failures = runs
        .iter()
        .filter(|run| run.outcome != Outcome::Succeeded)
        .count();
    let shown = runs.len();
    let mut text = match (shown, in_all) {
        (1, 1) => "1 run".to_owned(),
        (shown, in_all) if shown == in_all => format!("{shown} runs"),
        (shown, in_all) => format!("the last {shown} of {in_all} runs"),
    };
    let _ = match failures {
        0 => write!(text, ", no failure"),
        1 => write!(text, ", 1 failure"),
        many => write!(text, ", {many} failures"),
    };
    let mut all: Vec<Duration> = lasted(runs).collect();
    all.sort_unstable();
    if let Some(&upper) = all.get(all.len() / 2) {
        // Of an even number, what lies between the two in the middle.
        let lower = all[(all.len() - 1) / 2];
        let median = lower + upper.abs_diff(lower) / 2;
        let _ = write!(text, "; median {}, longest {}", span(median), span(longest));
    }
    text.push('\n');
    text
}

/// How long those took that ran.
fn lasted(runs: &[Entry]) -> impl Iterator<Item = Duration> {
    runs.iter().filter_map(took)
}

fn took(run: &Entry) -> Option<Duration> {
    (run.outcome != Outcome::Refused).then(|| Duration::from_millis(run.duration_ms))
}

/// A bar in proportion to the longest run. Every run has one, however short.
fn drawn(took: Duration, longest: Duration, most: usize) -> String {
    let columns = took.as_millis() * most as u128;
    let columns = columns.div_ceil(longest.as_millis().max(1));
    "#".repeat(usize::try_from(columns).unwrap_or(most).clamp(1, most))
}

/// `2026-11-23 02:43:10`
fn moment(timestamp: &str) -> String {
    let time = timestamp.split(['.', 'Z']).next().unwrap_or_default();
    Escaped(time.replacen('T', " ", 1)).to_string()
}

/// `failed (3)`
fn ended(run: &Entry) -> String {
    let mut text = run.outcome.name().to_owned();
    if let Some(status) = run
        .exit_status
        .filter(|_| run.outcome != Outcome::Succeeded)
    {
        let _ = write!(text, " ({status})");
    }
    text
}

/// Where it was last, or why it did not begin.
fn whereabouts(run: &Entry) -> String {
    match (&run.reason, &run.checkpoint) {
        (Some(reason), _) => Escaped(reason).to_string(),
        (None, Some(checkpoint)) => place(checkpoint),
        (None, None) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests;

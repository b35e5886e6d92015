//! What was counted, and the table that shows it.

use std::{cmp::Reverse, collections::BTreeMap, fmt};

use crate::line::{Level, Line};

/// The counts of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Lines by level, in the order of [`Level`].
    pub(crate) levels: [u64; 5],
    /// Lines by hour of the day.
    pub(crate) hours: [u64; 24],
}

impl Tally {
    /// Counts one line.
    pub(crate) fn add(&mut self, line: Line) {
        self.levels[line.level as usize] += 1;
        if let Some(hour) = line.hour {
            self.hours[usize::from(hour)] += 1;
        }
    }

    /// The number of lines.
    pub(crate) fn lines(&self) -> u64 {
        self.levels.iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        let counts = self.levels.iter_mut().chain(&mut self.hours);
        for (mine, theirs) in counts.zip(other.levels.iter().chain(&other.hours)) {
            *mine += theirs;
        }
    }

    /// The hours with the most lines, busiest first.
    fn busiest(&self) -> impl Iterator<Item = (usize, u64)> {
        let mut hours: Vec<_> = self
            .hours
            .into_iter()
            .enumerate()
            .filter(|&(_, lines)| lines > 0)
            .collect();
        hours.sort_by_key(|&(hour, lines)| (Reverse(lines), hour));
        hours.into_iter()
    }
}

/// The counts of all sources. Displays as the table.
#[derive(Debug, Default)]
pub(crate) struct Report {
    sources: BTreeMap<String, Tally>,
    /// The files that are not text.
    pub(crate) binary: Vec<String>,
    /// The files that could not be read, each with the reason.
    pub(crate) unreadable: Vec<String>,
}

impl Report {
    /// Adds the counts of a source; rotated logs of one name add up.
    pub(crate) fn add(&mut self, name: &str, tally: &Tally) {
        if tally.lines() > 0 {
            self.sources
                .entry(name.to_owned())
                .or_default()
                .merge(tally);
        }
    }

    /// Whether no line was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// All sources together.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.sources.values() {
            total.merge(tally);
        }
        total
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        if self.is_empty() {
            writeln!(
                f,
                "nothing to count: name log files or folders that you may read"
            )?;
        } else {
            let width = self
                .sources
                .keys()
                .map(|name| name.chars().count())
                .max()
                .unwrap_or(0)
                .max("source".len());
            write!(f, "{:width$} {:>9}", "source", "lines")?;
            for level in [
                Level::Error,
                Level::Warn,
                Level::Info,
                Level::Debug,
                Level::Other,
            ] {
                write!(f, " {:>9}", format!("{level:?}").to_lowercase())?;
            }
            writeln!(f, "  busiest")?;
            for (name, tally) in self
                .sources
                .iter()
                .map(|(name, tally)| (name.as_str(), tally))
                .chain([("total", &total)])
            {
                write!(f, "{name:width$} {:>9}", tally.lines())?;
                for lines in tally.levels {
                    write!(f, " {lines:>9}")?;
                }
                match tally.busiest().next() {
                    Some((hour, _)) => writeln!(f, "  {hour:02}:00")?,
                    None => writeln!(f, "  -")?,
                }
            }
            hours(f, &total)?;
        }
        skipped(f, "binary", &self.binary)?;
        skipped(f, "unreadable", &self.unreadable)
    }
}

/// The five busiest hours, each with a bar.
fn hours(f: &mut fmt::Formatter<'_>, total: &Tally) -> fmt::Result {
    const BAR: u64 = 40;
    let Some((_, most)) = total.busiest().next() else {
        return Ok(());
    };
    writeln!(f, "\nbusiest hours")?;
    for (hour, lines) in total.busiest().take(5) {
        let bar = usize::try_from((lines * BAR).div_ceil(most)).map_err(|_| fmt::Error)?;
        writeln!(f, "{hour:02}:00 {lines:>9} {:#<bar$}", "")?;
    }
    Ok(())
}

/// One line that names what was left out.
fn skipped(f: &mut fmt::Formatter<'_>, why: &str, names: &[String]) -> fmt::Result {
    const NAMED: usize = 5;
    if names.is_empty() {
        return Ok(());
    }
    write!(
        f,
        "\n{} {why}: {}",
        names.len(),
        names[..names.len().min(NAMED)].join(", ")
    )?;
    match names.len().saturating_sub(NAMED) {
        0 => writeln!(f),
        more => writeln!(f, " and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[(Level, u8)]) -> Tally {
        let mut tally = Tally::default();
        for &(level, hour) in lines {
            tally.add(Line {
                level,
                hour: Some(hour),
            });
        }
        tally
    }

    #[test]
    fn rotated_logs_add_up_and_empty_ones_do_not_show() {
        let mut report = Report::default();
        report.add("syslog", &tally(&[(Level::Error, 2), (Level::Info, 3)]));
        report.add("syslog", &tally(&[(Level::Error, 3)]));
        report.add("empty", &Tally::default());
        assert_eq!(report.sources.len(), 1);
        assert_eq!(report.sources["syslog"].levels, [2, 0, 1, 0, 0]);
        assert_eq!(
            report.total().busiest().collect::<Vec<_>>(),
            [(3, 2), (2, 1)]
        );
    }

    #[test]
    fn the_table_shows_counts_hours_and_what_was_left_out() {
        let mut report = Report {
            binary: vec!["wtmp".into()],
            ..Report::default()
        };
        report.unreadable = (1..=7)
            .map(|n| format!("secret.{n}: permission denied"))
            .collect();
        report.add(
            "app.log",
            &tally(&[(Level::Warn, 14), (Level::Warn, 14), (Level::Debug, 2)]),
        );
        let text = report.to_string();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|row| row.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[0],
            [
                "source", "lines", "error", "warn", "info", "debug", "other", "busiest"
            ]
        );
        assert_eq!(rows[1], ["app.log", "3", "0", "2", "0", "1", "0", "14:00"]);
        assert_eq!(rows[5], ["14:00", "2", &*"#".repeat(40)]);
        assert_eq!(rows[6], ["02:00", "1", &*"#".repeat(20)]);
        assert!(text.contains("\n1 binary: wtmp\n"), "{text}");
        assert!(
            text.ends_with("secret.5: permission denied and 2 more\n"),
            "{text}"
        );
    }

    #[test]
    fn nothing_to_count_says_what_to_do() {
        assert!(
            Report::default()
                .to_string()
                .contains("name log files or folders")
        );
    }
}

//! The text of a metrics file, read and written.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use super::sample::{FAMILIES, Family, Sample};

/// What every name of ours begins with.
const PREFIX: &str = "livinglock_";

/// What a file says, of each job that it tells of.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page(BTreeMap<String, Series>);

/// What a file says of one job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series(BTreeMap<Sample, u64>);

impl Series {
    pub(super) fn get(&self, sample: Sample) -> Option<u64> {
        self.0.get(&sample).copied()
    }

    pub(super) fn set(&mut self, sample: Sample, value: impl Into<Option<u64>>) {
        match value.into() {
            Some(value) => self.0.insert(sample, value),
            None => self.0.remove(&sample),
        };
    }

    pub(super) fn count(&mut self, sample: Sample) {
        let count = self.0.entry(sample).or_default();
        *count = count.saturating_add(1);
    }

    /// Every counter begins at zero, and not with its first event: otherwise nobody sees that one as an increase.
    fn begin_counters(&mut self) {
        for family in FAMILIES.iter().filter(|family| family.is_counter) {
            for sample in family.samples {
                self.0.entry(*sample).or_insert(0);
            }
        }
    }
}

impl Page {
    /// Reads a file; `None` if it has what is not ours. Lines of ours that are torn, or of a later version, are passed over.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut page = Self::default();
        let text = String::from_utf8_lossy(bytes);
        for line in text.split('\n') {
            // A power failure may leave zeroes.
            let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The last line may be cut anywhere.
            if !line.starts_with(PREFIX) && !PREFIX.starts_with(line) {
                return None;
            }
            if let Some((name, sample, value)) = read(line) {
                page.series_of(&name).set(sample, value);
            }
        }
        Some(page)
    }

    pub(super) fn series_of(&mut self, name: &str) -> &mut Series {
        if !self.0.contains_key(name) {
            let mut series = Series::default();
            series.begin_counters();
            self.0.insert(name.to_owned(), series);
        }
        self.0.entry(name.to_owned()).or_default()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in &FAMILIES {
            let is_there =
                |series: &Series| family.samples.iter().any(|it| series.get(*it).is_some());
            if !self.0.values().any(is_there) {
                continue;
            }
            let kind = if family.is_counter {
                "counter"
            } else {
                "gauge"
            };
            writeln!(f, "# HELP {} {}", family.name, family.help)?;
            writeln!(f, "# TYPE {} {kind}", family.name)?;
            for (name, series) in &self.0 {
                for sample in family.samples {
                    if let Some(value) = series.get(*sample) {
                        write_sample(f, family, name, *sample, value)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn write_sample(
    f: &mut fmt::Formatter<'_>,
    family: &Family,
    name: &str,
    sample: Sample,
    value: u64,
) -> fmt::Result {
    write!(f, "{}{{name=\"", family.name)?;
    for character in name.chars() {
        match character {
            '\\' => f.write_str("\\\\")?,
            '"' => f.write_str("\\\"")?,
            '\n' => f.write_str("\\n")?,
            // Lines are told apart by what begins one, and this one begins none of ours.
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')?;
    if let Sample::Runs(outcome) = sample {
        write!(f, ",outcome=\"{}\"", outcome.name())?;
    }
    writeln!(f, "}} {}", family.written(value))
}

/// The name of the job, the sample, and its value, of a line of ours.
fn read(line: &str) -> Option<(String, Sample, u64)> {
    let (family, rest) = line.split_once('{')?;
    let family = FAMILIES.iter().find(|known| known.name == family)?;
    let (name, rest) = read_name(rest.strip_prefix("name=\"")?)?;
    let (outcome, value) = match rest.strip_prefix(",outcome=\"") {
        Some(rest) => {
            let (outcome, rest) = rest.split_once('"')?;
            (Some(outcome), rest)
        }
        None => (None, rest),
    };
    let sample = family.samples.iter().find(|sample| match sample {
        Sample::Runs(known) => outcome == Some(known.name()),
        _ => outcome.is_none(),
    })?;
    let value = family.read(value.strip_prefix("} ")?)?;
    Some((name, *sample, value))
}

/// The text up to the quote that ends it, and what comes after that.
fn read_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((name, characters.as_str())),
            '\\' => name.push(match characters.next()? {
                'n' => '\n',
                other => other,
            }),
            other => name.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::outcome::Outcome;

    #[test]
    fn what_is_written_is_read() {
        let mut page = Page::default();
        for name in ["nightly", "", "a\\b\"c\nd\re} 1", "日本語", "\\n"] {
            let series = page.series_of(name);
            series.count(Sample::Runs(Outcome::Hung));
            series.set(Sample::LastStart, 1_795_488_856_007);
            series.set(Sample::Token, u64::MAX);
        }
        let text = page.to_string();
        assert_eq!(Page::of(text.as_bytes()), Some(page));
        assert!(
            text.contains(
                "\nlivinglock_last_start_timestamp_seconds{name=\"nightly\"} 1795488856.007\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("\nlivinglock_runs_total{name=\"nightly\",outcome=\"hung\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_still_ours() {
        let mut page = Page::default();
        page.series_of("nightly").count(Sample::Busy);
        let text = page.to_string();
        for end in 0..text.len() {
            let cut = Page::of(&text.as_bytes()[..end]);
            assert!(cut.is_some(), "{:?}", &text[..end]);
        }
        assert_eq!(Page::of(&[0; 4096]), Some(Page::default()));
    }

    #[test]
    fn what_is_not_ours_is_seen() {
        for text in ["node_load1 0.5\n", "hello", "#\n \nlivinglock 3"] {
            assert_eq!(Page::of(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn what_others_would_write_is_understood_and_nonsense_passed_over() {
        let text = "livinglock_busy_total{name=\"a\"} 1e3\n\
                    livinglock_last_start_timestamp_seconds{name=\"a\"} 1.5e9\n\
                    livinglock_stalls_total{name=\"a\"} -3\n\
                    livinglock_takeovers_total{name=\"a\"} NaN\n\
                    livinglock_running{name=\"a\",more=\"b\"} 1\n\
                    livinglock_of_a_later_version{name=\"a\"} 1\n\
                    livinglock_runs_total{name=\"a\",outcome=\"unheard of\"} 1\n";
        let mut page = Page::of(text.as_bytes()).expect("ours");
        let series = page.series_of("a");
        assert_eq!(series.get(Sample::Busy), Some(1000));
        assert_eq!(series.get(Sample::LastStart), Some(1_500_000_000_000));
        assert_eq!(series.get(Sample::Stalls), Some(0));
        assert_eq!(series.get(Sample::Takeovers), Some(0));
        assert_eq!(series.get(Sample::Running), None);
    }
}

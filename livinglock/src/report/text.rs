//! Texts and spans of time as they are printed.

use std::{
    fmt::{self, Write},
    path::Path,
    time::Duration,
};

/// A path as it is printed.
pub(crate) fn path(path: &Path) -> impl fmt::Display {
    Escaped(path.to_string_lossy())
}

/// The two largest units of a duration: `3h 12m`, `43m`, `3s`, `0.3s`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 1 {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    let units = [(86400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let first = units
        .iter()
        .position(|(unit, _)| seconds >= *unit)
        .unwrap_or(3);
    let (unit, letter) = units[first];
    let mut text = format!("{}{letter}", seconds / unit);
    if let Some((smaller, letter)) = units.get(first + 1) {
        let rest = seconds % unit / smaller;
        if rest > 0 {
            let _ = write!(text, " {rest}{letter}");
        }
    }
    text
}

/// `4.9/s`, of so many tenths in an hour.
#[cfg(any(feature = "cli", feature = "progress"))]
pub(super) fn rate(tenths_per_hour: u128) -> String {
    let (length, letter) = match tenths_per_hour / 10 {
        3600.. => (3600, 's'),
        60.. => (60, 'm'),
        _ => (1, 'h'),
    };
    match tenths_per_hour / length {
        tenths @ 1000.. => format!("{}/{letter}", tenths / 10),
        tenths => format!("{}.{}/{letter}", tenths / 10, tenths % 10),
    }
}

/// `about 58s left`
#[cfg(any(feature = "cli", feature = "progress"))]
pub(super) fn left(time: Duration) -> String {
    format!("about {} left", span(time.max(Duration::from_secs(1))))
}

/// Text that cannot steer a terminal: control characters and those that turn the direction of writing, or begin a line, are escaped.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.as_ref().chars() {
            if steers(character) {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// What stands beside the bar of a job that does so much in a second: `, 4.9/s, about 58s left`
#[cfg(feature = "progress")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not negative, and one that is too large is the largest"
)]
pub(crate) fn pace_of(per_second: f64, left: Duration) -> String {
    let tenths_per_hour = (per_second * 36_000.0) as u128;
    if tenths_per_hour == 0 {
        return String::new();
    }
    format!(", {}, {}", rate(tenths_per_hour), self::left(left))
}

/// Text that cannot steer a terminal.
#[cfg(feature = "progress")]
pub(crate) fn escaped(text: &str) -> String {
    Escaped(text).to_string()
}

/// JSON on one line that says the same, but cannot steer a terminal either.
#[cfg(feature = "cli")]
pub(crate) fn harmless_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if steers(character) {
            // Outside of texts JSON has none of these, and each of them is one unit of UTF-16.
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    text
}

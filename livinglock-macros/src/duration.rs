//! Durations written as literals.

use std::time::Duration;

use humantime::DurationError;

/// The longest duration that a literal may give: a hundred years of 365 days, far below where sums of times could overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const INVALID: &str =
    r#"invalid duration; expected a number and a unit, like "90s", "45m", "2h 30m" or "1d""#;
const NO_FIXED_LENGTH: &str =
    r#"months and years have no fixed length; write days, like "30d", and minutes as `m`"#;
const TOO_LARGE: &str = "duration is too large";

/// Reads a duration such as `2h 30m`.
///
/// # Errors
///
/// What to write instead.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    // `humantime` reads "1M" as a month, where people mean a minute, and "2 30m" as 230 minutes.
    let mut units = text.split(|letter: char| !letter.is_alphabetic());
    if units.any(|unit| unit == "M" || unit.starts_with("month") || unit.starts_with('y')) {
        return Err(NO_FIXED_LENGTH);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let digit = |letter: char| letter.is_ascii_digit();
    if words
        .windows(2)
        .any(|pair| pair[0].ends_with(digit) && pair[1].starts_with(digit))
    {
        return Err(INVALID);
    }
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        // The same error also stands for fractions of a nanosecond.
        Err(DurationError::NumberOverflow) if text.contains('.') => Err(INVALID),
        Ok(_) | Err(DurationError::NumberOverflow) => Err(TOO_LARGE),
        Err(_) => Err(INVALID),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        /// Any text at all, texts that look like durations, and long ones.
        #[test]
        fn any_text_is_a_duration_or_refused(
            any in ".*",
            alike in "([0-9]{0,22}[. ]{0,2}[a-zA-Zµ]{0,6} ?){0,4}",
            long in "[1-9][0-9]{3,10}[smhdw]",
        ) {
            for text in [any, alike, long] {
                match parse(&text) {
                    Ok(duration) => prop_assert!(duration <= LONGEST, "{text}"),
                    Err(message) => prop_assert!([INVALID, NO_FIXED_LENGTH, TOO_LARGE].contains(&message), "{text}"),
                }
            }
        }

        #[test]
        fn the_parts_of_a_duration_add_up(days in 0..1000_u64, hours in 0..1000_u64, minutes in 0..1000_u64, seconds in 0..1000_u64) {
            let total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
            let text = format!("{days}d {hours}h{minutes}m {seconds} s");
            prop_assert_eq!(parse(&text), Ok(Duration::from_secs(total)), "{}", text);
        }
    }

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("90s", 90),
            ("45m", 2_700),
            ("2h 30m", 9_000),
            ("2h30m", 9_000),
            ("1.5h", 5_400),
            ("1d", 86_400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("400ms"), Ok(Duration::from_millis(400)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        assert_eq!(parse("2 weeks"), Ok(Duration::from_secs(14 * 86_400)));
        assert_eq!(parse("36500d"), Ok(LONGEST));
    }

    #[test]
    fn a_number_and_a_unit_are_needed() {
        for text in [
            "",
            " ",
            "s",
            "90",
            "2 hrs of",
            "-1s",
            "2 30m",
            "1h 30",
            "1,5h",
            "90 sconds",
            "0.5ns",
        ] {
            assert_eq!(parse(text), Err(INVALID), "{text}");
        }
    }

    #[test]
    fn months_and_years_are_refused() {
        for text in [
            "1M", "1 M", "2h 1M", "3 months", "1month", "1y", "2 years", "1yr",
        ] {
            assert_eq!(parse(text), Err(NO_FIXED_LENGTH), "{text}");
        }
    }

    #[test]
    fn too_large_durations_are_refused() {
        for text in ["36501d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(parse(text), Err(TOO_LARGE), "{text}");
        }
    }
}

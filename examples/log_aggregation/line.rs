//! One line of a log: its level and its hour, in whatever format it is written.

use serde_json::Value;

/// How serious a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    /// The line does not say.
    Other,
}

/// What one line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) level: Level,
    /// The hour of the day, 0 to 23, as written: no time zone is applied.
    pub(crate) hour: Option<u8>,
}

impl Line {
    /// Understands a line as far as possible; what is not text in it is ignored.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        if text.starts_with('{')
            && let Ok(json) = serde_json::from_str(text)
        {
            return Self::from_json(&json);
        }
        let level = status(text)
            .or_else(|| spoken(text))
            .unwrap_or(Level::Other);
        Self {
            level,
            hour: hour(text),
        }
    }

    fn from_json(json: &Value) -> Self {
        let first = |keys: &[&str]| keys.iter().find_map(|&key| json.get(key));
        let level = match first(&["level", "severity", "lvl", "levelname", "log.level"]) {
            Some(Value::String(name)) => named(name),
            // The numbers of bunyan and pino.
            Some(Value::Number(number)) => number.as_u64().map(|number| match number {
                50.. => Level::Error,
                40.. => Level::Warn,
                30.. => Level::Info,
                _ => Level::Debug,
            }),
            _ => None,
        };
        let hour = match first(&["time", "timestamp", "ts", "@timestamp", "datetime"]) {
            Some(Value::String(time)) => hour(time),
            Some(Value::Number(time)) => time.as_f64().and_then(epoch_hour),
            _ => None,
        };
        Self {
            level: level.unwrap_or(Level::Other),
            hour,
        }
    }
}

/// The level that a word names, in any case.
fn named(word: &str) -> Option<Level> {
    match word.to_ascii_lowercase().as_str() {
        "error" | "err" | "fatal" | "critical" | "crit" | "alert" | "emergency" | "emerg"
        | "panic" | "severe" => Some(Level::Error),
        "warn" | "warning" => Some(Level::Warn),
        "info" | "information" | "notice" => Some(Level::Info),
        "debug" | "trace" => Some(Level::Debug),
        _ => None,
    }
}

/// The level of a text: the first that is written as one, else that of a message which only speaks of trouble.
fn spoken(text: &str) -> Option<Level> {
    let mentions: Vec<Mention<'_>> = mentions(text).collect();
    let marked = mentions.iter().find(|mention| mention.is_marked());
    let level = marked.or_else(|| mentions.iter().find(|mention| mention.is_trouble()));
    level.map(|mention| mention.level)
}

/// A word that names a level, and what stands before and after it.
struct Mention<'a> {
    level: Level,
    before: &'a str,
    word: &'a str,
    after: &'a str,
}

impl Mention<'_> {
    /// Whether it is written as a level: `ERROR`, `[error]`, `<err>`, `level=error`, `error:`.
    fn is_marked(&self) -> bool {
        is_shouted(self.word)
            || self
                .before
                .trim_end_matches('"')
                .ends_with(['[', '<', '=', '|'])
            || self.after.starts_with([']', '>', ':', '|'])
    }

    /// Whether the message speaks of an error or a warning, and does not say that there is none.
    fn is_trouble(&self) -> bool {
        let denied = matches!(
            self.before.split_whitespace().next_back(),
            Some("no" | "No" | "0" | "without")
        );
        let assigned = self.after.starts_with('=');
        matches!(self.level, Level::Error | Level::Warn) && !denied && !assigned
    }
}

/// The levels that a text names in whole words; paths, versions and hyphenated names are one word.
fn mentions(text: &str) -> impl Iterator<Item = Mention<'_>> {
    let between =
        |&byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"_-./".contains(&byte);
    let mut next = 0;
    text.as_bytes().split(between).filter_map(move |word| {
        let start = next;
        next += word.len() + 1;
        // Cut at ASCII bytes only, so never inside a character.
        let word = text[start..start + word.len()].trim_end_matches(['.', '-']);
        let after = &text[start + word.len()..];
        // Some loggers put their channel in front: `app.ERROR`.
        let word = word
            .rsplit('.')
            .next()
            .filter(|name| is_shouted(name))
            .unwrap_or(word);
        // PostgreSQL says `LOG` for what is only worth knowing.
        let level = if word == "LOG" {
            Level::Info
        } else {
            named(word)?
        };
        let before = &text[..text.len() - after.len() - word.len()];
        Some(Mention {
            level,
            before,
            word,
            after,
        })
    })
}

fn is_shouted(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The level that the status of an access log means: `.. [23/Nov/2026:02:00:01 +0000] "GET / HTTP/1.1" 503 ..`.
fn status(text: &str) -> Option<Level> {
    let (_, request) = text.split_once("] \"")?;
    // A quote inside a request is escaped, so the first `" ` ends it.
    let (_, rest) = request.split_once("\" ")?;
    let status = rest.split(' ').next().filter(|status| status.len() == 3)?;
    match status.parse().ok()? {
        500..600 => Some(Level::Error),
        400..500 => Some(Level::Warn),
        100..400 => Some(Level::Info),
        0_u16..100 | 600.. => None,
    }
}

/// The hour of the first `HH:MM:SS` of a line.
fn hour(text: &str) -> Option<u8> {
    text.match_indices(':').find_map(|(colon, _)| {
        let (before, rest) = text.as_bytes().split_at(colon);
        let &[ref before @ .., h1, h0] = before else {
            return None;
        };
        let &[b':', m1, m0, b':', s1, s0, ref rest @ ..] = rest else {
            return None;
        };
        let two = |tens: u8, ones: u8| match (tens, ones) {
            (b'0'..=b'9', b'0'..=b'9') => Some((tens - b'0') * 10 + (ones - b'0')),
            _ => None,
        };
        let (hour, minute, second) = (two(h1, h0)?, two(m1, m0)?, two(s1, s0)?);
        // Part of something longer, such as a hardware address?
        let longer = before.last().is_some_and(u8::is_ascii_hexdigit)
            || rest.first().is_some_and(u8::is_ascii_hexdigit)
            || matches!(rest, [b':', next, ..] if next.is_ascii_hexdigit());
        // A leap second is written 60.
        (!longer && hour < 24 && minute < 60 && second <= 60).then_some(hour)
    })
}

/// The hour, in UTC, of a Unix time in seconds or milliseconds.
fn epoch_hour(time: f64) -> Option<u8> {
    // In seconds this would be the year 5138, in milliseconds 1973.
    let seconds = if time < 1e11 { time } else { time / 1000.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a day has 0 to 23 whole hours"
    )]
    seconds
        .is_finite()
        .then(|| (seconds.rem_euclid(86_400.0) / 3600.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::{
        Level::{Debug, Error, Info, Other, Warn},
        *,
    };

    #[track_caller]
    fn check(line: &str, level: Level, hour: impl Into<Option<u8>>) {
        assert_eq!(
            Line::parse(line.as_bytes()),
            Line {
                level,
                hour: hour.into()
            },
            "{line}"
        );
    }

    #[test]
    fn syslog() {
        check("Nov 23 02:00:01 host CRON[9]: (root) CMD (run)", Other, 2);
        check(
            "Nov 23 02:00:01 host sshd[1]: error: maximum authentication attempts",
            Error,
            2,
        );
        check(
            "Nov 23 23:59:60 host kernel: EXT4-fs error (device sda1): bad block",
            Error,
            23,
        );
        check("<err> Nov  3 04:00:01 host app[1]: down", Error, 4);
        check(
            "2026-11-23T05:00:01.5+00:00 host app[1]: WARNING: slow",
            Warn,
            5,
        );
    }

    #[test]
    fn application_logs() {
        check(
            "2026-11-23 02:00:01,123 INFO 3 errors: none of them ours",
            Info,
            2,
        );
        check(
            "2026-11-23 02:00:01,123 WARN retry after error: timeout",
            Warn,
            2,
        );
        check("[2026-11-23 07:00:01] production.ERROR: no route", Error, 7);
        check(
            "time=2026-11-23T08:00:01Z level=\"debug\" msg=\"error: none\"",
            Debug,
            8,
        );
        check("time=2026-11-23T08:00:01Z level=info err=nil", Info, 8);
        check(
            "2026-11-23 09:00:01.000 UTC [7] LOG:  checkpoint starting",
            Info,
            9,
        );
        check(
            "2026-11-23 09:00:01.000 UTC [7] FATAL:  role does not exist",
            Error,
            9,
        );
    }

    #[test]
    fn web_servers() {
        let access = |status| {
            format!(
                "::1 - - [23/Nov/2026:02:00:01 +0000] \"GET /error HTTP/1.1\" {status} 12 \"-\" \"x\""
            )
        };
        check(&access("200"), Info, 2);
        check(&access("404"), Warn, 2);
        check(&access("503"), Error, 2);
        check(
            "2026/11/23 03:00:01 [error] 7#7: *1 open() \"/srv/a\" failed",
            Error,
            3,
        );
        check(
            "[Mon Nov 23 04:00:01.123456 2026] [core:notice] [pid 7] started",
            Info,
            4,
        );
    }

    #[test]
    fn packages() {
        check(
            "2025-06-24 14:36:25 status installed libgpg-error0:amd64 1.46-1",
            Other,
            14,
        );
        check(
            "update-alternatives 2025-06-24 15:36:53: run with --quiet",
            Other,
            15,
        );
        check("Start-Date: 2025-06-24  16:36:25", Other, 16);
    }

    #[test]
    fn json() {
        check(
            r#"{"level":"Warning","time":"2026-11-23T02:00:01Z","msg":"error"}"#,
            Warn,
            2,
        );
        check(
            r#"{"severity":"ERROR","@timestamp":"2026-11-23T03:00:01Z"}"#,
            Error,
            3,
        );
        check(r#"{"level":20,"time":1795399201123}"#, Debug, 2);
        check(r#"{"level":60,"ts":1795399201.5}"#, Error, 2);
        check(r#"{"msg":"no level, no time"}"#, Other, None);
        check(r#"{"broken": ERROR"#, Error, None);
    }

    #[test]
    fn levels_are_whole_words() {
        check(
            "terror, errors, my-error, error_count, /var/log/error.log, error.log",
            Other,
            None,
        );
        check("finished with no error", Other, None);
        check("error=0", Other, None);
        check("for more info read the debug guide", Other, None);
        check("an error happened.", Error, None);
        check("last warning", Warn, None);
        check("", Other, None);
    }

    #[test]
    fn hours_are_times() {
        check("eth0 00:11:22:33:44:55 up", Other, None);
        check("24:00:00 12:60:00 112:00:00 1:2:3", Other, None);
        check("took 3, at 01:02:03.", Other, 1);
    }

    #[test]
    fn what_is_not_text_is_ignored() {
        let line = Line::parse(b"\xff\xfe 02:00:01 \xc3 ERROR \x80\r\n");
        assert_eq!(
            line,
            Line {
                level: Error,
                hour: Some(2)
            }
        );
    }
}

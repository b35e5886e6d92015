//! What a ping tells of a run, and what is said of one that did not arrive.

use std::{fmt::Write, process, time::Duration};

use super::{Escaped, Now, autopsy, holder::cause, span, what_became_of, who};
use crate::{
    observer::End, predecessor::Predecessor, process::Identity, record::Record, stop::Stop,
};

/// Servers keep the first 10 kB of a body, in bytes.
const LONGEST_BODY: usize = 10_000;

/// The text that goes with a ping: what has happened, and to which run.
pub(crate) fn body(what: &str, name: &str, record: Option<&Record>) -> String {
    let mut who = String::new();
    if let Some(record) = record.filter(|record| record.checkpoint.is_some()) {
        let _ = writeln!(who, "{}", Now::read().last_checkpoint(record));
    }
    let own = Identity::own();
    let name = record.map_or(name, |record| &record.name);
    let _ = writeln!(who, "job: {}", Escaped(name));
    let _ = writeln!(who, "host: {}", Escaped(&own.host));
    let _ = writeln!(who, "pid: {}", process::id());
    if let Some(record) = record {
        let _ = writeln!(who, "fencing token: {}", record.fencing_token);
    }
    let room = LONGEST_BODY.saturating_sub(who.len() + 1);
    format!("{}\n{who}", cut(what, room))
}

fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// That a run has begun, and whose lock it took over.
pub(crate) fn began(record: &Record, predecessor: Option<&Predecessor>) -> String {
    let mut text = format!("{} has begun", who(record));
    if let Some(predecessor) = predecessor {
        let _ = write!(text, "\n{}", what_became_of(predecessor));
    }
    text
}

/// That a run is about to lose its lock.
pub(crate) fn hung(record: &Record) -> String {
    let who = who(record);
    let silence = record.silence();
    if silence < record.stale() / 2 {
        format!("{who} is about to lose the lock: its lease could not be renewed")
    } else {
        format!(
            "{who} is hung: it made no checkpoint for {}, and is about to lose the lock",
            span(silence)
        )
    }
}

/// How a run has ended.
pub(crate) fn ended(record: &Record, end: End) -> String {
    let who = who(record);
    let after = Now::read()
        .since(record, record.acquired_ns)
        .map_or_else(String::new, |ran| format!(" after {}", span(ran)));
    match end {
        End::Returned(None | Some(0)) => format!("{who} has ended well{after}"),
        End::Returned(Some(status)) => {
            format!("{who} has ended with exit status {status}{after}")
        }
        End::Failed => format!("{who} has ended with an error{after}"),
        End::Panicked => format!("{who} panicked{after}"),
        // Its future is polled no more.
        End::Stopped(Stop::Released) => format!("{who} was dropped before its end{after}"),
        End::Stopped(stop) => format!("{who} stopped{after}, because {}", cause(stop)),
        End::GivenUp(stop) => format!(
            "{who} did not stop within {}, because {}{}",
            span(record.grace()),
            cause(stop),
            record.autopsy.as_ref().map_or_else(String::new, autopsy)
        ),
    }
}

/// That there is no run.
pub(crate) fn failed(name: &str, why: &str) -> String {
    format!("{} cannot run: {}", Escaped(name), Escaped(why))
}

/// `could not ping https://hc.example for nightly: it did not answer within 4s; the job goes on`
pub(crate) fn undelivered(server: &str, name: &str, why: &str, so: &str) -> String {
    format!(
        "could not ping {} for {}: {}; {so}",
        Escaped(server),
        Escaped(name),
        Escaped(why)
    )
}

/// Of a URL that is not pinged, and why; it is not shown.
pub(crate) fn unfit(name: &str, why: &str) -> String {
    format!(
        "nobody is pinged for {}: the URL of `ping` {why}",
        Escaped(name)
    )
}

/// The silence of a server, in words.
pub(crate) fn no_answer(within: Duration) -> String {
    format!("it did not answer within {}", span(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_fits_and_still_tells_whose_it_is() {
        let record = Record {
            name: "nightly".to_owned(),
            fencing_token: 7,
            ..Record::new()
        };
        let body = body(&"é".repeat(LONGEST_BODY), "nightly", Some(&record));
        assert!(body.len() <= LONGEST_BODY, "{}", body.len());
        assert!(body.ends_with("fencing token: 7\n"), "{body}");
        assert!(body.contains("job: nightly\n"), "{body}");
    }

    #[test]
    fn a_server_can_steer_no_terminal() {
        let line = undelivered("http://a", "a\nb", "it said \u{1b}[2J", "the job goes on");
        assert_eq!(
            line,
            r"could not ping http://a for a\nb: it said \u{1b}[2J; the job goes on"
        );
    }
}

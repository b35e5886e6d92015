//! What the guide has operators look for is what we say.

use std::{io, path::Path, time::Duration};

use super::{super::*, path, record};
use crate::{
    error::Error,
    predecessor::{How, Takeover},
    record::{State, ThreadState},
    stop::Stop,
};

const GUIDE: &str = include_str!("../../guide/operations.rs");

/// What is said in the midst of functions that do something, or by a command alone.
const SOURCES: &[&str] = &[
    include_str!("../../batch.rs"),
    include_str!("../../error.rs"),
    include_str!("../../store/file/opened.rs"),
    include_str!("../ping.rs"),
    include_str!("../run.rs"),
];

const SPAN: Duration = Duration::from_secs(43 * 60);

/// The first cells of the tables below "When ..", as the words between what differs from line to line.
fn snippets() -> impl Iterator<Item = Vec<&'static str>> {
    let mut lines = GUIDE.lines().skip_while(|line| !line.contains("# When"));
    assert!(lines.next().is_some(), "the guide has no such section");
    lines
        .filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").next())
        .flat_map(|cell| cell.split("`, `"))
        .map(|snippet| snippet.split("` with ").next().unwrap_or(snippet))
        .map(|snippet| {
            snippet
                .split("..")
                .map(|words| words.trim_matches([' ', ';', ',', ':', '(', ')', '`']))
                .filter(|words| !words.is_empty())
                .collect()
        })
}

fn busy_lines() -> Vec<String> {
    let whys = [
        Busy::Working,
        Busy::Ours,
        Busy::TakeoverInProgress,
        Busy::Unanswered,
        Busy::Unknown,
        Busy::OtherTool,
        Busy::Kept(SPAN),
        Busy::Guarded(vec![(4121, "nightly".to_owned())]),
    ];
    whys.iter()
        .map(|why| format!("{}; yielding", busy(path(), why, Some(&record()))))
        .collect()
}

fn lines_of_predecessors() -> Vec<String> {
    let by = |state: State, how: Option<How>| {
        let record = Record {
            state,
            autopsy: Some(Autopsy::default()),
            ..record()
        };
        let takeover = how.map(|how| Takeover {
            owner: record.owner.clone(),
            how,
            after: SPAN,
            autopsy: None,
        });
        Predecessor::new(Some(record), takeover)
    };
    let mut of_another_boot = record();
    of_another_boot.host.clone_from(&Identity::own().host);
    of_another_boot.boot_id = "another".to_owned();
    let of_another_library = Record {
        livinglock: 0,
        ..record()
    };
    [
        by(State::Working, None),
        by(State::Panicked, None),
        by(State::Stopped, None),
        by(State::Closing, None),
        by(State::Closing, Some(How::GaveWay)),
        by(State::Working, None).lapsed(),
        Predecessor::new(Some(of_another_boot), None),
        Predecessor::new(Some(of_another_library), None),
        Predecessor::new(None, None),
    ]
    .iter()
    .map(|before| predecessor(path(), before))
    .collect()
}

fn lines_of_holders() -> Vec<String> {
    let mut record = record();
    if let Some(checkpoint) = &mut record.checkpoint {
        checkpoint.usual_ms = Some(12_000);
    }
    let thread = ThreadState {
        id: 4121,
        state: "S".to_owned(),
        waits_in: Some("futex_do_wait".to_owned()),
        ..ThreadState::default()
    };
    vec![
        silent(path(), &record, SPAN, &[thread]),
        closing(path(), &record, SPAN),
        given_up(path(), &record, true, false),
        given_up(path(), &record, false, false),
        given_up(path(), &record, true, true),
        stopping(path(), &record, Stop::Signal(15), false, false),
        stopping(path(), &record, Stop::Replaced, false, false),
        stopping(path(), &record, Stop::AtMost, false, false),
        stopping(path(), &record, Stop::Lost, false, false),
        stopping(path(), &record, Stop::Lost, true, false),
        stopped(path(), &record, Stop::AtMost, 0),
        cannot_renew(path(), &record, SPAN, "trouble"),
        expiring(path(), &record, SPAN, SPAN, None),
        expiring(path(), &record, SPAN, SPAN, Some("trouble")),
        terminating(path(), &record, SPAN),
        fenced(path(), &record, SPAN),
        cannot_end(&record, "why"),
        lease_too_short(SPAN, SPAN, SPAN, SPAN),
    ]
}

fn lines_of_failures() -> Vec<String> {
    let failed = |action, kind: io::ErrorKind| chain(&Error::io(action, path(), kind.into()));
    let refused = Error::in_store("acquire", Path::new("postgres://db1/app"), "refused");
    vec![
        failed("create the lock file", io::ErrorKind::NotFound),
        failed("open the lock file", io::ErrorKind::PermissionDenied),
        chain(&Error::foreign(path())),
        chain(&refused),
    ]
}

fn says(line: &str, words: &[&str]) -> bool {
    let mut rest = Some(line);
    for words in words {
        rest = rest.and_then(|rest| Some(rest.split_once(words)?.1));
    }
    rest.is_some()
}

#[test]
fn every_sentence_of_the_guide_is_ours() {
    let mut lines = busy_lines();
    lines.extend(lines_of_predecessors());
    lines.extend(lines_of_holders());
    lines.extend(lines_of_failures());
    let ours = |words: &Vec<&str>| {
        let mut all = lines
            .iter()
            .map(String::as_str)
            .chain(SOURCES.iter().copied());
        all.any(|line| says(line, words))
    };
    let snippets: Vec<_> = snippets().collect();
    assert!(
        snippets.len() > 40,
        "the tables were not found: {snippets:?}"
    );
    let others: Vec<_> = snippets.iter().filter(|words| !ours(words)).collect();
    assert!(others.is_empty(), "nobody says {others:#?}");
}

//! Messages in the protocol of `sd_notify(3)`: lines of `VARIABLE=value`, in one datagram.
//!
//! What proves work is `WATCHDOG=1`, here as under systemd, and nothing else: a script that was tried under one of them works under
//! the other. `STATUS=` alone is no proof, even if it changes. Programs that retry for ever say so at length, and many have a timer
//! that tells how busy they are.
//!
//! The variables that begin with `X_LIVINGLOCK_` are ours; a service manager ignores them.

use std::{fmt::Write, time::Duration};

/// The longest message that is read, as in systemd. (A larger one is not read in part: its end may be missing.)
pub(super) const LONGEST: usize = 4096;

/// The longest text that is sent: two of them, and the rest, fit a message. A record has room for less.
const LONGEST_TEXT: usize = 1024;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notification {
    /// Work was done.
    pub(super) is_proof: bool,
    /// The sender has found out that it hangs.
    pub(super) is_hung: bool,
    /// What the sender is doing; empty when there is nothing to say any more.
    pub(super) status: Option<String>,
    /// The sender may be silent for so long.
    pub(super) allow: Option<Duration>,
    /// How much is done, and how much there is in all.
    pub(super) progress: Option<(u64, u64)>,
    /// The file that says so.
    pub(super) file: Option<String>,
    /// The line in it; 0 where that is not known.
    pub(super) line: u32,
}

impl Notification {
    /// Reads a message. What is unknown or not as it should be has not been said.
    pub(super) fn parse(message: &[u8]) -> Self {
        let message = String::from_utf8_lossy(message);
        let mut said = Self::default();
        let (mut done, mut total) = (None, None);
        for (variable, value) in message.lines().filter_map(|line| line.split_once('=')) {
            match variable {
                "WATCHDOG" => match value {
                    "1" => said.is_proof = true,
                    "trigger" => said.is_hung = true,
                    _ => {}
                },
                "STATUS" => said.status = Some(value.to_owned()),
                "EXTEND_TIMEOUT_USEC" => said.allow = value.parse().ok().map(Duration::from_micros),
                "X_LIVINGLOCK_DONE" => done = value.parse().ok(),
                "X_LIVINGLOCK_TOTAL" => total = value.parse().ok(),
                "X_LIVINGLOCK_FILE" => said.file = Some(value.to_owned()),
                "X_LIVINGLOCK_LINE" => said.line = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        said.progress = done.zip(total);
        said
    }
}

/// Writes the message of a checkpoint.
pub(super) fn checkpoint(
    message: &str,
    progress: Option<(u64, u64)>,
    place: Option<(&str, u32)>,
) -> String {
    // Said even if it is empty: what was said before is over.
    let mut text = format!("WATCHDOG=1\nSTATUS={}\n", one_line(message));
    if let Some((done, total)) = progress {
        let _ = write!(
            text,
            "X_LIVINGLOCK_DONE={done}\nX_LIVINGLOCK_TOTAL={total}\n"
        );
    }
    if let Some((file, line)) = place {
        let file = one_line(file);
        let _ = write!(text, "X_LIVINGLOCK_FILE={file}\nX_LIVINGLOCK_LINE={line}\n");
    }
    text
}

/// The beginning of a text, on one line: in the protocol a line is a variable.
fn one_line(text: &str) -> String {
    let end = (0..=LONGEST_TEXT.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].replace(['\n', '\r', '\0'], " ")
}

/// What of a message the service manager around us should know; `None` if that is nothing.
///
/// The main process stays the one that it has started, and descriptors were not received, so nothing is said of these.
pub(super) fn for_the_next(message: &[u8]) -> Option<Vec<u8>> {
    const OURS_ALONE: [&[u8]; 5] = [
        b"MAINPID",
        b"MAINPIDFDID",
        b"BARRIER",
        b"FDSTORE",
        b"FDNAME",
    ];
    let lines: Vec<&[u8]> = message
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            let variable = line.split(|byte| *byte == b'=').next().unwrap_or_default();
            !line.is_empty() && !OURS_ALONE.contains(&variable)
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let text = checkpoint("order 12", Some((12, 500)), Some(("nightly.sh", 88)));
        assert_eq!(
            text,
            "WATCHDOG=1\nSTATUS=order 12\nX_LIVINGLOCK_DONE=12\nX_LIVINGLOCK_TOTAL=500\n\
             X_LIVINGLOCK_FILE=nightly.sh\nX_LIVINGLOCK_LINE=88\n"
        );
        assert_eq!(
            Notification::parse(text.as_bytes()),
            Notification {
                is_proof: true,
                status: Some("order 12".to_owned()),
                progress: Some((12, 500)),
                file: Some("nightly.sh".to_owned()),
                line: 88,
                ..Notification::default()
            }
        );
    }

    #[test]
    fn texts_make_no_lines_of_their_own_and_fit() {
        let hostile = format!("a\nWATCHDOG=trigger\r\0{}", "日".repeat(LONGEST));
        let text = checkpoint(
            &hostile,
            Some((u64::MAX, u64::MAX)),
            Some((&hostile, u32::MAX)),
        );
        assert!(text.len() <= LONGEST, "{}", text.len());
        let said = Notification::parse(text.as_bytes());
        assert!(said.is_proof && !said.is_hung);
        assert!(said.status.unwrap().starts_with("a WATCHDOG=trigger  日"));
    }

    #[test]
    fn messages_of_other_programs_are_understood() {
        let said = |text: &[u8]| Notification::parse(text);
        assert!(said(b"WATCHDOG=1").is_proof);
        assert!(said(b"WATCHDOG=trigger\n").is_hung);
        assert_eq!(
            said(b"READY=1\nSTATUS=a=b\nMAINPID=7\nX=\n"),
            Notification {
                status: Some("a=b".to_owned()),
                ..Notification::default()
            }
        );
        assert_eq!(
            said(b"EXTEND_TIMEOUT_USEC=90000000").allow,
            Some(Duration::from_secs(90))
        );
    }

    #[test]
    fn rubbish_says_nothing() {
        for rubbish in [
            &b""[..],
            b"\n\n\n",
            b"\0\xff\xfe=\x80",
            b"WATCHDOG",
            b"WATCHDOG=",
            b"WATCHDOG=11",
            b"WATCHDOG =1",
            b"watchdog=1",
            b"EXTEND_TIMEOUT_USEC=-1",
            b"EXTEND_TIMEOUT_USEC=99999999999999999999999",
            b"X_LIVINGLOCK_DONE=1",
            b"X_LIVINGLOCK_DONE=1\nX_LIVINGLOCK_TOTAL=two",
            b"X_LIVINGLOCK_LINE=4294967296",
        ] {
            assert_eq!(Notification::parse(rubbish), Notification::default());
        }
    }

    #[test]
    fn what_is_ours_alone_is_not_passed_on() {
        assert_eq!(
            for_the_next(b"READY=1\nMAINPID=7\nX_LIVINGLOCK_LINE=3\nFDNAME=x\n").unwrap(),
            b"READY=1\nX_LIVINGLOCK_LINE=3"
        );
        for text in [&b"BARRIER=1"[..], b"FDSTORE=1\nFDNAME=x", b"", b"\n"] {
            assert_eq!(for_the_next(text), None);
        }
    }
}

//! What the runner and the keeper tell each other.

use std::{
    ffi::{OsStr, OsString},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        process::ExitStatusExt,
    },
    process::ExitStatus,
};

/// A change to the environment of the command: a variable with its value, or one that it is not to have.
pub(super) type Variable = (OsString, Option<OsString>);

/// What the runner tells the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The lock is ours: start the command. With the lock file, unless the lock is a lease; and with the standard output and error if they
    /// are not ours.
    Go(Vec<Variable>),
    /// The lock is held by this file now.
    Lock,
    /// The lock is a lease that lasts until then (`CLOCK_BOOTTIME`, nanoseconds).
    Lease(u64),
    /// Send this signal to the command's process group.
    Signal(i32),
}

/// What the keeper tells the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The command runs, and has the terminal, as the process with this number.
    Started(u32),
    /// It could not be started, for this reason of the kernel's.
    Failed(i32),
    /// It was stopped by a signal.
    Suspended,
    /// Somebody has taken the lock from a runner that stood still, so that the command is ended.
    Replaced,
    /// It has ended, and so have the processes that it had left behind: so many.
    Ended { status: ExitStatus, left: u32 },
}

impl Order {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Go(variables) => {
                let mut bytes = vec![b'G'];
                for (name, value) in variables {
                    bytes.extend_from_slice(name.as_bytes());
                    if let Some(value) = value {
                        bytes.push(b'=');
                        bytes.extend_from_slice(value.as_bytes());
                    }
                    bytes.push(0);
                }
                bytes
            }
            Self::Lock => vec![b'L'],
            Self::Lease(until) => [b"U", &until.to_ne_bytes()[..]].concat(),
            Self::Signal(signal) => [b"S", &signal.to_ne_bytes()[..]].concat(),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match kind {
            b'G' => {
                let variables = rest.split(|byte| *byte == 0);
                let variables = variables.filter(|variable| !variable.is_empty());
                Some(Self::Go(variables.map(variable).collect()))
            }
            b'L' => Some(Self::Lock),
            b'U' => Some(Self::Lease(u64::from_ne_bytes(rest.try_into().ok()?))),
            b'S' => Some(Self::Signal(i32::from_ne_bytes(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

fn variable(text: &[u8]) -> Variable {
    let own = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    match text.iter().position(|byte| *byte == b'=') {
        Some(end) => (own(&text[..end]), Some(own(&text[end + 1..]))),
        None => (OsStr::from_bytes(text).to_owned(), None),
    }
}

impl News {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (kind, first, second) = match self {
            Self::Started(process_id) => (b'P', process_id.cast_signed(), 0),
            Self::Failed(reason) => (b'F', reason, 0),
            Self::Suspended => (b'S', 0, 0),
            Self::Replaced => (b'R', 0, 0),
            Self::Ended { status, left } => (b'E', status.into_raw(), left.cast_signed()),
        };
        [&[kind][..], &first.to_ne_bytes(), &second.to_ne_bytes()].concat()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (first, second) = rest.split_first_chunk()?;
        let first = i32::from_ne_bytes(*first);
        let second = i32::from_ne_bytes(second.try_into().ok()?);
        match kind {
            b'P' => Some(Self::Started(first.cast_unsigned())),
            b'F' => Some(Self::Failed(first)),
            b'S' => Some(Self::Suspended),
            b'R' => Some(Self::Replaced),
            b'E' => Some(Self::Ended {
                status: ExitStatus::from_raw(first),
                left: second.cast_unsigned(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let go = vec![
            ("NOTIFY_SOCKET".into(), Some("/run/a=b".into())),
            ("WATCHDOG_PID".into(), None),
        ];
        for order in [
            Order::Go(go),
            Order::Go(Vec::new()),
            Order::Lock,
            Order::Lease(u64::MAX - 1),
            Order::Signal(15),
        ] {
            assert_eq!(Order::parse(&order.to_bytes()), Some(order));
        }
        let status = ExitStatus::from_raw(9);
        for news in [
            News::Started(4_194_304),
            News::Failed(2),
            News::Suspended,
            News::Replaced,
            News::Ended { status, left: 3 },
        ] {
            assert_eq!(News::parse(&news.to_bytes()), Some(news));
        }
        assert_eq!((Order::parse(b""), Order::parse(b"S12")), (None, None));
        assert_eq!((News::parse(b"E12"), News::parse(b"")), (None, None));
    }
}

//! What a process has used, and whose it is.

use std::fs;

/// What a process and those children of it that have ended have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// When the process started: its number may be another one's later.
    pub(crate) started: u64,
    /// Processor time, in ticks of the kernel.
    pub(crate) time: u64,
    /// Bytes and calls of reading and writing; 0 for a process at which we may not look so closely.
    pub(crate) transfers: u64,
}

impl Usage {
    /// What a process has used until now; `None` if it is gone.
    pub(crate) fn of(process_id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
        let io = fs::read_to_string(format!("/proc/{process_id}/io")).unwrap_or_default();
        Self::parse(&stat, &io)
    }

    fn parse(stat: &str, io: &str) -> Option<Self> {
        // The name in parentheses may itself have blanks and parentheses.
        let fields: Vec<&str> = stat
            .get(stat.rfind(')')? + 1..)?
            .split_ascii_whitespace()
            .collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            started: number(19)?,
            // `utime`, `stime`, and the same of the children that were waited for.
            time: number(11)? + number(12)? + number(13)? + number(14)?,
            transfers: io
                .lines()
                .filter(|line| !line.starts_with("cancelled"))
                .filter_map(|line| line.split_once(": ")?.1.parse::<u64>().ok())
                .fold(0, u64::wrapping_add),
        })
    }
}

/// The real user of a process, who is also the sender of its messages.
pub(crate) fn user(process_id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_grows_is_added_up() {
        let stat =
            "7 (a) b) S 1 7 7 0 -1 4194560 2059 40 0 0 1 20 300 4000 20 0 1 0 9876 1000000 500";
        let io = "rchar: 1\nwchar: 20\nsyscr: 300\nsyscw: 4000\nread_bytes: 50000\nwrite_bytes: 600000\ncancelled_write_bytes: 7000000\n";
        let usage = Usage {
            started: 9876,
            time: 4321,
            transfers: 654_321,
        };
        assert_eq!(Usage::parse(stat, io), Some(usage));
        assert_eq!(
            Usage::parse(stat, ""),
            Some(Usage {
                transfers: 0,
                ..usage
            })
        );
        assert_eq!(Usage::parse("7 (a", io), None);
    }

    #[test]
    fn we_see_ourselves() {
        assert!(Usage::of(std::process::id()).is_some_and(|own| own.transfers > 0));
        // Nobody has this number: it is larger than any that Linux gives.
        assert_eq!(Usage::of(u32::MAX), None);
        assert!(user(std::process::id()).is_some());
        assert_eq!(user(u32::MAX), None);
    }
}

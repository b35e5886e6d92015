//! The record: what the lock file says about its holder.
//!
//! One JSON object, padded with spaces to a fixed size so that it is rewritten in place, and sealed with a checksum, since such a
//! write may be seen half done. Whatever a record says is somebody's claim: kernel locks decide, the record describes.

mod autopsy;
mod checkpoint;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub use autopsy::{Autopsy, Descendant, ThreadState};
pub use checkpoint::Checkpoint;
pub(crate) use checkpoint::{Habit, bounded_name};

use crate::sys;

/// What a lock file says about the run that holds it, or held it last.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Record {
    /// The version of the format; 0 in a record that is not ours, such as the Go library's.
    pub livinglock: u32,
    /// The process id, as seen from `pid_namespace`.
    pub process_id: u32,
    /// When the record was written, in UTC (RFC 3339).
    pub timestamp: String,
    /// The name of the job.
    pub name: String,
    /// The name of the machine.
    pub host: String,
    /// Which boot of the machine (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// The inode of the PID namespace.
    pub pid_namespace: u64,
    /// The inode of the time namespace, without which clocks of two processes cannot be compared.
    pub time_namespace: u64,
    /// When the process was started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub process_started: u64,
    /// The inode of a pidfd of the process: on newer kernels no other process ever has it.
    pub process_inode: u64,
    /// A random number that no other run has, in hexadecimal digits.
    pub owner: String,
    /// A number that grows from one owner to the next.
    pub fencing_token: u64,
    /// When the lock was acquired, in UTC (RFC 3339).
    pub acquired: String,
    /// When the lock was acquired, in nanoseconds of `CLOCK_MONOTONIC`.
    pub acquired_ns: u64,
    /// When the last progress was seen, in nanoseconds of `CLOCK_MONOTONIC`.
    pub progress_ns: u64,
    /// The stale timeout in milliseconds: no checkpoint for longer means hung.
    pub stale_ms: u64,
    /// The grace in milliseconds: from the question to the end of a hung holder.
    pub grace_ms: u64,
    /// The pulse's tick in milliseconds.
    pub tick_ms: u64,
    /// How many heartbeats were written.
    pub heartbeats: u64,
    /// How many newcomers were answered.
    pub answers: u64,
    /// What the holder is doing.
    pub state: State,
    /// The last checkpoint that the pulse saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The shortest hold in milliseconds, of a job that has one.
    #[serde(skip_serializing_if = "is_zero")]
    pub at_least_ms: u64,
    /// For how long a job does not start whose lock file has replaced another's, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub probation_ms: u64,
    /// The process that ends what this one has started if it is killed; 0 if there is none.
    #[serde(skip_serializing_if = "is_none")]
    pub keeper_id: u32,
    /// What a job was found doing that was ended because it reached no checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autopsy: Option<Autopsy>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(process_id: &u32) -> bool {
    *process_id == 0
}

/// What a holder is doing, by its own word.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It works, as far as its pulse knows.
    #[default]
    Working,
    /// It has replaced the file of a holder that did not answer, and its job starts after `probation_ms`.
    Probation,
    /// It was found hung: it has `grace` left to reach a checkpoint.
    Closing,
    /// It was told to stop, by a signal, by `at_most`, or by a run with `replace`: it has `grace` left.
    Stopping,
    /// It panicked.
    Panicked,
    /// It was stopped at a checkpoint.
    Stopped,
    /// It has released the lock, but keeps it until `at_least` has passed since `acquired`, or could not remove the file.
    Kept,
}

/// The version of the format that this code writes.
const VERSION: u32 = 1;

/// How every record of ours begins, whatever its version.
const MARKER: &[u8] = b"{\"livinglock\":";

/// How a sealed record ends, around eight hexadecimal digits.
const SEAL: (&[u8], &[u8]) = (b",\"checksum\":\"", b"\"}");

/// The size of the record on disk, in bytes.
pub(crate) const SIZE: usize = 4096;

/// The longest tick of a pulse, whatever a record says.
pub(crate) const LONGEST_TICK: Duration = Duration::from_secs(1);

/// No record is longer, even with an autopsy of many threads, in bytes.
const LONGEST_AUTOPSY: usize = 8 * SIZE;

/// No job waits for longer before it starts.
const LONGEST_PROBATION: Duration = Duration::from_secs(60 * 60 + 2);

/// No content longer than this is looked at, in bytes.
pub(crate) const LONGEST: u64 = 64 * 1024;

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing: empty, or only blanks and zeroes, as a power failure leaves.
    Blank,
    /// A whole record of ours.
    Record(Box<Record>),
    /// A record of ours that is torn, cut off, or of a later version.
    Torn,
    /// A record of the Go library's format, or like it.
    Other(Box<Record>),
    /// Somebody's file.
    Foreign,
}

impl Content {
    /// Judges the bytes of a lock file.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = trim_blanks(bytes);
        if text.is_empty() {
            return Self::Blank;
        }
        if text.starts_with(MARKER) {
            if text.len() >= LONGEST_AUTOPSY {
                // We write none of this length, so its words may be endless.
                return Self::Torn;
            }
            return match unseal(text).and_then(|json| serde_json::from_slice::<Record>(&json).ok())
            {
                Some(record) if record.livinglock == VERSION => Self::Record(Box::new(record)),
                _ => Self::Torn,
            };
        }
        if MARKER.starts_with(text) {
            return Self::Torn;
        }
        match serde_json::from_slice::<Record>(text) {
            Ok(record)
                if text.len() < SIZE && record.process_id != 0 && record.written().is_some() =>
            {
                Self::Other(Box::new(Record {
                    livinglock: 0,
                    ..record
                }))
            }
            _ => Self::Foreign,
        }
    }
}

fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    // The padding of a record is most of it, so it goes in large pieces first.
    const PADDING: [u8; 64] = [b' '; 64];
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    while let Some((last, rest)) = bytes.split_last()
        && blank(last)
    {
        bytes = rest;
        while let Some(rest) = bytes.strip_suffix(&PADDING) {
            bytes = rest;
        }
    }
    let start = bytes.iter().position(|byte| !blank(byte));
    &bytes[start.unwrap_or(bytes.len())..]
}

/// The JSON without its checksum, if the checksum is right.
fn unseal(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.strip_suffix(SEAL.1)?;
    let (body, digits) = body.split_at_checked(body.len().checked_sub(8)?)?;
    let json = body.strip_suffix(SEAL.0)?;
    (digits == checksum(json).as_bytes()).then(|| [json, b"}"].concat())
}

fn checksum(json: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(json))
}

impl Record {
    /// A record for a lock that is acquired now.
    pub(crate) fn new() -> Self {
        Self {
            livinglock: VERSION,
            ..Self::default()
        }
    }

    /// The record as one line of JSON, as stores other than files keep it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, texts and lists of them: nothing here fails.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a record from its JSON; `None` if it is none of this version.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        if text.len() as u64 > LONGEST {
            return None;
        }
        let record: Self = serde_json::from_str(text).ok()?;
        (record.livinglock == VERSION).then_some(record)
    }

    /// The bytes for the lock file: [`SIZE`] of them, or a multiple for one with an autopsy.
    pub(crate) fn sealed(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.pop();
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(SEAL.0);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes.extend_from_slice(SEAL.1);
        debug_assert!(
            bytes.len() < SIZE || self.autopsy.is_some(),
            "every text in a record is bounded"
        );
        let size = (bytes.len() + 1).next_multiple_of(SIZE);
        bytes.resize(size - 1, b' ');
        bytes.push(b'\n');
        bytes
    }

    /// Begins the hold now.
    pub(crate) fn begin(&mut self) {
        self.acquired = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        self.acquired_ns = sys::monotonic_ns();
        self.progress_ns = self.acquired_ns;
        self.stamp();
    }

    /// Sets the time of writing to now.
    pub(crate) fn stamp(&mut self) {
        self.timestamp = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    }

    /// When the record was written by the wall clock of its writer.
    pub(crate) fn written(&self) -> Option<SystemTime> {
        // `humantime` knows UTC alone, and takes other offsets for it in its lenient form.
        if self.timestamp.ends_with('Z') {
            humantime::parse_rfc3339(&self.timestamp).ok()
        } else {
            parse_with_offset(&self.timestamp)
        }
    }

    /// Whether its clock is the one of this process, so that ages can be told.
    pub(crate) fn shares_clock(&self, boot_id: &str, time_namespace: u64) -> bool {
        self.livinglock == VERSION
            && self.boot_id == boot_id
            && self.time_namespace == time_namespace
    }

    pub(crate) fn stale(&self) -> Duration {
        Duration::from_millis(self.stale_ms)
    }

    pub(crate) fn tick(&self) -> Duration {
        Duration::from_millis(self.tick_ms).min(LONGEST_TICK)
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// How long ago the last progress was, on a clock that is ours as well.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_nanos(sys::monotonic_ns().saturating_sub(self.progress_ns))
    }

    /// How long its owner, or whoever takes over from it, has to wait before a job starts.
    pub(crate) fn probation(&self) -> Duration {
        match self.state {
            // Whatever a forged record says.
            State::Probation => Duration::from_millis(self.probation_ms).min(LONGEST_PROBATION),
            _ => Duration::ZERO,
        }
    }

    pub(crate) fn at_least(&self) -> Duration {
        Duration::from_millis(self.at_least_ms)
    }

    /// How much longer an ended job keeps the lock, on a clock of this boot; `None` if it does not.
    ///
    /// After a reboot only the wall clock is left. One that was set back would keep the lock for longer than `at_least`: then it is free.
    pub(crate) fn kept_for(&self, now_ns: Option<u64>, wall_clock: SystemTime) -> Option<Duration> {
        if self.state != State::Kept {
            return None;
        }
        let held = if let Some(now) = now_ns {
            Duration::from_nanos(now.saturating_sub(self.acquired_ns))
        } else {
            let acquired = humantime::parse_rfc3339(&self.acquired).ok()?;
            wall_clock.duration_since(acquired).ok()?
        };
        self.at_least()
            .checked_sub(held)
            .filter(|left| !left.is_zero())
    }
}

/// A duration as records have it.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 with a numeric offset, as Go writes local times.
fn parse_with_offset(text: &str) -> Option<SystemTime> {
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+09:00".len())?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<u64>().ok()? * 60 + minutes.parse::<u64>().ok()?;
    let time = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let offset_from_utc = Duration::from_secs(minutes * 60);
    match offset.as_bytes().first()? {
        b'+' => time.checked_sub(offset_from_utc),
        b'-' => time.checked_add(offset_from_utc),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

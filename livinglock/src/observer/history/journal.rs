//! The file of a journal: lines are added to its end, and of too many the older half goes.

#[cfg(feature = "cli")]
use std::os::unix::fs::OpenOptionsExt;
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    time::Duration,
};

use super::{
    super::shared_file::{SharedFile, Turn},
    Entry,
};
use crate::{
    error::{Error, Result},
    record::Habit,
    sys,
};

/// No journal is longer, in bytes: it has a thousand runs or two.
pub(super) const LONGEST: u64 = 1 << 20;

/// Where a run looks for those before, in bytes from the end: at dozens of runs of several jobs.
const RECENT: u64 = 1 << 16;

/// The journal of a job.
#[derive(Debug)]
pub(super) struct Journal {
    file: SharedFile,
    mode: u32,
}

impl Journal {
    pub(super) fn new(path: &Path, mode: u32) -> Self {
        Self {
            file: SharedFile::new(path, "write the journal"),
            mode,
        }
    }

    pub(super) fn file(&self) -> &SharedFile {
        &self.file
    }

    /// Adds the line of a run.
    pub(super) fn add(&self, entry: &Entry, patience: Duration) -> Result<()> {
        let turn = self.file.turn(patience)?;
        match self.open(&turn)? {
            Some((file, found)) => self.append(&turn, file, &found, entry),
            None => self.begin(&turn, entry),
        }
    }

    /// The same, unless there is one: of a run that has left its record both it and the next run may write.
    pub(super) fn add_once(&self, entry: &Entry, patience: Duration) -> Result<()> {
        let turn = self.file.turn(patience)?;
        let Some((file, found)) = self.open(&turn)? else {
            return self.begin(&turn, entry);
        };
        // In a text quotes are escaped, so that no message says this.
        let mark = format!("\"owner\":\"{}\"", entry.owner);
        let text = self.tail(&file, &found, LONGEST)?;
        if text.windows(mark.len()).any(|it| it == mark.as_bytes()) {
            return Ok(());
        }
        self.append(&turn, file, &found, entry)
    }

    /// What the last run of this name has learned that has learned anything.
    pub(super) fn pace_of(&self, name: &str, patience: Duration) -> Result<Vec<Habit>> {
        let turn = self.file.turn(patience)?;
        let Some((file, found)) = self.open(&turn)? else {
            return Ok(Vec::new());
        };
        let text = self.tail(&file, &found, RECENT)?;
        let text = String::from_utf8_lossy(&text);
        let mut runs = text.lines().rev().filter_map(Entry::read);
        let run = runs.find(|run| run.name == name && !run.pace.is_empty());
        Ok(run.map_or_else(Vec::new, |run| run.pace))
    }

    fn begin(&self, turn: &Turn<'_>, entry: &Entry) -> Result<()> {
        let mut file = turn.create(self.mode)?;
        let written = file.write_all(entry.to_line().as_bytes());
        written.map_err(|error| self.file.failed(error))
    }

    /// The file, if there is one, which is nobody else's: it gets messages of the job, and places in its source.
    fn open(&self, turn: &Turn<'_>) -> Result<Option<(File, Metadata)>> {
        let opened = turn.open(OpenOptions::new().read(true).append(true))?;
        let Some((file, found)) = opened else {
            return Ok(None);
        };
        let user = sys::effective_user();
        let what = if found.uid() != user && found.uid() != 0 {
            format!(
                "belongs to user {}, not to us (user {user}) or root; remove it or use another path",
                found.uid()
            )
        } else if found.nlink() != 1 {
            format!(
                "has {} hard links, so that other names lead to it; remove it or use another path",
                found.nlink()
            )
        } else {
            return Ok(Some((file, found)));
        };
        Err(Error::unfit(self.file.path(), what))
    }

    fn append(
        &self,
        turn: &Turn<'_>,
        mut file: File,
        found: &Metadata,
        entry: &Entry,
    ) -> Result<()> {
        let mut line = entry.to_line();
        let size = found.size();
        if size + line.len() as u64 > LONGEST {
            let mut kept = self.newer_half(&file, found)?;
            kept.extend_from_slice(line.as_bytes());
            return turn.replace(&kept, found.mode() & 0o777);
        }
        let mut last = [b'\n'];
        if size > 0 {
            let read = file.read_exact_at(&mut last, size - 1);
            read.map_err(|error| self.file.failed(error))?;
        }
        if last != *b"\n" {
            // Somebody's line is torn. It is passed over, but not this one.
            line.insert(0, '\n');
        }
        // In one piece. What a full disk has taken of it helps nobody, and is in the way of the next one.
        let written = file.write(line.as_bytes());
        match written {
            Ok(count) if count == line.len() => Ok(()),
            Ok(_) => {
                let _ = file.set_len(size);
                Err(self.file.failed(io::ErrorKind::StorageFull.into()))
            }
            Err(error) => Err(self.file.failed(error)),
        }
    }

    /// The last lines that have room in half of a journal.
    fn newer_half(&self, file: &File, found: &Metadata) -> Result<Vec<u8>> {
        let tail = self.tail(file, found, LONGEST / 2)?;
        // What it begins with is part of a line.
        let begins = tail.iter().position(|byte| *byte == b'\n');
        let mut kept = begins.map_or_else(Vec::new, |end| tail[end + 1..].to_vec());
        if kept.last().is_some_and(|last| *last != b'\n') {
            kept.push(b'\n');
        }
        Ok(kept)
    }

    fn tail(&self, file: &File, found: &Metadata, longest: u64) -> Result<Vec<u8>> {
        tail(file, found, longest).map_err(|error| self.file.failed(error))
    }
}

/// The end of a file, so long at most.
fn tail(mut file: &File, found: &Metadata, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(found.size().saturating_sub(longest)))?;
    file.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last lines of a journal that tell of runs, at most so many, and how many there are in all.
#[cfg(feature = "cli")]
pub(crate) fn last(path: &Path, count: usize) -> Result<(Vec<(String, Entry)>, usize)> {
    let failed = |error| Error::io("read the journal", path, error);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(sys::OPEN_FLAGS & !sys::NOT_THROUGH_SYMLINKS)
        .open(path)
        .map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(Error::unfit(
            path,
            "is no journal: it is not a regular file",
        ));
    }
    // One that was moved away or edited may be longer than we let it grow.
    let bytes = tail(&file, &found, LONGEST * 16).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut runs: Vec<(String, Entry)> = text
        .lines()
        .filter_map(|line| Some((line.to_owned(), Entry::read(line)?)))
        .collect();
    let in_all = runs.len();
    runs.drain(..in_all.saturating_sub(count));
    Ok((runs, in_all))
}

#[cfg(test)]
mod tests;

//! How long a job usually takes from a checkpoint to the next one: learned, to be told, and deciding nothing.
//!
//! It is the median of the last few gaps. An average, weighted or not, is drawn far away by the one unit that hung for an hour, which is
//! just what the next one is to be compared with; and it has to be told what an outlier is. The pulse looks once in a tick, so a gap is
//! right to a tick, and of several that fall into one tick there is no more to know than that they were short.

use std::{cmp::Reverse, collections::VecDeque, mem, time::Duration};

use crate::record::{Checkpoint, Habit, milliseconds};

/// The checkpoints of which it is known at the same time.
const MOST_SITES: usize = 32;

/// The checkpoints that a journal is told of: enough to know where a run may hang, and few enough for a line of it.
const MOST_TOLD: usize = 4;

/// The gaps of which one is the usual one: few enough to follow a job that has become slower, enough not to mind one that was held up.
const GAPS: usize = 7;

/// Fewer gaps tell nothing.
const LEAST_GAPS: usize = 3;

/// What was learned of the checkpoints of one run.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The last that was passed at the end.
    sites: Vec<Site>,
    /// Time since the last checkpoint, counted in ticks: a newcomer or a store that ends a silence ends no unit.
    gap: Duration,
}

#[derive(Debug)]
struct Site {
    file: String,
    line: u32,
    column: u32,
    /// The last ones, in milliseconds.
    gaps: VecDeque<u64>,
}

impl Site {
    fn is_at(&self, file: &str, line: u32, column: u32) -> bool {
        (self.line, self.column) == (line, column) && self.file == file
    }

    fn learn(&mut self, gap: u64) {
        self.gaps.truncate(GAPS - 1);
        self.gaps.push_front(gap);
    }

    fn median(&self) -> u64 {
        let mut gaps: Vec<u64> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied().unwrap_or_default()
    }
}

impl Pace {
    /// What the run before has known of where it stopped: enough to be told, and little enough to be outvoted.
    pub(super) fn of_the_run_before(checkpoint: &Checkpoint) -> Self {
        let mut pace = Self::default();
        if let Some(usual) = checkpoint.usual_ms {
            let gaps = &mut pace.site_of(checkpoint).gaps;
            gaps.resize(LEAST_GAPS, usual);
        }
        pace
    }

    /// Takes over what runs before have seen, as older than all that is known.
    pub(super) fn remember(&mut self, habit: &Habit) {
        let site = self.site(&habit.file, habit.line, habit.column);
        site.gaps.extend(&habit.gaps_ms);
        site.gaps.truncate(GAPS);
    }

    pub(super) fn count(&mut self, tick: Duration) {
        self.gap += tick;
    }

    /// The job has passed a checkpoint, and this one before, if any.
    pub(super) fn learn(&mut self, last: Option<&Checkpoint>) {
        let gap = milliseconds(mem::take(&mut self.gap));
        if let Some(last) = last {
            self.site_of(last).learn(gap);
        }
    }

    /// How long it usually takes from there, in milliseconds, if that is known: the median.
    pub(super) fn usual(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let mut sites = self.sites.iter();
        let is_there =
            |site: &&Site| site.is_at(&checkpoint.file, checkpoint.line, checkpoint.column);
        let site = sites.find(is_there)?;
        (site.gaps.len() >= LEAST_GAPS).then(|| site.median())
    }

    /// What was seen at the slowest checkpoints, of those that take so long at least, in milliseconds.
    ///
    /// However little it is: what a job passes once is known after a few runs.
    pub(super) fn slowest(&self, least: u64) -> Vec<Habit> {
        let mut sites: Vec<_> = self
            .sites
            .iter()
            .filter(|site| site.median() >= least)
            .collect();
        sites.sort_by_key(|site| Reverse(site.median()));
        let told = sites.into_iter().take(MOST_TOLD);
        told.map(|site| Habit {
            file: site.file.clone(),
            line: site.line,
            column: site.column,
            gaps_ms: site.gaps.iter().copied().collect(),
        })
        .collect()
    }

    fn site_of(&mut self, checkpoint: &Checkpoint) -> &mut Site {
        self.site(&checkpoint.file, checkpoint.line, checkpoint.column)
    }

    fn site(&mut self, file: &str, line: u32, column: u32) -> &mut Site {
        let mut sites = self.sites.iter();
        let known = sites.position(|site| site.is_at(file, line, column));
        let site = known.map_or_else(
            || Site {
                file: file.to_owned(),
                line,
                column,
                gaps: VecDeque::with_capacity(GAPS),
            },
            |known| self.sites.remove(known),
        );
        if self.sites.len() == MOST_SITES {
            // The one that was not passed for longest.
            self.sites.remove(0);
        }
        self.sites.push(site);
        let last = self.sites.len() - 1;
        &mut self.sites[last]
    }
}

#[cfg(test)]
mod tests;

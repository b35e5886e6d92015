//! How long a job usually takes from a checkpoint to the next one: learned, to be told, and deciding nothing.
//!
//! It is the median of the last few gaps. An average, weighted or not, is drawn far away by the one unit that hung for an hour, which is
//! just what the next one is to be compared with; and it has to be told what an outlier is. The pulse looks once in a tick, so a gap is
//! right to a tick, and of several that fall into one tick there is no more to know than that they were short.

use std::{collections::VecDeque, mem, time::Duration};

use crate::record::{Checkpoint, milliseconds};

/// The checkpoints of which it is known at the same time.
const MOST_SITES: usize = 32;

/// The gaps of which one is the usual one: few enough to follow a job that has become slower, enough not to mind one that was held up.
const GAPS: usize = 7;

/// So few gaps tell nothing.
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
    fn is_of(&self, checkpoint: &Checkpoint) -> bool {
        (self.line, self.column) == (checkpoint.line, checkpoint.column)
            && self.file == checkpoint.file
    }

    fn learn(&mut self, gap: u64) {
        self.gaps.truncate(GAPS - 1);
        self.gaps.push_front(gap);
    }
}

impl Pace {
    /// What the run before has known of where it stopped.
    pub(super) fn of_the_run_before(checkpoint: &Checkpoint) -> Self {
        let mut pace = Self::default();
        if let Some(usual) = checkpoint.usual_ms {
            let site = pace.site(checkpoint);
            // As if seen just now: a few gaps of this run outvote it.
            (0..LEAST_GAPS).for_each(|_| site.learn(usual));
        }
        pace
    }

    pub(super) fn count(&mut self, tick: Duration) {
        self.gap += tick;
    }

    /// The job has passed a checkpoint, and this one before, if any.
    pub(super) fn learn(&mut self, last: Option<&Checkpoint>) {
        let gap = milliseconds(mem::take(&mut self.gap));
        if let Some(last) = last {
            self.site(last).learn(gap);
        }
    }

    /// How long it usually takes from there, in milliseconds, if that is known: the median.
    pub(super) fn usual(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let site = self.sites.iter().find(|site| site.is_of(checkpoint))?;
        let mut gaps: Vec<u64> = site.gaps.iter().copied().collect();
        gaps.sort_unstable();
        (gaps.len() >= LEAST_GAPS).then(|| gaps[gaps.len() / 2])
    }

    fn site(&mut self, checkpoint: &Checkpoint) -> &mut Site {
        let known = self.sites.iter().position(|site| site.is_of(checkpoint));
        let site = known.map_or_else(
            || Site {
                file: checkpoint.file.clone(),
                line: checkpoint.line,
                column: checkpoint.column,
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

//! How long a job usually takes from a checkpoint to the next one: learned, to be told, and deciding nothing.

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
mod tests {
    use super::*;

    fn at(line: u32) -> Checkpoint {
        Checkpoint {
            file: "src/import.rs".to_owned(),
            line,
            ..Checkpoint::default()
        }
    }

    /// The job takes so many milliseconds from this line to the next checkpoint.
    fn take(pace: &mut Pace, line: u32, gap: u64) {
        pace.count(Duration::from_millis(gap));
        pace.learn(Some(&at(line)));
    }

    fn learned(gaps: &[u64]) -> Option<u64> {
        let mut pace = Pace::default();
        gaps.iter().for_each(|gap| take(&mut pace, 1, *gap));
        pace.usual(&at(1))
    }

    #[test]
    fn one_that_was_held_up_is_not_usual() {
        assert_eq!(learned(&[12_000, 12_100]), None);
        assert_eq!(learned(&[12_000, 12_100, 3_600_000]), Some(12_100));
        assert_eq!(
            learned(&[3_600_000, 1, 12_000, 12_100, 11_900]),
            Some(12_000)
        );
    }

    #[test]
    fn a_job_that_has_become_slower_is_followed() {
        let before = [1_000; 100];
        let after = [5_000; 4];
        assert_eq!(learned(&before), Some(1_000));
        assert_eq!(learned(&[&before[..], &after[..]].concat()), Some(5_000));
    }

    #[test]
    fn the_time_before_the_first_checkpoint_is_of_none() {
        let mut pace = Pace::default();
        pace.count(Duration::from_secs(3600));
        pace.learn(None);
        (0..3).for_each(|_| take(&mut pace, 1, 1_000));
        assert_eq!(pace.usual(&at(1)), Some(1_000));
    }

    #[test]
    fn each_checkpoint_has_its_own() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            take(&mut pace, 1, 1_000);
            take(&mut pace, 2, 60_000);
        }
        assert_eq!(pace.usual(&at(1)), Some(1_000));
        assert_eq!(pace.usual(&at(2)), Some(60_000));
        assert_eq!(pace.usual(&at(3)), None);
    }

    #[test]
    fn of_many_checkpoints_the_last_ones_are_known() {
        let mut pace = Pace::default();
        for line in 0..1000 {
            (0..3).for_each(|_| take(&mut pace, line, 1_000));
        }
        assert_eq!(pace.sites.len(), MOST_SITES);
        assert_eq!(pace.usual(&at(999)), Some(1_000));
        assert_eq!(pace.usual(&at(0)), None);
    }

    #[test]
    fn what_the_run_before_knew_is_known_until_this_one_knows_better() {
        let mut before = at(1);
        assert_eq!(Pace::of_the_run_before(&before).usual(&at(1)), None);
        before.usual_ms = Some(12_000);
        let mut pace = Pace::of_the_run_before(&before);
        assert_eq!(pace.usual(&at(1)), Some(12_000));
        (0..4).for_each(|_| take(&mut pace, 1, 2_000));
        assert_eq!(pace.usual(&at(1)), Some(2_000));
    }
}

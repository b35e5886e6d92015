//! How long a job usually takes from a checkpoint to the next one: learned, to be told, and deciding nothing.

use std::{collections::VecDeque, time::Duration};

use crate::record::{Checkpoint, milliseconds};

/// The checkpoints of which it is known at the same time.
const MOST_SITES: usize = 32;

/// The gaps of which one is the usual one: few enough to follow a job that has become slower, enough not to mind one that was held up.
const GAPS: usize = 7;

/// So few gaps tell nothing.
const LEAST_GAPS: usize = 3;

/// What was learned of the checkpoints of one run, the last that was passed at the end.
#[derive(Debug, Default)]
pub(super) struct Pace(Vec<Site>);

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

    /// So long the job took from this checkpoint to the next one.
    pub(super) fn learn(&mut self, checkpoint: &Checkpoint, gap: Duration) {
        self.site(checkpoint).learn(milliseconds(gap));
    }

    /// How long it usually takes from there, in milliseconds, if that is known: the median.
    pub(super) fn usual(&self, checkpoint: &Checkpoint) -> Option<u64> {
        let site = self.0.iter().find(|site| site.is_of(checkpoint))?;
        let mut gaps: Vec<u64> = site.gaps.iter().copied().collect();
        gaps.sort_unstable();
        (gaps.len() >= LEAST_GAPS).then(|| gaps[gaps.len() / 2])
    }

    fn site(&mut self, checkpoint: &Checkpoint) -> &mut Site {
        let known = self.0.iter().position(|site| site.is_of(checkpoint));
        let site = known.map_or_else(
            || Site {
                file: checkpoint.file.clone(),
                line: checkpoint.line,
                column: checkpoint.column,
                gaps: VecDeque::with_capacity(GAPS),
            },
            |known| self.0.remove(known),
        );
        if self.0.len() == MOST_SITES {
            // The one that was not passed for longest.
            self.0.remove(0);
        }
        self.0.push(site);
        let last = self.0.len() - 1;
        &mut self.0[last]
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

    fn learned(gaps: &[u64]) -> Option<u64> {
        let mut pace = Pace::default();
        for gap in gaps {
            pace.learn(&at(1), Duration::from_millis(*gap));
        }
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
    fn each_checkpoint_has_its_own() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            pace.learn(&at(1), Duration::from_secs(1));
            pace.learn(&at(2), Duration::from_secs(60));
        }
        assert_eq!(pace.usual(&at(1)), Some(1_000));
        assert_eq!(pace.usual(&at(2)), Some(60_000));
        assert_eq!(pace.usual(&at(3)), None);
    }

    #[test]
    fn of_many_checkpoints_the_last_ones_are_known() {
        let mut pace = Pace::default();
        for line in 0..1000 {
            (0..3).for_each(|_| pace.learn(&at(line), Duration::from_secs(1)));
        }
        assert_eq!(pace.0.len(), MOST_SITES);
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
        (0..4).for_each(|_| pace.learn(&at(1), Duration::from_secs(2)));
        assert_eq!(pace.usual(&at(1)), Some(2_000));
    }
}

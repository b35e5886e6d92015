//! How jobs ended, counted.

use std::fmt;

use livinglock::exit_status::{CANNOT_LOCK, LOST};

use crate::Ended;

/// The exit status of a job that yields, in every test here.
pub(crate) const YIELDED: i32 = 42;

/// How many jobs ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ran to the end.
    pub ran: usize,
    /// Found the lock busy.
    pub yielded: usize,
    /// Lost the lock while it ran.
    pub lost: usize,
    /// Could not create or read the lock.
    pub refused: usize,
    /// Was told to stop, by a signal or by the longest run.
    pub stopped: usize,
    /// Was ended by a signal.
    pub killed: usize,
    /// Panicked.
    pub panicked: usize,
}

impl Tally {
    /// Counts one.
    ///
    /// # Panics
    ///
    /// A job ended in a way that no job should.
    #[track_caller]
    pub fn count(&mut self, ended: &Ended) {
        let counter = match (ended.code, ended.signal) {
            (Some(0), _) => &mut self.ran,
            (Some(YIELDED), _) => &mut self.yielded,
            (Some(code), _) if code == i32::from(LOST) => &mut self.lost,
            (Some(code), _) if code == i32::from(CANNOT_LOCK) => &mut self.refused,
            (Some(124 | 129..=143), _) => &mut self.stopped,
            (Some(101), _) => &mut self.panicked,
            (None, Some(_)) => &mut self.killed,
            _ => panic!("an unknown end: {ended:?}"),
        };
        *counter += 1;
    }

    /// Counts all of these.
    #[track_caller]
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Ended>) -> Self {
        let mut tally = Self::default();
        for ended in all {
            tally.count(ended);
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ran,
            yielded,
            lost,
            refused,
            stopped,
            killed,
            panicked,
        } = self;
        write!(
            f,
            "{ran} ran, {yielded} yielded, {lost} lost the lock, {refused} refused, {stopped} stopped, {killed} killed, {panicked} panicked"
        )
    }
}

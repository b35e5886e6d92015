//! The processes that a process has started, and those that they have.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::{Stat, is_proc_ours, processes};
use crate::{record::Descendant, sys::PidFd};

/// The descendants of a process.
///
/// One that was handed to init before we looked (a double fork) is none any more.
#[derive(Debug)]
pub(crate) struct Family {
    ancestor: u32,
    members: Vec<(u32, PidFd)>,
}

impl Family {
    /// The descendants that a process has now.
    pub(crate) fn of(ancestor: u32) -> Self {
        let mut family = Self {
            ancestor,
            members: Vec::new(),
        };
        family.look_again();
        family
    }

    /// Adds the descendants that are new; whether there are any.
    pub(super) fn look_again(&mut self) -> bool {
        if !is_proc_ours() {
            // The children that we would see there are a stranger's, and their numbers belong to innocents here.
            return false;
        }
        let before = self.members.len();
        let parents: Vec<(u32, u32)> = processes().filter_map(parent).collect();
        // Of those that have ended, the number may be a stranger's by now.
        let alive = |member: &&(u32, PidFd)| !member.1.ended_within(Duration::ZERO);
        let mut tree = vec![self.ancestor];
        tree.extend(self.members.iter().filter(alive).map(|member| member.0));
        let mut index = 0;
        while let Some(&ancestor) = tree.get(index) {
            index += 1;
            for &(child, of) in &parents {
                if of != ancestor || tree.contains(&child) {
                    continue;
                }
                let Ok(process) = PidFd::open(child) else {
                    continue;
                };
                // Between the look and the opening the number may have gone to a stranger.
                if parent(child) == Some((child, ancestor)) {
                    tree.push(child);
                    self.members.push((child, process));
                }
            }
        }
        self.members.len() > before
    }

    /// The members by number.
    #[cfg(feature = "cli")]
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.members.iter().map(|(process_id, _)| *process_id)
    }

    /// The members by number and name.
    pub(crate) fn names(&self) -> Vec<Descendant> {
        let name = |(process_id, _): &(u32, PidFd)| Descendant {
            process_id: *process_id,
            name: super::name(*process_id),
        };
        self.members.iter().map(name).collect()
    }

    /// Ends them all: first by SIGTERM, what is left after `patience` by SIGKILL. How many there were.
    pub(crate) fn end(mut self, patience: Duration) -> usize {
        self.signal(PidFd::SIGTERM);
        self.wait(patience);
        self.look_again();
        // Again until nobody is new: what is being ended may have forked meanwhile. Only of the dead nobody new can come, so we look
        // after their death. Bounded, for a fork bomb is faster than we are.
        for _ in 0..100 {
            self.signal(PidFd::SIGKILL);
            self.wait(Duration::from_secs(1));
            if !self.look_again() {
                break;
            }
        }
        self.members.len()
    }

    fn signal(&self, signal: i32) {
        for (_, process) in &self.members {
            // One that we may not signal (set-uid) is not ours to end.
            let _: io::Result<bool> = process.signal(signal);
        }
    }

    fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        for (_, process) in &self.members {
            process.ended_within(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// A living process with its parent.
fn parent(process_id: u32) -> Option<(u32, u32)> {
    let stat = Stat::of(&Path::new("/proc").join(process_id.to_string()))?;
    (stat.state != 'Z').then_some((process_id, stat.parent))
}

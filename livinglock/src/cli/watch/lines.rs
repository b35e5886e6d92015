//! A line for each change.

use std::{collections::HashMap, io, path::PathBuf};

use crate::{
    cli::status::{Seen, print},
    report,
};

/// What was said last of each lock.
#[derive(Default)]
pub(super) struct Lines(HashMap<PathBuf, String>);

impl Lines {
    pub(super) fn show(&mut self, seen: &[Seen]) -> io::Result<()> {
        for Seen { path, sight, .. } in seen {
            let line = match sight {
                Ok(sight) => report::change(path, sight),
                Err(error) => report::chain(error),
            };
            if self.0.get(path) != Some(&line) {
                print(&format!("{line}\n"))?;
                self.0.insert(path.clone(), line);
            }
        }
        Ok(())
    }
}

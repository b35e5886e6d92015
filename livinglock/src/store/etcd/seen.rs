//! What the keys of a lock say.

use super::{
    keys::Keys,
    words::{KeyValue, Transacted},
};
use crate::record::Record;

/// What the keys of a lock say.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Who holds it.
    pub(super) owner: Option<Owner>,
    /// The record and the revision at which it was written; `None` also if it cannot be read.
    pub(super) record: Option<(Box<Record>, u64)>,
    /// Who was asked to stop.
    stop: Option<String>,
}

#[derive(Debug)]
pub(super) struct Owner {
    id: String,
    pub(super) lease: String,
    revision: u64,
}

impl Seen {
    /// What a transaction has read.
    pub(super) fn of(transacted: &Transacted, keys: &Keys) -> Self {
        Self::among(transacted.found(), keys)
    }

    pub(super) fn among<'a>(found: impl IntoIterator<Item = &'a KeyValue>, keys: &Keys) -> Self {
        let mut seen = Self::default();
        for found in found {
            let value = found.value.clone();
            if found.key == keys.owner {
                seen.owner = Some(Owner {
                    id: value,
                    lease: found.lease.clone(),
                    revision: found.mod_revision,
                });
            } else if found.key == keys.record {
                seen.record = record(&value, found.mod_revision);
            } else if found.key == keys.stop {
                seen.stop = Some(value);
            }
        }
        seen
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.as_ref().map(|owner| &*owner.id)
    }

    /// At which revision the owner's key was written; 0 if there is none.
    pub(super) fn owner_revision(&self) -> u64 {
        self.owner.as_ref().map_or(0, |owner| owner.revision)
    }

    /// Whether the owner is asked to stop, and not one of the past.
    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop.is_some() && self.stop.as_deref() == self.owner()
    }

    /// Whether this owner is asked to stop.
    pub(super) fn asks(&self, owner: &str) -> bool {
        self.stop.as_deref() == Some(owner)
    }
}

fn record(json: &str, revision: u64) -> Option<(Box<Record>, u64)> {
    let mut record = Record::from_json(json)?;
    if record.fencing_token == 0 {
        // As it was written by the transaction that acquired the lock.
        record.fencing_token = revision;
    }
    Some((Box::new(record), revision))
}

//! Locks in etcd, through its JSON gateway: version 3.4 or later.
//!
//! A lock has three keys: its owner, who is attached to a lease of etcd's and vanishes with it; its record, which stays when the lease
//! has run out; and who is asked to stop. Whoever creates the first has the lock, and the revision at which that was done, which only
//! ever grows in a cluster, is the fencing token. A renewal does not touch the owner's key.
//!
//! - The clock that judges is the leader's. Leases last for whole seconds, and at least 2 with etcd's usual settings: `stale` is rounded up.
//! - After a restart, or with another leader, every lease begins anew: a lock may be busy for longer than its lease, and never for less.
//! - A cluster that was restored from a backup has forgotten the newest revisions: fencing tokens may come twice, unless it is told to
//!   count on from higher ones (`etcdutl snapshot restore --bump-revision`).
//! - An answer may be lost of what was done nevertheless. Everything here may be said twice: a try that comes after such a one finds the
//!   lock to be its own, and takes it.

mod call;
mod gateway;
mod keys;
mod lease;
mod refusal;
mod seen;
mod tls;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use self::{
    call::{Call, Granted, Life},
    gateway::Gateway,
    keys::Keys,
    lease::EtcdLease,
    seen::Seen,
    words::{delete, put, revision_is, value_is},
};
use super::{Acquired, Attempt, Claim, DEFAULT_TIMEOUT, Request, Sighting, Store, url::Url};
use crate::{
    error::{Error, Result},
    predecessor::Predecessor,
};

/// A lock in etcd.
#[derive(Debug)]
pub(super) struct Etcd {
    place: PathBuf,
    gateway: Arc<Gateway>,
    keys: Keys,
}

impl Etcd {
    pub(super) fn new(url: &Url, name: &str) -> Result<Self> {
        let place = url.place(Some(name));
        Ok(Self {
            gateway: Arc::new(Gateway::new(url, &place)?),
            keys: Keys::new(url, name),
            place,
        })
    }

    /// Acquires the lock as it was seen, unless its owner has changed since.
    fn take(&self, call: &Call<'_>, claim: &Claim, seen: &Seen, lease: &Granted) -> Result<Took> {
        if lease.length() < claim.length() {
            let length = lease.length().as_secs();
            let what = format!("grants leases of {length}s at most; use a shorter `stale`");
            return Err(Error::unfit(&self.place, what));
        }
        let mut record = claim.record.clone();
        // It is the revision of this very transaction, and who reads the record knows: `Seen::of`.
        record.fencing_token = 0;
        let keys = &self.keys;
        let found = call.transact(
            &[revision_is(&keys.owner, seen.owner_revision())],
            &[
                keys.all(),
                put(&keys.owner, &record.owner, Some(&lease.id)),
                put(&keys.record, &record.to_json(), None),
                delete(&keys.stop),
            ],
            &[keys.all()],
        )?;
        let seen = Seen::of(&found, keys);
        if !found.succeeded {
            return Ok(Took::No(seen));
        }
        record.fencing_token = found.header.revision;
        Ok(Took::Yes(Box::new(Acquired {
            lease: Box::new(EtcdLease {
                gateway: self.gateway.clone(),
                keys: keys.clone(),
                owner: record.owner.clone(),
                id: lease.id.clone(),
                length: claim.length(),
                timeout: claim.timeout,
            }),
            predecessor: self.predecessor(call, seen, &record.owner),
            record,
        })))
    }

    /// Who left the record that was there before ours.
    fn predecessor(&self, call: &Call<'_>, seen: Seen, ours: &str) -> Option<Predecessor> {
        let mut found = seen.record;
        // Written by a try of ours whose answer was lost: what was there before that?
        while let Some((record, revision)) = &found
            && record.owner == ours
        {
            let before = call.range_at(&self.keys.record, revision - 1).ok()?;
            found = Seen::among(&before.kvs, &self.keys).record;
        }
        found.and_then(|(record, _)| Predecessor::left(*record))
    }
}

/// What one try to take a lock has led to.
enum Took {
    Yes(Box<Acquired>),
    No(Seen),
}

/// What others are told of what was seen.
fn sighting(call: &Call<'_>, seen: Seen) -> Result<Sighting> {
    let is_asked_to_stop = seen.is_asked_to_stop();
    let life = match &seen.owner {
        Some(owner) => Some(call.life(&owner.lease)?),
        None => None,
    };
    Ok(Sighting {
        is_held: seen.owner.is_some(),
        record: seen.record.map(|(record, _)| record),
        left: life.as_ref().map(Life::left),
        written_ago: life.as_ref().map(Life::age),
        is_asked_to_stop,
        ..Sighting::default()
    })
}

impl Store for Etcd {
    fn place(&self) -> &Path {
        &self.place
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        let call = self.gateway.call("acquire", claim.timeout);
        let is_free = |seen: &Seen| {
            let is_over =
                |owner| owner == claim.record.owner || Some(owner) == claim.gone.as_deref();
            seen.owner().is_none_or(is_over)
        };
        // Before anything is written: somebody may look every second for hours.
        let mut seen = call.look(&self.keys)?;
        if is_free(&seen) {
            let lease = call.grant(claim.length())?;
            let took = loop {
                match self.take(&call, claim, &seen, &lease) {
                    Ok(Took::No(found)) if is_free(&found) => seen = found,
                    took => break took,
                }
            };
            match took {
                Ok(Took::Yes(acquired)) => return Ok(Attempt::Acquired(*acquired)),
                Ok(Took::No(found)) => seen = found,
                Err(error) => {
                    call.revoke(&lease.id);
                    return Err(error);
                }
            }
            call.revoke(&lease.id);
        }
        sighting(&call, seen).map(Attempt::Busy)
    }

    fn look(&self) -> Result<Sighting> {
        let call = self.gateway.call("look at", DEFAULT_TIMEOUT);
        let seen = call.look(&self.keys)?;
        sighting(&call, seen)
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request> {
        let call = self
            .gateway
            .call("ask for a stop of the job in", DEFAULT_TIMEOUT);
        let keys = &self.keys;
        call.transact(
            &[value_is(&keys.owner, owner)],
            &[put(&keys.stop, owner, None)],
            &[],
        )?;
        Ok(Request::standing())
    }
}

/// The names of all locks that are held in etcd or have left a record there, in their order.
#[cfg(feature = "cli")]
pub(super) fn names(url: &Url) -> Result<Vec<String>> {
    let place = url.place(None);
    let gateway = Gateway::new(url, &place)?;
    let call = gateway.call("list the locks in", DEFAULT_TIMEOUT);
    let found = call.range_keys(&keys::folder(url))?;
    let mut names: Vec<_> = found
        .kvs
        .iter()
        .filter_map(|found| keys::name(url, &found.key))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests;

//! A lock in etcd that is held.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    call::Call,
    gateway::Gateway,
    keys::Keys,
    seen::Seen,
    words::{Transacted, delete, get, put, revision_is, value_is},
};
use crate::{
    error::{Error, Result},
    record::Record,
    store::{Farewell, Lease, Requests, Standing},
};

/// A lock in etcd that is held.
#[derive(Debug)]
pub(super) struct EtcdLease {
    pub(super) gateway: Arc<Gateway>,
    pub(super) keys: Keys,
    pub(super) owner: String,
    /// The name that etcd has for the lease.
    pub(super) id: String,
    pub(super) length: Duration,
    pub(super) timeout: Duration,
}

impl EtcdLease {
    fn call(&self, action: &'static str) -> Call<'_> {
        self.gateway.call(action, self.timeout)
    }

    fn if_ours(&self, call: &Call<'_>, then: &[Value], otherwise: &[Value]) -> Result<Transacted> {
        let is_ours = value_is(&self.keys.owner, &self.owner);
        call.transact(&[is_ours], then, otherwise)
    }

    fn write(&self, call: &Call<'_>, record: &Record) -> Result<Transacted> {
        let writing = put(&self.keys.record, &record.to_json(), None);
        self.if_ours(call, &[writing, get(&self.keys.stop)], &[])
    }

    fn standing(&self, transacted: &Transacted) -> Standing {
        if !transacted.succeeded {
            return Standing::Lost;
        }
        Standing::Held(Requests {
            stop: Seen::of(transacted, &self.keys).asks(&self.owner),
            ..Requests::default()
        })
    }

    /// The lease under which the lock stays busy for a while; `None` if it is free now.
    fn last_lease(&self, call: &Call<'_>, farewell: Farewell<'_>) -> Result<Option<String>> {
        let Some(keep) = farewell.keep() else {
            return Ok(None);
        };
        let last = call.grant(keep)?;
        // etcd has no lease as short as a process takes to end.
        let is_later = matches!(farewell, Farewell::LeftWithProcess(_))
            && call.life(&self.id)?.left() < last.length();
        Ok(Some(if is_later { self.id.clone() } else { last.id }))
    }
}

impl Lease for EtcdLease {
    fn length(&self) -> Option<Duration> {
        Some(self.length)
    }

    fn look(&mut self, _record: &Record) -> Result<Standing> {
        let call = self.call("look at");
        let found = self.if_ours(&call, &[get(&self.keys.stop)], &[])?;
        Ok(self.standing(&found))
    }

    /// First the record, and then the lease, from a server that knows of the record. A leader that was deposed without knowing may
    /// renew a lease still; but then it was deposed after the record was written, and its successor counts from then at least.
    fn renew(&mut self, record: &Record) -> Result<Standing> {
        let call = self.call("renew the lease in");
        let written = self.write(&call, record)?;
        if !written.succeeded {
            return Ok(Standing::Lost);
        }
        match call.keep_alive(&self.id)? {
            None => Ok(Standing::Lost),
            Some(kept) if kept.header.revision < written.header.revision => {
                let why = "the server that renewed it is behind the others";
                Err(Error::in_store(call.action, self.gateway.place(), why))
            }
            Some(_) => Ok(self.standing(&written)),
        }
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        let call = self.call("write the record in");
        let written = self.write(&call, record)?;
        Ok(self.standing(&written))
    }

    fn end(self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        let call = self.call("release the lock in");
        let keys = &self.keys;
        let record = match farewell.record() {
            Some(record) => put(&keys.record, &record.to_json(), None),
            None => delete(&keys.record),
        };
        let last_lease = self.last_lease(&call, farewell)?;
        let owner = match &last_lease {
            Some(lease) => put(&keys.owner, &self.owner, Some(lease)),
            None => delete(&keys.owner),
        };
        let ended = self.if_ours(
            &call,
            &[owner, record.clone(), delete(&keys.stop)],
            &[keys.all()],
        )?;
        if !ended.succeeded {
            // The lease has run out. If nobody came since, the record is ours still to write.
            let seen = Seen::of(&ended, keys);
            if let (None, Some((left, revision))) = (&seen.owner, &seen.record)
                && left.owner == self.owner
            {
                let is_the_same = [
                    revision_is(&keys.owner, 0),
                    revision_is(&keys.record, *revision),
                ];
                call.transact(&is_the_same, &[record], &[])?;
            }
        } else if last_lease.as_ref() != Some(&self.id) {
            call.revoke(&self.id);
        }
        Ok(())
    }
}

//! One call of a store: several requests within one deadline.

use std::time::{Duration, Instant};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    gateway::Gateway,
    keys::Keys,
    seen::Seen,
    words::{Done, KeptAlive, Ranged, Streamed, Transacted, base64, number},
};
use crate::error::Result;

/// One call of a store.
pub(super) struct Call<'a> {
    pub(super) gateway: &'a Gateway,
    /// What is being done, as errors say it.
    pub(super) action: &'static str,
    pub(super) deadline: Instant,
}

/// A lease that was granted.
#[derive(Debug, Deserialize)]
pub(super) struct Granted {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(rename = "TTL", deserialize_with = "number")]
    seconds: u64,
}

impl Granted {
    /// For how long, which may be longer than was asked.
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// What is left of a lease; of one that has gone, nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Life {
    #[serde(default, rename = "TTL", deserialize_with = "number")]
    left: u64,
    #[serde(default, rename = "grantedTTL", deserialize_with = "number")]
    granted: u64,
}

impl Life {
    pub(super) fn left(&self) -> Duration {
        Duration::from_secs(self.left)
    }

    /// How long ago it began, or began anew.
    pub(super) fn age(&self) -> Duration {
        Duration::from_secs(self.granted.saturating_sub(self.left))
    }
}

impl Call<'_> {
    /// Does the one if all conditions are met, and else the other, in one step of the cluster.
    pub(super) fn transact(
        &self,
        conditions: &[Value],
        then: &[Value],
        otherwise: &[Value],
    ) -> Result<Transacted> {
        let body = json!({"compare": conditions, "success": then, "failure": otherwise});
        self.ask("kv/txn", &body)
    }

    /// What the keys say, by the word of more than half of the cluster.
    pub(super) fn look(&self, keys: &Keys) -> Result<Seen> {
        self.transact(&[], &[keys.all()], &[])
            .map(|found| Seen::of(&found, keys))
    }

    /// A key as it was at a revision, if that is remembered still.
    pub(super) fn range_at(&self, key: &str, revision: u64) -> Result<Ranged> {
        let body = json!({"key": base64(key), "revision": revision.to_string()});
        self.ask("kv/range", &body)
    }

    /// All keys that begin with this folder, without their values.
    #[cfg(feature = "cli")]
    pub(super) fn range_keys(&self, folder: &str) -> Result<Ranged> {
        let end = super::words::end(folder);
        let body = json!({"key": base64(folder), "range_end": base64(&end), "keys_only": true});
        self.ask("kv/range", &body)
    }

    /// A lease of at least this length.
    pub(super) fn grant(&self, length: Duration) -> Result<Granted> {
        let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
        // etcd has a least length and a greatest one, and says which it has taken.
        let seconds = seconds.clamp(1, 9_000_000_000);
        self.ask("lease/grant", &json!({"TTL": seconds.to_string()}))
    }

    /// Begins a lease anew; `None` if there is none any more.
    pub(super) fn keep_alive(&self, lease: &str) -> Result<Option<KeptAlive>> {
        let kept: Streamed<KeptAlive> = self.ask("lease/keepalive", &json!({"ID": lease}))?;
        Ok(Some(kept.result).filter(|kept| kept.seconds > 0))
    }

    pub(super) fn life(&self, lease: &str) -> Result<Life> {
        self.ask("lease/timetolive", &json!({"ID": lease}))
    }

    /// Ends a lease that nobody needs. If that fails, it runs out.
    pub(super) fn revoke(&self, lease: &str) {
        let _: Result<Done> = self.ask("lease/revoke", &json!({"ID": lease}));
    }

    fn ask<T: DeserializeOwned>(&self, what: &str, body: &Value) -> Result<T> {
        self.gateway
            .ask(what, body, self.deadline)
            .map_err(|refusal| refusal.into_error(self.action, self.gateway.place()))
    }
}

//! etcd.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use ureq::Agent;

use crate::{client::Client, ours};

/// A client of the gateway, and what is said by it.
pub(super) struct Bare {
    agent: Agent,
    base: String,
    folder: String,
    owner: String,
    record: String,
    /// The lease, while the lock is held.
    lease: Option<String>,
}

impl Bare {
    pub(super) fn new(port: u16, name: &str) -> Self {
        let record = ours::record();
        Self {
            agent: Agent::new_with_defaults(),
            base: format!("http://127.0.0.1:{port}/v3"),
            folder: format!("livinglock/{name}"),
            record: record.to_json(),
            owner: record.owner,
            lease: None,
        }
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        let answer = self
            .agent
            .post(format!("{}/{what}", self.base))
            .content_type("application/json")
            .send(body.to_string())
            .and_then(|mut answer| answer.body_mut().read_to_vec())
            .expect("an answer");
        serde_json::from_slice(&answer).expect("JSON")
    }

    fn key(&self, noun: &str) -> String {
        encoded(&format!("{}/{noun}", self.folder))
    }

    fn all(&self) -> Value {
        let end = encoded(&format!("{}0", self.folder));
        json!({"request_range": {"key": self.key(""), "range_end": end}})
    }

    fn put(&self, noun: &str, value: &str, lease: &str) -> Value {
        json!({"request_put": {"key": self.key(noun), "value": encoded(value), "lease": lease}})
    }

    fn delete(&self, noun: &str) -> Value {
        json!({"request_delete_range": {"key": self.key(noun)}})
    }

    /// Does something, if the lock is ours.
    fn if_ours(&self, then: &[Value]) {
        let is_ours = json!({
            "target": "VALUE", "result": "EQUAL", "key": self.key("owner"), "value": encoded(&self.owner),
        });
        let done = self.ask(
            "kv/txn",
            &json!({"compare": [is_ours], "success": then, "failure": []}),
        );
        assert_eq!(done["succeeded"], true);
    }

    fn lease(&self) -> &str {
        self.lease.as_deref().expect("a lock that is held")
    }
}

impl Client for Bare {
    fn make_ready(&mut self) {
        if self.lease.is_some() {
            self.release();
        }
    }

    fn acquire(&mut self) {
        let look = json!({"compare": [], "success": [self.all()], "failure": []});
        self.ask("kv/txn", &look);
        let granted = self.ask("lease/grant", &json!({"TTL": "3600"}));
        let lease = granted["ID"].as_str().expect("a lease").to_owned();
        let is_free = json!({
            "target": "MOD", "result": "EQUAL", "key": self.key("owner"), "mod_revision": "0",
        });
        let done = self.ask(
            "kv/txn",
            &json!({
                "compare": [is_free],
                "success": [
                    self.all(),
                    self.put("owner", &self.owner, &lease),
                    self.put("record", &self.record, "0"),
                    self.delete("stop"),
                ],
                "failure": [self.all()],
            }),
        );
        assert_eq!(done["succeeded"], true);
        self.lease = Some(lease);
    }

    fn look(&mut self) {
        self.if_ours(&[json!({"request_range": {"key": self.key("stop")}})]);
    }

    fn renew(&mut self) {
        let stop = json!({"request_range": {"key": self.key("stop")}});
        self.if_ours(&[self.put("record", &self.record, "0"), stop]);
        let kept = self.ask("lease/keepalive", &json!({"ID": self.lease()}));
        assert_eq!(kept["result"]["TTL"], "3600");
    }

    fn see(&mut self) {
        let look = json!({"compare": [], "success": [self.all()], "failure": []});
        let found = self.ask("kv/txn", &look);
        let owner = &found["responses"][0]["response_range"]["kvs"][0];
        assert_eq!(owner["key"], self.key("owner"));
        let life = self.ask("lease/timetolive", &json!({"ID": owner["lease"]}));
        assert_eq!(life["grantedTTL"], "3600");
    }

    fn release(&mut self) {
        self.if_ours(&[
            self.delete("owner"),
            self.delete("record"),
            self.delete("stop"),
        ]);
        self.ask("lease/revoke", &json!({"ID": self.lease()}));
        self.lease = None;
    }
}

fn encoded(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

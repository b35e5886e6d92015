//! What is said to the gateway, and what it answers: keys and values in base64, numbers as text, and no word for what is zero or false.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

/// That a key has this value.
pub(super) fn value_is(key: &str, value: &str) -> Value {
    json!({"target": "VALUE", "result": "EQUAL", "key": base64(key), "value": base64(value)})
}

/// That a key was written last at this revision; at 0, that it does not exist.
pub(super) fn revision_is(key: &str, revision: u64) -> Value {
    json!({"target": "MOD", "result": "EQUAL", "key": base64(key), "mod_revision": revision.to_string()})
}

/// Writes a key, which vanishes with the lease if it has one.
pub(super) fn put(key: &str, value: &str, lease: Option<&str>) -> Value {
    json!({"request_put": {"key": base64(key), "value": base64(value), "lease": lease.unwrap_or("0")}})
}

pub(super) fn delete(key: &str) -> Value {
    json!({"request_delete_range": {"key": base64(key)}})
}

/// Reads one key.
pub(super) fn get(key: &str) -> Value {
    json!({"request_range": {"key": base64(key)}})
}

/// Reads all keys that begin with this folder.
pub(super) fn range(folder: &str) -> Value {
    json!({"request_range": {"key": base64(folder), "range_end": base64(&end(folder))}})
}

/// The first key after all that begin with a folder.
pub(super) fn end(folder: &str) -> String {
    // What comes after a slash.
    folder.strip_suffix('/').unwrap_or(folder).to_owned() + "0"
}

pub(super) fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The revision of all keys together, when something was answered.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default, deserialize_with = "number")]
    pub(super) revision: u64,
}

/// What a transaction has led to.
#[derive(Debug, Deserialize)]
pub(super) struct Transacted {
    pub(super) header: Header,
    #[serde(default)]
    pub(super) succeeded: bool,
    #[serde(default)]
    responses: Vec<Response>,
}

impl Transacted {
    /// All that was read in it.
    pub(super) fn found(&self) -> impl Iterator<Item = &KeyValue> {
        let ranges = self.responses.iter().filter_map(|it| it.range.as_ref());
        ranges.flat_map(|range| &range.kvs)
    }
}

#[derive(Debug, Deserialize)]
struct Response {
    #[serde(rename = "response_range")]
    range: Option<Ranged>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ranged {
    #[serde(default)]
    pub(super) kvs: Vec<KeyValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyValue {
    #[serde(deserialize_with = "text")]
    pub(super) key: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) value: String,
    #[serde(deserialize_with = "number")]
    pub(super) mod_revision: u64,
    #[serde(default)]
    pub(super) lease: String,
}

/// An answer of a stream, of which there is one.
#[derive(Debug, Deserialize)]
pub(super) struct Streamed<T> {
    pub(super) result: T,
}

/// What is said of a renewed lease; of one that has gone, it has no `TTL`.
#[derive(Debug, Deserialize)]
pub(super) struct KeptAlive {
    pub(super) header: Header,
    #[serde(default, rename = "TTL", deserialize_with = "number")]
    pub(super) seconds: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Authenticated {
    pub(super) token: String,
}

/// An answer that does not matter.
#[derive(Debug, Deserialize)]
pub(super) struct Done {}

/// A number as text; one below zero is none.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number: i64 = String::deserialize(from)?
        .parse()
        .map_err(D::Error::custom)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let bytes = BASE64_STANDARD
        .decode(String::deserialize(from)?)
        .map_err(D::Error::custom)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    fn read<T: DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn what_is_zero_or_false_is_not_said() {
        let refused: Transacted = read(
            r#"{"header":{"revision":"7"},"responses":[{"response_range":{"header":{}}},{"response_put":{}}]}"#,
        );
        assert_eq!((refused.succeeded, refused.header.revision), (false, 7));
        assert_eq!(refused.found().count(), 0);
        let gone: Streamed<KeptAlive> = read(r#"{"result":{"header":{"revision":"7"},"ID":"12"}}"#);
        assert_eq!(gone.result.seconds, 0);
        let gone: KeptAlive = read(r#"{"header":{},"TTL":"-1"}"#);
        assert_eq!(gone.seconds, 0);
    }

    #[test]
    fn keys_and_values_are_base64() {
        let found: KeyValue =
            read(r#"{"key":"YQ==","value":"5aSc","mod_revision":"3","lease":"12"}"#);
        assert_eq!(
            (&*found.key, &*found.value, found.mod_revision),
            ("a", "夜", 3)
        );
        assert_eq!(put("a", "夜", None)["request_put"]["value"], "5aSc");
    }

    #[test]
    fn a_folder_ends_where_the_next_one_may_begin() {
        assert_eq!(end("a/b/"), "a/b0");
        assert!("a/b/\u{10ffff}" < "a/b0" && "a/b.z" < "a/b/");
    }
}

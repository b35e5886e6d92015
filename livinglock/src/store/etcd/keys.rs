//! The keys of a lock.

use serde_json::Value;

use super::words;
use crate::store::url::Url;

/// The keys of one lock.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// What all of them begin with.
    folder: String,
    pub(super) owner: String,
    pub(super) record: String,
    pub(super) stop: String,
}

impl Keys {
    pub(super) fn new(url: &Url, name: &str) -> Self {
        let folder = format!("{}{}/", folder(url), encoded(name));
        let key = |noun: &str| format!("{folder}{noun}");
        Self {
            owner: key("owner"),
            record: key("record"),
            stop: key("stop"),
            folder,
        }
    }

    /// The question for all that is known of the lock.
    pub(super) fn all(&self) -> Value {
        words::range(&self.folder)
    }
}

/// What the keys of all locks begin with that the URL leads to.
pub(super) fn folder(url: &Url) -> String {
    let prefix = url.path.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}livinglock/")
}

/// The lock that has this key, unless that is none of ours, or only asks somebody to stop.
#[cfg(feature = "cli")]
pub(super) fn name(url: &Url, key: &str) -> Option<String> {
    let (name, noun) = key.strip_prefix(&folder(url))?.split_once('/')?;
    matches!(noun, "owner" | "record").then(|| decoded(name))
}

/// A name without a slash, so that no lock has another's keys.
fn encoded(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

#[cfg(feature = "cli")]
fn decoded(name: &str) -> String {
    name.replace("%2F", "/").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lock_has_keys_of_another() {
        let keys = |url: &str, name| Keys::new(&Url::parse(url).expect("a URL"), name).owner;
        assert_eq!(keys("etcd://h", "a"), "livinglock/a/owner");
        assert_eq!(keys("etcd://h/", "a/b"), "livinglock/a%2Fb/owner");
        assert_eq!(keys("etcd://h", "a%2Fb"), "livinglock/a%252Fb/owner");
        assert_eq!(keys("etcd://h/x/y/", "a"), "x/y/livinglock/a/owner");
    }

    #[cfg(feature = "cli")]
    #[test]
    fn names_come_back_from_their_keys() {
        let url = Url::parse("etcd://h/x").expect("a URL");
        for of in ["a", "a/b", "%", "%2F", "%25/%2F", "夜 #1"] {
            let keys = Keys::new(&url, of);
            assert_eq!(name(&url, &keys.owner).as_deref(), Some(of));
            assert_eq!(name(&url, &keys.record).as_deref(), Some(of));
            assert_eq!(name(&url, &keys.stop), None);
        }
        // Another lock's, of a URL whose path is longer.
        assert_eq!(name(&url, "x/livinglock/y/livinglock/a/owner"), None);
    }
}

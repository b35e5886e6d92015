//! The parts of a URL that leads to a store, and to a lock in it.

use std::{fmt, path::PathBuf};

use crate::error::{Kind, Result};

/// The parts of a URL such as `etcd://user:password@a:2379,b:2379/prefix?ca=/ca.pem#nightly`.
#[derive(Clone)]
pub(crate) struct Url {
    /// All of it but the fragment, as clients of the engines want it.
    #[cfg_attr(
        not(any(feature = "postgres", test)),
        expect(dead_code, reason = "for the engines")
    )]
    pub(super) whole: String,
    pub(super) scheme: String,
    #[cfg_attr(
        not(any(feature = "redis", feature = "etcd", test)),
        expect(dead_code, reason = "for the engines")
    )]
    pub(super) user: Option<String>,
    #[cfg_attr(
        not(any(feature = "redis", feature = "etcd", test)),
        expect(dead_code, reason = "for the engines")
    )]
    pub(super) password: Option<String>,
    /// The servers and the path, as written.
    pub(super) hosts: String,
    pub(super) path: String,
    #[cfg_attr(
        not(any(feature = "postgres", feature = "redis", feature = "etcd", test)),
        expect(dead_code, reason = "for the engines")
    )]
    pub(super) query: Vec<(String, String)>,
    /// The lock.
    name: Option<String>,
}

/// Without user, password and query.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&self.place(None)).finish()
    }
}

/// Whether somebody means a URL, and not a path.
#[cfg(any(feature = "cli", test))]
pub(crate) fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refuse = |why| Err(Kind::Setting(why).into());
        if text.is_empty() {
            return refuse(
                "the URL of the store is empty; set it, for example to postgres://db1/app",
            );
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse(
                "the store is not a URL; write postgres://, redis:// or etcd:// before it, or use `path` for a file",
            );
        };
        let scheme = scheme.to_ascii_lowercase();
        let (rest, name) = match rest.split_once('#') {
            Some((rest, name)) => (rest, Some(decoded(name))),
            None => (rest, None),
        };
        if name.as_ref().is_some_and(String::is_empty) {
            return refuse("the URL of the store ends in `#`; write the name of the lock after it");
        }
        let whole = format!("{scheme}://{rest}");
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        // A password may have an `@` that somebody forgot to encode.
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        // Or something that ends it, and then what is left of it is shown as a server, a path or a name.
        if path.contains('@') || !hosts.split(',').all(has_sound_port) {
            return refuse(
                "the URL of the store has a port that is no number, or an `@` in its path; in a user and a password write `%2F` for `/`, `%3F` for `?`, `%23` for `#` and `%40` for `@`",
            );
        }
        let whole = match login {
            Some(login) => format!(
                "{scheme}://{}@{hosts}{}",
                login.replace('@', "%40"),
                &whole[scheme.len() + 3 + authority.len()..]
            ),
            None => whole,
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => (Some(user), Some(password)),
            None => (None, None),
        };
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(decoded);
        Ok(Self {
            whole,
            scheme,
            user: some(user),
            password: some(password),
            hosts: hosts.to_owned(),
            path: path.to_owned(),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decoded(key), decoded(value)))
                .collect(),
            name,
        })
    }

    /// The name of the lock, if the URL has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What reports show: no user, no password, no query.
    pub(crate) fn place(&self, name: Option<&str>) -> PathBuf {
        let Self {
            scheme,
            hosts,
            path,
            ..
        } = self;
        let name = name.map(|name| format!("#{name}")).unwrap_or_default();
        PathBuf::from(format!("{scheme}://{hosts}{path}{name}"))
    }
}

/// Whether what stands behind the colon of a server, if there is one, may be a port.
fn has_sound_port(host: &str) -> bool {
    let behind_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    behind_address
        .split_once(':')
        .is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Text in which `%40` stands for `@`, and so on; what is no such code stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        if let Some(byte) = code {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(first);
            rest = others;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn the_place_has_neither_user_nor_password() {
        for text in [
            "postgres://alice:s3cret@db1:5432/app?sslmode=require&password=s3cret#nightly",
            "postgres://alice:s3c@ret@db1:5432/app?x=s3cret#nightly",
            "postgres://db1:5432/app?user=alice&password=s3cret#nightly",
        ] {
            let url = parse(text);
            let place = url.place(url.name());
            assert_eq!(place.to_str(), Some("postgres://db1:5432/app#nightly"));
            assert!(!format!("{url:?}").contains("s3c"), "{url:?}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_never_shown() {
        for password in [
            "s3/cret",
            "s3?cret",
            "s3#cret",
            "/s3cret",
            "s@3/cret",
            "s3cret/",
            "a:s3cret?",
        ] {
            let refused = Url::parse(&format!("redis://alice:{password}@db1/0#nightly"));
            let error = refused.expect_err(password).to_string();
            assert!(
                error.contains("write `%2F` for `/`") && !error.contains("s3"),
                "{error}"
            );
        }
        let url = parse("postgres://alice:s3c@ret@db1/app#nightly");
        assert_eq!(url.whole, "postgres://alice:s3c%40ret@db1/app");
        assert_eq!(url.password.as_deref(), Some("s3c@ret"));
        assert_eq!(
            parse("redis://[::1]:7,a,[::2]/0?x=a@b#a@b").hosts,
            "[::1]:7,a,[::2]"
        );
    }

    #[test]
    fn the_parts_are_told_apart() {
        let url = parse("etcd://us%40er:p%3Aw@a:1,b:2/pre/fix?timeout=3s&ca=%2Fx#a%20b");
        assert_eq!(url.user.as_deref(), Some("us@er"));
        assert_eq!(url.password.as_deref(), Some("p:w"));
        assert_eq!((&*url.hosts, &*url.path), ("a:1,b:2", "/pre/fix"));
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(url.query, [pair("timeout", "3s"), pair("ca", "/x")]);
        assert_eq!(url.name(), Some("a b"));
        assert!(!url.whole.contains('#'));
        // As clients know it.
        assert_eq!(parse("POSTGRES://a/B#C").whole, "postgres://a/B");
    }

    #[test]
    fn a_path_is_no_url() {
        assert!(is_url("postgres://x") && is_url("etcd+tls://x"));
        assert!(!is_url("/run/x.lock") && !is_url("a b://x") && !is_url("://x"));
    }
}

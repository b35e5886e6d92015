//! Which engine a URL leads to.

use std::sync::Arc;

use super::{Store, url::Url};
use crate::error::{Error, Kind, Result};

/// What leads to a store: a URL, or a store of one's own.
///
/// ```no_run
/// let url = std::env::var("LOCK_URL").unwrap_or_else(|_| "postgres://db1/app".to_owned());
/// let lock = livinglock::Lock::options().name("nightly").acquire_in(url);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither the URL of a store nor a store",
    label = "expected a text, or a type that implements `livinglock::store::Store` and `Clone`"
)]
pub trait ToStore {
    /// The store of the lock with this name, unless a URL has a name of its own, as in `postgres://db1/app#nightly`.
    ///
    /// # Errors
    ///
    /// The URL cannot be understood, or needs a feature that is off.
    fn to_store(&self, name: &str) -> Result<Arc<dyn Store>>;
}

impl<S: Store + Clone + 'static> ToStore for S {
    fn to_store(&self, _name: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.clone()))
    }
}

impl ToStore for Arc<dyn Store> {
    fn to_store(&self, _name: &str) -> Result<Arc<dyn Store>> {
        Ok(self.clone())
    }
}

impl ToStore for &Arc<dyn Store> {
    fn to_store(&self, _name: &str) -> Result<Arc<dyn Store>> {
        Ok((*self).clone())
    }
}

impl ToStore for str {
    fn to_store(&self, name: &str) -> Result<Arc<dyn Store>> {
        Url::parse(self)?.open(Some(name))
    }
}

impl ToStore for &str {
    fn to_store(&self, name: &str) -> Result<Arc<dyn Store>> {
        (**self).to_store(name)
    }
}

impl ToStore for String {
    fn to_store(&self, name: &str) -> Result<Arc<dyn Store>> {
        self.as_str().to_store(name)
    }
}

impl ToStore for &String {
    fn to_store(&self, name: &str) -> Result<Arc<dyn Store>> {
        self.as_str().to_store(name)
    }
}

/// The engines that we know, compiled in or not.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Postgres,
    Redis,
    Etcd,
}

impl Engine {
    fn of(url: &Url) -> Option<Self> {
        match &*url.scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" => Some(Self::Redis),
            "etcd" | "etcds" => Some(Self::Etcd),
            _ => None,
        }
    }

    /// The feature that compiles it in.
    fn feature(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Etcd => "etcd",
        }
    }
}

impl Url {
    /// The store of the lock that the URL names, or else of the one with this name.
    pub(crate) fn open(&self, name: Option<&str>) -> Result<Arc<dyn Store>> {
        let Some(name) = self.name().or(name).filter(|name| !name.is_empty()) else {
            return Err(Kind::Setting(
                "the lock has no name; write it at the end of the URL, as in postgres://db1/app#nightly",
            )
            .into());
        };
        if !is_fit(name) {
            return Err(Error::unfit(
                &self.place(Some(name)),
                "has a name that is longer than 200 bytes or has control characters; use another one",
            ));
        }
        match Engine::of(self) {
            #[cfg(feature = "postgres")]
            Some(Engine::Postgres) => Ok(Arc::new(super::postgres::Postgres::new(self, name)?)),
            #[cfg(feature = "redis")]
            Some(Engine::Redis) => Ok(Arc::new(super::redis::Redis::new(self, name)?)),
            #[cfg(feature = "etcd")]
            Some(Engine::Etcd) => Ok(Arc::new(super::etcd::Etcd::new(self, name)?)),
            other => Err(self.leads_nowhere(Some(name), other)),
        }
    }

    /// The names of all locks in the store, in their order; what others have put there under names that no lock can have is passed over.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut names = self.names_of_all()?;
        names.retain(|name| !name.is_empty() && is_fit(name));
        Ok(names)
    }

    #[cfg(feature = "cli")]
    fn names_of_all(&self) -> Result<Vec<String>> {
        match Engine::of(self) {
            #[cfg(feature = "postgres")]
            Some(Engine::Postgres) => super::postgres::names(self),
            #[cfg(feature = "redis")]
            Some(Engine::Redis) => super::redis::names(self),
            #[cfg(feature = "etcd")]
            Some(Engine::Etcd) => super::etcd::names(self),
            other => Err(self.leads_nowhere(None, other)),
        }
    }

    fn leads_nowhere(&self, name: Option<&str>, engine: Option<Engine>) -> Error {
        let what = match engine {
            Some(engine) => format!(
                "needs the feature `{}` of livinglock, which is off; turn it on in Cargo.toml",
                engine.feature()
            ),
            None => format!(
                "has the unknown scheme `{}://`; use `postgres://`, `redis://` or `etcd://`, or `path` for a file",
                self.scheme
            ),
        };
        Error::unfit(&self.place(name), what)
    }
}

/// The longest name of a lock, in bytes.
const LONGEST_NAME: usize = 200;

fn is_fit(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_of_a_store_is_refused_with_a_remedy() {
        for (text, remedy) in [
            ("", "set it"),
            ("db1/app", "write postgres://"),
            ("mysql://db1/app#x", "use `postgres://`"),
            ("postgres://db1/app#", "write the name"),
        ] {
            let refused = Url::parse(text).and_then(|url| url.open(None));
            let error = refused.expect_err(text).to_string();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }
}

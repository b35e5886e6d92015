//! Where a lock is that somebody names: a path, or the URL of a store.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    error::Result,
    store::{Store, Url, file::Sight, is_url},
};

/// The place of one lock.
#[derive(Clone, Debug)]
pub(in crate::cli) enum Place {
    File(PathBuf),
    Store(Arc<dyn Store>),
}

impl Place {
    /// The place of the lock that an argument names.
    pub(in crate::cli) fn of(argument: &Path) -> Result<Self> {
        match url_in(argument) {
            None => Ok(Self::File(argument.to_owned())),
            Some(url) => Url::parse(url)?.open(None).map(Self::Store),
        }
    }

    /// As reports show it.
    pub(in crate::cli) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Store(store) => store.place(),
        }
    }

    pub(in crate::cli) fn look(&self) -> Result<Sight> {
        match self {
            Self::File(path) => Sight::of(path),
            Self::Store(store) => Sight::in_store(&**store),
        }
    }

    /// How often somebody may look who waits: at a file it takes microseconds, and an engine has others to serve.
    pub(in crate::cli) fn pause(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_millis(50),
            Self::Store(_) => Duration::from_millis(500),
        }
    }
}

/// An argument as it may be shown: of a URL neither user nor password, whatever is in it.
pub(in crate::cli) fn shown(argument: &Path) -> PathBuf {
    url_in(argument).map_or_else(
        || argument.to_owned(),
        |url| Url::parse(url).map_or_else(|_| "a store".into(), |url| url.place(url.name())),
    )
}

/// The URL that an argument is, if it is one.
pub(in crate::cli) fn url_in(argument: &Path) -> Option<&str> {
    argument.to_str().filter(|text| is_url(text))
}

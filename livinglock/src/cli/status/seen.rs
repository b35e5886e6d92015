//! The locks that somebody wants to see.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    cli::place::{Place, shown, url_in},
    error::{Error, Result},
    process,
    record::{Descendant, Record},
    report::{self, Subject},
    store::{
        Url,
        file::{Condition, Sight},
    },
};

/// A lock, and what was seen of it.
#[derive(Debug)]
pub(in crate::cli) struct Seen {
    /// As reports show it.
    pub(in crate::cli) path: PathBuf,
    /// Unless there is none.
    pub(in crate::cli) place: Option<Place>,
    pub(in crate::cli) sight: Result<Sight>,
}

/// What the exit status says of a lock, the more serious the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Verdict {
    Free,
    Held,
    Left,
    Unknown,
    Hung,
}

impl From<Verdict> for u8 {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Held => 0,
            Verdict::Left => 1,
            Verdict::Hung => 2,
            Verdict::Free => 3,
            Verdict::Unknown => 4,
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(u8::from(verdict))
    }
}

impl Verdict {
    /// The most serious one.
    pub(in crate::cli) fn of(seen: &[Seen]) -> Self {
        let verdicts = seen.iter().map(Seen::verdict);
        verdicts.max().unwrap_or(Self::Free)
    }
}

impl Seen {
    pub(in crate::cli) fn of(place: Place) -> Self {
        Self {
            sight: place.look(),
            path: place.path().to_owned(),
            place: Some(place),
        }
    }

    fn of_file(path: &Path) -> Self {
        Self::of(Place::File(path.to_owned()))
    }

    /// Of what cannot even be looked at.
    fn failed(path: PathBuf, error: Error) -> Self {
        Self {
            path,
            place: None,
            sight: Err(error),
        }
    }

    pub(in crate::cli) fn verdict(&self) -> Verdict {
        let Ok(sight) = &self.sight else {
            return Verdict::Unknown;
        };
        match sight.condition {
            Condition::Free => Verdict::Free,
            Condition::Working
            | Condition::Stopping
            | Condition::Kept(_)
            | Condition::OtherTool => Verdict::Held,
            Condition::Left(_) => Verdict::Left,
            Condition::Hung | Condition::StandsStill(_) | Condition::Inherited => Verdict::Hung,
            Condition::Unknown | Condition::NotALock => Verdict::Unknown,
        }
    }

    /// Whether nothing can change here any more, unless somebody comes.
    pub(in crate::cli) fn is_settled(&self) -> bool {
        match &self.sight {
            Ok(sight) => matches!(
                sight.condition,
                Condition::Free | Condition::Left(_) | Condition::NotALock
            ),
            Err(_) => true,
        }
    }

    /// Whether it belongs into the list of a folder's locks.
    fn is_of_a_lock(&self) -> bool {
        self.sight.as_ref().map_or(true, |sight| sight.is_ours)
    }

    pub(super) fn block(&self) -> String {
        match &self.sight {
            Ok(sight) => report::block(&Subject {
                path: &self.path,
                sight,
                hands: &self.hands(),
                descendants: &self.descendants(),
            }),
            Err(error) => format!("{}\n", report::chain(error)),
        }
    }

    /// Who has a lock whose record does not tell.
    fn hands(&self) -> Vec<(u32, String)> {
        match &self.sight {
            Ok(sight) if matches!(sight.condition, Condition::Unknown | Condition::Inherited) => {
                Sight::hands(&self.path).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The processes that the holder has started, or had, as far as that was written down.
    pub(super) fn descendants(&self) -> Vec<Descendant> {
        let Ok(Sight {
            record: Some(record),
            condition,
            ..
        }) = &self.sight
        else {
            return Vec::new();
        };
        match condition {
            Condition::Left(_) | Condition::Free | Condition::Kept(_) => descendants_then(record),
            _ => process::descendants_of_writer(record),
        }
    }
}

fn descendants_then(record: &Record) -> Vec<Descendant> {
    let autopsy = record.autopsy.as_ref();
    autopsy.map_or_else(Vec::new, |autopsy| autopsy.descendants.clone())
}

/// Looks at each of these lock files and stores, and at all in each of these folders and engines; in places that are known by those.
pub(in crate::cli) fn look(arguments: &[PathBuf], known: &[Place]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for argument in arguments {
        if let Some(url) = url_in(argument) {
            match places_at(url, known) {
                Ok(places) => seen.extend(places.into_iter().map(Seen::of)),
                Err(error) => seen.push(Seen::failed(shown(argument), error)),
            }
        } else if !argument.is_dir() {
            seen.push(Seen::of_file(argument));
        } else {
            match files_in(argument) {
                Ok(files) => seen.extend(
                    files
                        .iter()
                        .map(|file| Seen::of_file(file))
                        .filter(Seen::is_of_a_lock),
                ),
                Err(error) => seen.push(Seen::failed(
                    argument.clone(),
                    Error::io("list the folder", argument, error),
                )),
            }
        }
    }
    seen
}

/// The places of the lock that a URL names, or of all locks there.
fn places_at(url: &str, known: &[Place]) -> Result<Vec<Place>> {
    let url = Url::parse(url)?;
    let place = |name: &str| {
        let path = url.place(Some(name));
        match known.iter().find(|known| known.path() == path) {
            Some(known) => Ok(known.clone()),
            None => url.open(Some(name)).map(Place::Store),
        }
    };
    match url.name() {
        Some(name) => Ok(vec![place(name)?]),
        None => url.names()?.iter().map(|name| place(name)).collect(),
    }
}

/// The regular files of a folder, in the order of their names.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

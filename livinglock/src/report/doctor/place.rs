//! Of the path, its folder and its file system.

use std::{io, path::Path};

use super::Finding;
use crate::{
    error::Error,
    report::{self, path as shown},
    sys::Room,
};

/// What a fence adds to the name of the file that it makes aside.
const LONGEST_ENDING: usize = ".fence".len();

/// So many bytes are enough for some records and whatever else the job writes there first.
const SCARCE: u64 = 1024 * 1024;

pub(crate) fn path(given: &Path, absolute: &Path) -> Finding {
    if given.is_absolute() {
        return Finding::good("the path is absolute");
    }
    Finding::warning(format!(
        "the path is relative: cron and systemd start jobs in other folders, where it leads to another lock; write {}",
        shown(absolute)
    ))
}

pub(crate) fn no_name(path: &Path) -> Finding {
    Finding::failure(format!("{} names no file; add a name", shown(path)))
}

pub(crate) fn no_folder(folder: &Path, error: Option<&io::Error>) -> Finding {
    let folder = shown(folder);
    Finding::failure(match error {
        None => format!("{folder} is not a folder; use another path"),
        Some(error) if error.kind() == io::ErrorKind::NotFound => format!(
            "the folder {folder} is not there; create it for the user of the job, below /run at every boot (systemd: RuntimeDirectory=)"
        ),
        Some(error) => format!(
            "the folder {folder} cannot be entered: {error}; use a folder of the user of the job"
        ),
    })
}

pub(crate) fn folder_of(folder: &Path, owner: u32) -> Finding {
    Finding::warning(format!(
        "the folder {} belongs to user {owner}, who can remove or replace the lock of a running job; use a folder of the user of the job, or of root",
        shown(folder)
    ))
}

pub(crate) fn open_folder(folder: &Path) -> Finding {
    Finding::failure(format!(
        "everybody may remove and replace files in {}, and so may run a second job; take that right away (chmod o-w), or use another folder",
        shown(folder)
    ))
}

pub(crate) fn sticky_folder(folder: &Path, protected_regular: &str) -> Finding {
    let protection = match protected_regular {
        "" => "unknown",
        known => known,
    };
    Finding::warning(format!(
        "everybody may create files in {}: another user's file at this path keeps the job from running, and fs.protected_regular ({protection}) does not help against that; use a folder of the user of the job, such as /run/NAME",
        shown(folder)
    ))
}

pub(crate) fn no_file(path: &Path) -> Finding {
    Finding::good(format!("nothing is in the way at {}", shown(path)))
}

pub(crate) fn file(path: &Path, mode: u32) -> Finding {
    let path = shown(path);
    if mode & 0o022 == 0 {
        return Finding::good(format!("{path} is fit to be a lock file"));
    }
    Finding::warning(format!(
        "others may write {path} (mode {mode:o}), and so may stop its job and damage its record; set a `mode` without that, and chmod go-w"
    ))
}

pub(crate) fn refused(error: &Error) -> Finding {
    Finding::failure(report::chain(error))
}

pub(crate) fn writable(folder: &Path, error: Option<&Error>) -> Finding {
    match error {
        None => Finding::good(format!("we may create files in {}", shown(folder))),
        Some(error) => Finding::failure(format!(
            "{}, so kernel locks could not be tried there",
            report::chain(error)
        )),
    }
}

pub(crate) fn locks(folder: &Path, excludes: &io::Result<bool>) -> Finding {
    let folder = shown(folder);
    let why = match excludes {
        Ok(true) => {
            return Finding::good(format!(
                "kernel locks work in {folder}: two openings of one file exclude each other"
            ));
        }
        Ok(false) => "two openings of one file do not exclude each other".to_owned(),
        Err(error) => error.to_string(),
    };
    Finding::failure(format!(
        "kernel locks do not work in {folder}: {why}; use a local file system, such as /run"
    ))
}

pub(crate) fn no_permissions(folder: &Path) -> Finding {
    Finding::warning(format!(
        "files in {} have no permissions of their own: whoever sees the lock file may stop its job; use another file system",
        shown(folder)
    ))
}

pub(crate) fn file_system(folder: &Path, shared: &io::Result<Option<&'static str>>) -> Finding {
    let folder = shown(folder);
    match shared {
        Ok(None) => Finding::good(format!("the file system of {folder} is a local one")),
        Ok(Some(name)) => Finding::failure(format!(
            "{folder} is on a network file system ({name}), where a partition makes two owners; use a local path such as /run, or accept that with `network_fs = true`"
        )),
        Err(error) => Finding::warning(format!(
            "the file system of {folder} cannot be told: {error}; make sure that it is a local one"
        )),
    }
}

pub(crate) fn room(folder: &Path, room: Room) -> Finding {
    let folder = shown(folder);
    if room.inodes == Some(0) {
        return Finding::failure(format!(
            "the file system of {folder} has no inode left; remove files there"
        ));
    }
    let free = room.free / 1024;
    if room.free < SCARCE {
        return Finding::warning(format!(
            "the file system of {folder} has {free} KiB left: without 4 KiB no lock can be acquired; make room there"
        ));
    }
    Finding::good(format!("the file system of {folder} has room"))
}

pub(crate) fn name(length: usize, longest: usize) -> Finding {
    let bound = longest.saturating_sub(LONGEST_ENDING);
    if length > longest {
        return Finding::failure(format!(
            "the name has {length} bytes, and {longest} are allowed; use a shorter one"
        ));
    }
    if length > bound {
        return Finding::warning(format!(
            "the name has {length} bytes: `on_stale = \"fence\"` needs room for `.fence` behind it; use at most {bound}"
        ));
    }
    Finding::good("the name is short enough")
}

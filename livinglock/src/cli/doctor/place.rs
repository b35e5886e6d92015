//! The path, its folder and its file system.

use std::{
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::Path,
};

use crate::{
    report::doctor::{Finding, place as say},
    store::file::{Probe, Survey, shared_file_system},
    sys,
};

/// Everybody may write, and with the sticky bit remove only what is theirs.
const FOR_EVERYBODY: u32 = 0o002;
const STICKY: u32 = 0o1000;

pub(super) fn findings(given: &Path, path: &Path) -> Vec<Finding> {
    let mut findings = vec![say::path(given, path)];
    let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
        findings.push(say::no_name(path));
        return findings;
    };
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            findings.extend(of_folder(folder, &found));
        }
        found => {
            findings.push(say::no_folder(folder, found.err().as_ref()));
            return findings;
        }
    }
    findings.push(match Survey::of(path) {
        Ok(Some(file)) => say::file(path, file.mode),
        Ok(None) => say::no_file(path),
        Err(error) => say::refused(&error),
    });
    let probe = Probe::beside(path);
    findings.push(say::writable(folder, probe.as_ref().err()));
    if let Ok(probe) = &probe {
        findings.push(say::locks(folder, &probe.excludes()));
        if !probe.is_private() {
            findings.push(say::no_permissions(folder));
        }
    }
    let opened;
    let place = match &probe {
        Ok(probe) => probe.file(),
        // One that may be entered, but not read, tells nothing.
        Err(_) => match File::open(folder) {
            Ok(folder) => {
                opened = folder;
                &opened
            }
            Err(_) => return findings,
        },
    };
    findings.push(say::file_system(folder, &shared_file_system(place)));
    if let Ok(room) = sys::room(place) {
        findings.push(say::room(folder, room));
        findings.push(say::name(name.as_bytes().len(), room.longest_name));
    }
    findings
}

fn of_folder(folder: &Path, found: &fs::Metadata) -> Option<Finding> {
    let owner = found.uid();
    if found.mode() & FOR_EVERYBODY == 0 {
        let is_trusted = owner == 0 || owner == sys::effective_user();
        return (!is_trusted).then(|| say::folder_of(folder, owner));
    }
    if found.mode() & STICKY == 0 {
        return Some(say::open_folder(folder));
    }
    let protected = fs::read_to_string("/proc/sys/fs/protected_regular").unwrap_or_default();
    Some(say::sticky_folder(folder, protected.trim()))
}

//! A file that changes as proof of work.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Proof, Source};

/// Looks whether a file was written, touched or replaced.
#[derive(Debug)]
pub(in super::super) struct TouchedFile {
    path: PathBuf,
    seen: Option<State>,
}

/// What a change of a file shows in. Not its `ctime`: a backup or a `chmod` is no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl TouchedFile {
    /// A file as it is now, if it is there yet.
    pub(in super::super) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            seen: State::of(path)?,
        })
    }
}

impl Source for TouchedFile {
    fn look(&mut self, _tree: &[u32]) -> io::Result<Option<Proof>> {
        let now = State::of(&self.path)?;
        let is_work = now.is_some() && now != self.seen;
        self.seen = now;
        Ok(is_work.then(Proof::default))
    }
}

impl State {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self {
                device: found.dev(),
                inode: found.ino(),
                size: found.size(),
                modified: (found.mtime(), found.mtime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, OpenOptions},
        io::Write,
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::cli::run::sources::tests::Folder;

    fn is_work(file: &mut TouchedFile) -> bool {
        file.look(&[]).expect("look").is_some()
    }

    #[test]
    fn writing_touching_and_replacing_is_work() {
        let folder = Folder::new();
        let path = folder.path().join("beat");
        let mut file = TouchedFile::at(&path).unwrap();
        assert!(!is_work(&mut file), "there is none");
        fs::write(&path, "1").unwrap();
        assert!(is_work(&mut file), "it is new");
        assert!(!is_work(&mut file), "nothing has happened");
        let mut open = OpenOptions::new().append(true).open(&path).unwrap();
        open.write_all(b"2").unwrap();
        assert!(is_work(&mut file), "it is longer");
        // Back in time, which a clock that was set makes too.
        let earlier = SystemTime::now() - Duration::from_secs(3600);
        open.set_modified(earlier).unwrap();
        assert!(is_work(&mut file), "it was touched");
        let other = folder.path().join("other");
        fs::write(&other, "12").unwrap();
        File::open(&other).unwrap().set_modified(earlier).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(is_work(&mut file), "it is another one");
        fs::remove_file(&path).unwrap();
        assert!(!is_work(&mut file), "it is gone");
        assert!(!is_work(&mut file), "it is still gone");
    }

    #[test]
    fn a_file_from_before_is_no_proof() {
        let folder = Folder::new();
        let path = folder.path().join("beat");
        fs::write(&path, "1").unwrap();
        assert!(!is_work(&mut TouchedFile::at(&path).unwrap()));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_an_error() {
        let folder = Folder::new();
        let path = folder.path().join("file");
        fs::write(&path, "1").unwrap();
        assert!(TouchedFile::at(&path.join("beat")).is_err());
    }
}

//! A folder for one test, and the bytes of the lock file in it.

use std::{
    fmt::Display,
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};

use livinglock::Lock;
use tempfile::TempDir;

/// The path of a lock file in a folder of its own, removed when dropped.
pub(crate) struct Scratch {
    folder: TempDir,
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a folder for temporary files");
        let path = folder.path().join("job.lock");
        Self { folder, path }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<_> = fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| name(entry).unwrap())
            .collect();
        names.sort();
        names
    }

    /// Leaves the record of a run that crashed; its JSON.
    pub(crate) fn crash(&self) -> String {
        let lock = Lock::acquire(self).unwrap();
        let bytes = fs::read(self).unwrap();
        lock.release().unwrap();
        fs::write(self, &bytes).unwrap();
        unsealed(&bytes)
    }
}

/// The path of the lock file.
impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        self
    }
}

/// The JSON of a lock file without its checksum.
pub(crate) fn unsealed(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).expect("a record is text");
    let (body, _) = text
        .split_once(",\"checksum\":")
        .expect("a record has a checksum");
    format!("{body}}}")
}

/// The bytes of a lock file with the right checksum for this JSON.
pub(crate) fn sealed(json: &str) -> Vec<u8> {
    let body = json.strip_suffix('}').expect("an object");
    let checksum = crc32(body.as_bytes());
    let mut bytes = format!("{body},\"checksum\":\"{checksum:08x}\"}}").into_bytes();
    bytes.resize(4095, b' ');
    bytes.push(b'\n');
    bytes
}

/// The JSON with another value, itself JSON, for one of its fields.
pub(crate) fn with(json: &str, field: &str, value: impl Display) -> String {
    let key = format!("\"{field}\":");
    let start = json.find(&key).expect("the record has the field") + key.len();
    let length = json[start..].find(",\"").unwrap_or(json.len() - 1 - start);
    [&json[..start], &value.to_string(), &json[start + length..]].concat()
}

/// CRC-32 as in zip files, written down once more so that the tests share no code with the lock.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

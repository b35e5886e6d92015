//! Where the lines come from: files, folders, or the embedded sample.

use std::{
    cell::Cell,
    fmt,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use livinglock::checkpoint;

/// A line longer than this many bytes counts as several, so that no file can fill the memory.
const LONGEST_LINE: u64 = 1 << 20;

/// One log to be read.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path below the folder that was searched.
    pub(crate) name: String,
    /// The size when it was found. What is appended later is left to the next run, so that every run ends.
    pub(crate) bytes: u64,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    File(PathBuf),
    Embedded(&'static str),
}

impl Source {
    /// Opens the source for reading, counting in `read` the bytes taken from it; `None` if it is not text.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read.
    pub(crate) fn open<'a>(&self, read: &'a Cell<u64>) -> io::Result<Option<Lines<'a>>> {
        let raw: Box<dyn Read> = match &self.origin {
            Origin::File(path) => Box::new(File::open(path)?.take(self.bytes)),
            Origin::Embedded(text) => Box::new(text.as_bytes()),
        };
        let mut plain = BufReader::with_capacity(1 << 16, Counted { inner: raw, read });
        let mut input: Box<dyn BufRead + 'a> = if plain.fill_buf()?.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::new(MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        let is_text = !input.fill_buf()?.contains(&0);
        Ok(is_text.then_some(Lines {
            input,
            line: Vec::new(),
        }))
    }

    /// The name without what log rotation adds to it, such as `.gz`, `.1` and `-20261123`.
    pub(crate) fn without_rotation(&self) -> &str {
        let name = self.name.strip_suffix(".gz").unwrap_or(&self.name);
        match name.rsplit_once(['.', '-']) {
            Some((stem, number))
                if !stem.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                stem
            }
            _ => name,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The lines of an open source.
pub(crate) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    line: Vec<u8>,
}

impl Lines<'_> {
    /// The next line, in any encoding, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not the compressed file that it seemed to be.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let length = (&mut self.input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut self.line)?;
        Ok((length > 0).then_some(&self.line))
    }
}

/// Counts what is read through it: the progress, for compressed files too.
struct Counted<'a, R> {
    inner: R,
    read: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

/// The sources that were found.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) sources: Vec<Source>,
    /// What could not be looked at, each with the reason.
    pub(crate) unreadable: Vec<String>,
}

impl Search {
    /// Finds the files at these paths, and all regular files in those that are folders.
    pub(crate) fn new<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut found = Self::default();
        for path in paths {
            let path = path.as_ref();
            if path.is_dir() {
                found.folder(path, path);
            } else {
                found.file(path, path);
            }
        }
        found
    }

    /// A small set of logs for machines that have none.
    pub(crate) fn sample() -> Self {
        let sources = [
            ("sample/syslog.log", include_str!("sample/syslog.log")),
            ("sample/access.log", include_str!("sample/access.log")),
            ("sample/service.log", include_str!("sample/service.log")),
        ]
        .map(|(name, text)| Source {
            name: name.into(),
            bytes: text.len() as u64,
            origin: Origin::Embedded(text),
        });
        Self {
            sources: sources.into(),
            unreadable: Vec::new(),
        }
    }

    fn folder(&mut self, root: &Path, folder: &Path) {
        checkpoint!("looking into {}", folder.display());
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.failed(root, folder, &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(root, &entry.path()),
                Ok(kind) if kind.is_file() => self.file(root, &entry.path()),
                // Symbolic links would count a file twice or lead in circles; pipes and sockets never end.
                Ok(_) => {}
                Err(error) => self.failed(root, &entry.path(), &error),
            }
        }
    }

    fn file(&mut self, root: &Path, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => self.sources.push(Source {
                name: name(root, path),
                bytes: metadata.len(),
                origin: Origin::File(path.to_owned()),
            }),
            Ok(_) => self.failed(root, path, &io::Error::other("not a regular file")),
            Err(error) => self.failed(root, path, &error),
        }
    }

    fn failed(&mut self, root: &Path, path: &Path, error: &io::Error) {
        self.unreadable
            .push(format!("{}: {error}", name(root, path)));
    }
}

/// The path below the root, safe to print: what a terminal would obey is replaced.
fn name(root: &Path, path: &Path) -> String {
    let below = path
        .strip_prefix(root)
        .ok()
        .filter(|below| !below.as_os_str().is_empty());
    below
        .unwrap_or(path)
        .to_string_lossy()
        .replace(char::is_control, "?")
}

/// A folder of a test, removed at its end.
#[cfg(test)]
pub(crate) struct Folder(PathBuf);

#[cfg(test)]
impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!(
            "livinglock-log_aggregation-{}-{test}",
            std::process::id()
        ));
        fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(self.path(name).parent().expect("a parent")).expect("its folder");
        fs::write(self.path(name), content).expect("a new file");
    }
}

#[cfg(test)]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::symlink};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The lines of a source, or the error after them, and how many bytes were taken from it.
    fn lines(source: &Source) -> (io::Result<Option<Vec<String>>>, u64) {
        let read = Cell::new(0);
        let collect = || {
            let Some(mut lines) = source.open(&read)? else {
                return Ok(None);
            };
            let mut all = Vec::new();
            while let Some(line) = lines.next()? {
                all.push(String::from_utf8_lossy(line).trim_end().to_owned());
            }
            Ok(Some(all))
        };
        (collect(), read.get())
    }

    fn only(folder: &Folder) -> Source {
        let mut found = Search::new([&folder.0]);
        assert_eq!(found.sources.len(), 1, "{found:?}");
        found.sources.remove(0)
    }

    #[test]
    fn a_folder_is_searched_in_order_and_without_links() {
        let folder = Folder::new("search");
        for name in ["b.log", "a/x.log", "a.log", "bell\u{7}.log"] {
            folder.write(name, b"one\n");
        }
        symlink(&folder.0, folder.path("circle")).unwrap();
        symlink(folder.path("b.log"), folder.path("twice.log")).unwrap();
        let found = Search::new([&folder.0]);
        let names: Vec<&str> = found.sources.iter().map(|source| &*source.name).collect();
        assert_eq!(names, ["a/x.log", "a.log", "b.log", "bell?.log"]);
        assert!(found.unreadable.is_empty());
    }

    #[test]
    fn plain_and_compressed_files_read_alike() {
        let text = b"one\ntwo\n\nlast without end";
        for (test, content) in [("plain", text.to_vec()), ("gzip", gzip(text))] {
            let folder = Folder::new(test);
            folder.write("app.log", &content);
            let (read, bytes) = lines(&only(&folder));
            assert_eq!(
                read.unwrap().unwrap(),
                ["one", "two", "", "last without end"]
            );
            assert_eq!(bytes, content.len() as u64);
        }
    }

    #[test]
    fn a_compressed_file_cut_short_is_an_error() {
        let folder = Folder::new("cut");
        let whole = gzip(&b"some line\n".repeat(1000));
        folder.write("app.log.gz", &whole[..whole.len() / 2]);
        assert!(lines(&only(&folder)).0.is_err());
    }

    #[test]
    fn binary_files_are_no_text() {
        for (test, content) in [
            ("wtmp", b"\x07\0\0\0tty".to_vec()),
            ("packed", gzip(b"LPKSHHRH\0\0")),
        ] {
            let folder = Folder::new(test);
            folder.write("file", &content);
            assert!(lines(&only(&folder)).0.unwrap().is_none(), "{test}");
        }
    }

    #[test]
    fn what_is_appended_later_is_left_to_the_next_run() {
        let folder = Folder::new("growing");
        folder.write("app.log", b"before\n");
        let source = only(&folder);
        folder.write("app.log", b"before\nafter\n");
        assert_eq!(lines(&source).0.unwrap().unwrap(), ["before"]);
    }

    #[test]
    fn an_endless_line_is_read_in_pieces() {
        let folder = Folder::new("endless");
        folder.write("app.log", &vec![b'x'; 5 << 19]);
        let lengths: Vec<usize> = lines(&only(&folder))
            .0
            .unwrap()
            .unwrap()
            .iter()
            .map(String::len)
            .collect();
        assert_eq!(lengths, [1 << 20, 1 << 20, 1 << 19]);
    }

    #[test]
    fn rotation_does_not_change_the_name() {
        let rotated = |name: &str| {
            let source = Source {
                name: name.into(),
                bytes: 0,
                origin: Origin::Embedded(""),
            };
            source.without_rotation().to_owned()
        };
        assert_eq!(rotated("syslog"), "syslog");
        assert_eq!(rotated("syslog.1"), "syslog");
        assert_eq!(rotated("nginx/access.log.12.gz"), "nginx/access.log");
        assert_eq!(rotated("messages-20261123.gz"), "messages");
        assert_eq!(rotated("postgresql-15-main.log"), "postgresql-15-main.log");
    }
}

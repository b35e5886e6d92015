//! What counts as proof of work of a command that has no checkpoints.

mod cpu;
mod file;
mod notify;
mod output;

use std::{io, path::PathBuf, str::FromStr, time::Duration};

pub(super) use self::{cpu::Cpu, file::TouchedFile, notify::Notify, output::Output};

/// Work that was done, with what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// The source file of the place that has said so, such as a shell script.
    pub(super) file: Option<String>,
    /// The line in it; 0 where that is not known.
    pub(super) line: u32,
    pub(super) message: Option<String>,
    /// How much is done, and how much there is in all.
    pub(super) progress: Option<(u64, u64)>,
    /// The command has announced that it may be silent for so long, and is not to be taken for hung.
    pub(super) allow: Option<Duration>,
}

/// Where proof of work comes from.
///
/// A source that listens on threads of its own starts them with the first look: until then the process may fork.
pub(super) trait Source: Send {
    /// What has been proven since the last look. `tree` has the ids of the command's processes, itself included.
    fn look(&mut self, tree: &[u32]) -> io::Result<Option<Proof>>;
}

/// What counts as proof of work, as it is given by `--beat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Anything that the command writes to its standard output or error.
    Output,
    /// Processor time and transfers of its processes.
    Cpu,
    /// `WATCHDOG=1` in the protocol of `sd_notify(3)`.
    Notify,
    /// A file that changes.
    File(PathBuf),
}

impl FromStr for Beat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("file:")) {
            ("output", _) => Ok(Self::Output),
            ("cpu", _) => Ok(Self::Cpu),
            ("notify", _) => Ok(Self::Notify),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("expected output, cpu, notify or file:PATH"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        path::{Path, PathBuf},
        thread,
        time::{Duration, Instant},
    };

    use super::Beat;
    use crate::sys;

    /// A folder that goes when it is dropped.
    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn new() -> Self {
            let number = sys::random_u128().expect("chance");
            let path = env::temp_dir().join(format!("livinglock-test-{number:032x}"));
            fs::create_dir(&path).expect("make a folder");
            Self(path)
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Looks again and again until there is something to see.
    pub(super) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn beats_are_told_by_name() {
        assert_eq!("output".parse(), Ok(Beat::Output));
        assert_eq!("cpu".parse(), Ok(Beat::Cpu));
        assert_eq!("notify".parse(), Ok(Beat::Notify));
        assert_eq!("file:/a:b".parse(), Ok(Beat::File("/a:b".into())));
        for wrong in ["", "Cpu", "file", "file:", "cpu "] {
            assert!(wrong.parse::<Beat>().is_err(), "{wrong:?}");
        }
    }
}

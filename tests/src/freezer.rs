//! The freezer of control groups: what is in it stands still, and no signal tells it so, before or after.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use crate::{Running, wait_until};

/// A control group of its own, thawed, emptied and removed when dropped.
#[derive(Debug)]
pub struct Freezer {
    group: PathBuf,
    version: Version,
}

/// The versions of control groups, whose freezers differ: what is in the first one's cannot even be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Freezer {
    /// Makes one, which only root may; says so if that cannot be done here, and fails where everything must be tested.
    ///
    /// # Panics
    ///
    /// `CI` is set and there is no control group to be had.
    #[must_use]
    pub fn make(name: &str) -> Option<Self> {
        // Where the second version is mounted: alone, or beside the first one.
        let made = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
            .iter()
            .find_map(|around| Self::make_in(around, name, Version::Two));
        if made.is_none() {
            let why = "needs root and control groups (cgroup2), to freeze a holder";
            assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
            println!("SKIPPED: {why}");
        }
        made
    }

    /// Makes one whose members cannot be killed. Many kernels of today have none: then that goes untested, with a word.
    #[must_use]
    pub fn make_unkillable(name: &str) -> Option<Self> {
        let made = Self::make_in("/sys/fs/cgroup/freezer", name, Version::One);
        if made.is_none() {
            println!("SKIPPED: needs root and the freezer of the first control groups (cgroup)");
        }
        made
    }

    fn make_in(around: &str, name: &str, version: Version) -> Option<Self> {
        let around = Path::new(around);
        let group = around.join(format!("livinglock-{name}-{}", process::id()));
        (around.join("cgroup.procs").exists() && fs::create_dir(&group).is_ok())
            .then(|| Self { group, version })
    }

    /// Freezes a job, which is in the group from now on.
    pub fn freeze(&self, job: &Running) {
        self.write("cgroup.procs", &job.id().to_string());
        let (file, word, shown_in, as_what) = match self.version {
            Version::One => ("freezer.state", "FROZEN", "freezer.state", "FROZEN"),
            Version::Two => ("cgroup.freeze", "1", "cgroup.events", "frozen 1"),
        };
        self.write(file, word);
        wait_until("the job is frozen", || {
            fs::read_to_string(self.group.join(shown_in)).is_ok_and(|state| state.contains(as_what))
        });
    }

    /// Lets go on whoever is in it.
    pub fn thaw(&self) {
        match self.version {
            Version::One => self.write("freezer.state", "THAWED"),
            Version::Two => self.write("cgroup.freeze", "0"),
        }
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.group.join(file), text).expect("use the control group");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.thaw();
        let members = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        for member in members.lines() {
            let _ = fs::write(self.group.join("../cgroup.procs"), member);
        }
        let _ = fs::remove_dir(&self.group);
    }
}

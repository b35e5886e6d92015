//! The freezer of control groups: what is in it stands still, and no signal tells it so, before or after.

use std::{env, fs, path::PathBuf, process};

use crate::{Running, wait_until};

/// A control group of its own, thawed, emptied and removed when dropped.
#[derive(Debug)]
pub struct Freezer {
    group: PathBuf,
    around: PathBuf,
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
        for around in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(PathBuf::from) {
            let group = around.join(format!("livinglock-{name}-{}", process::id()));
            if around.join("cgroup.procs").exists() && fs::create_dir(&group).is_ok() {
                return Some(Self { group, around });
            }
        }
        let why = "needs root and control groups (cgroup2), to freeze a holder";
        assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
        println!("SKIPPED: {why}");
        None
    }

    /// Freezes a job, which is in the group from now on.
    pub fn freeze(&self, job: &Running) {
        self.write("cgroup.procs", &job.id().to_string());
        self.write("cgroup.freeze", "1");
        wait_until("the job is frozen", || {
            fs::read_to_string(self.group.join("cgroup.events"))
                .is_ok_and(|events| events.contains("frozen 1"))
        });
    }

    /// Lets go on whoever is in it.
    pub fn thaw(&self) {
        self.write("cgroup.freeze", "0");
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.group.join(file), text).expect("use the control group");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.group.join("cgroup.freeze"), "0");
        let members = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        for member in members.lines() {
            let _ = fs::write(self.around.join("cgroup.procs"), member);
        }
        let _ = fs::remove_dir(&self.group);
    }
}

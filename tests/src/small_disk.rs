//! A small file system of its own.

use std::{env, path::Path, process::Command};

use tempfile::TempDir;

/// A file system of 256 KiB in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one, which only root may; says so if that cannot be done here, and fails where everything must be tested.
    ///
    /// # Panics
    ///
    /// No folder can be made, or `CI` is set and the disk cannot be mounted.
    #[must_use]
    pub fn mount() -> Option<Self> {
        let disk = Self(tempfile::tempdir().expect("make a folder"));
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(disk.path())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            assert!(
                env::var("CI").as_deref() != Ok("true"),
                "needs root, to mount a small disk"
            );
            println!("SKIPPED: needs root, to mount a small disk");
        }
        mounted.then_some(disk)
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: somebody may have a file open there for an instant longer. Where nothing was mounted it fails, as it should.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

//! Disks that are full, or that nobody may write.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::Path,
    process::Command,
};

use livinglock_tests::SmallDisk;

use crate::{Diagnosis, names};

#[test]
fn a_full_disk_is_a_failure() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let lock = disk.path().join("lock");
    Diagnosis::of(&lock)
        .says("warning", &["KiB left", "make room"])
        .is_fit();
    let mut filler = File::create(disk.path().join("filler")).expect("make a file");
    let error = loop {
        if let Err(error) = filler.write_all(&[b'x'; 512]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    Diagnosis::of(&lock).says(
        "failure",
        &[
            "failed to write to a file beside",
            "make room on its file system",
        ],
    );
    assert_eq!(names(disk.path()), ["filler"]);
}

#[test]
fn a_disk_without_inodes_is_a_failure() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    remount(disk.path(), "nr_inodes=8");
    let last = (0..100).find(|number| File::create(disk.path().join(number.to_string())).is_err());
    Diagnosis::of(&disk.path().join("lock")).says("failure", &["has no inode left"]);
    let count = last.expect("there is an end to it");
    assert_eq!(names(disk.path()).len(), count, "nothing was left behind");
}

#[test]
fn a_read_only_disk_is_a_failure() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    remount(disk.path(), "ro");
    Diagnosis::of(&disk.path().join("lock"))
        .says("failure", &["use a path on a writable file system"]);
}

fn remount(disk: &Path, options: &str) {
    let mut mount = Command::new("mount");
    mount.args(["-o", &format!("remount,{options}")]).arg(disk);
    let status = mount.status();
    assert!(status.is_ok_and(|status| status.success()), "{mount:?}");
}

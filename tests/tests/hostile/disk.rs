//! Disks that are full or read-only: small file systems in a mount namespace of their own.

use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use livinglock::{Error, Lock};
use livinglock_tests::wait_until;

use crate::{
    assert_refused,
    program::{Running, can_unshare, program_under_unshare},
    scratch::Scratch,
};

/// Root, at least of a namespace, and mounts that nobody else sees.
const OWN_MOUNTS: [&str; 2] = ["--map-root-user", "--mount"];

#[test]
fn a_full_disk_is_an_error_and_keeps_a_held_record_whole() {
    on_a_disk("full disk");
}

#[test]
fn a_read_only_disk_is_an_error() {
    on_a_disk("read-only disk");
}

fn on_a_disk(program: &str) {
    if !can_unshare(&OWN_MOUNTS) {
        return;
    }
    let scratch = Scratch::new();
    let mut command = program_under_unshare(&OWN_MOUNTS, program);
    let ended = Running::start(command.env("DISK", scratch.folder())).end();
    assert!(ended.status.success(), "{}", ended.errors);
}

/// A file system of 64 KiB, seen by this process only.
struct Disk(PathBuf);

impl Disk {
    fn mount() -> Self {
        let disk = Self(env::var_os("DISK").unwrap().into());
        disk.run_mount("size=64k");
        disk
    }

    fn run_mount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        assert!(mount.arg(&self.0).status().unwrap().success(), "{mount:?}");
    }

    fn lock(&self) -> PathBuf {
        self.0.join("job.lock")
    }

    /// Uses what is left.
    fn fill(&self, name: &str) {
        let mut filler = File::create(self.0.join(name)).unwrap();
        let error = loop {
            if let Err(error) = filler.write_all(&[b'x'; 512]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    /// Makes room.
    fn empty(&self, name: &str) {
        fs::remove_file(self.0.join(name)).unwrap();
    }
}

/// Whether the kernel knows a lock of the file's first byte. Only by looking: whoever takes a new file before its creator has locked
/// it, owns it.
fn is_held(path: &Path) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap();
    fs::metadata(path).is_ok_and(|found| locks.contains(&format!(":{} 0 0\n", found.ino())))
}

fn heartbeats_of(error: &Error) -> Option<u64> {
    assert!(error.is_busy(), "{error}");
    error.holder().map(|holder| holder.heartbeats)
}

/// Takes and keeps locks while the disk is full.
pub(crate) fn full() {
    let disk = Disk::mount();
    let path = disk.lock();

    disk.fill("filler");
    assert_refused(&path, "make room on its file system");
    assert!(!path.exists(), "an empty file is left behind");
    File::create(&path).unwrap();
    assert_refused(&path, "make room on its file system");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0, "half a record");

    disk.empty("filler");
    let options = Lock::options().heartbeat(Duration::from_millis(10));
    let lock = options.acquire(&path).unwrap();
    disk.fill("filler");
    wait_until("heartbeats are written on the full disk", || {
        lock.heartbeat().unwrap();
        heartbeats_of(&Lock::acquire(&path).unwrap_err()).expect("a whole record") >= 3
    });

    // The old file keeps its room until the holder has a new one, for which there is none.
    fs::remove_file(&path).unwrap();
    wait_until("the file is back", || is_held(&path));
    disk.fill("filler of what became free");
    let unknown = Lock::acquire(&path).unwrap_err();
    heartbeats_of(&unknown);
    disk.empty("filler");
    wait_until("the holder is known again", || {
        lock.heartbeat().unwrap();
        heartbeats_of(&Lock::acquire(&path).unwrap_err()).is_some()
    });
    lock.release().unwrap();
    assert!(!path.exists());
}

/// Tries to take locks on a disk that nobody can write.
pub(crate) fn read_only() {
    let disk = Disk::mount();
    let path = disk.lock();
    disk.run_mount("remount,ro");
    assert_refused(&path, "use a path on a writable file system");

    disk.run_mount("remount,rw");
    File::create(&path).unwrap();
    disk.run_mount("remount,ro");
    assert_refused(&path, "use a path on a writable file system");
    assert_eq!(fs::read(&path).unwrap(), b"");
}

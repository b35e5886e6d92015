//! The kernel, the namespaces, and what cleans up.

use std::{path::Path, process::Command};

use livinglock_tests::Scene;

use crate::{CLI, Diagnosis, can_run, names};

/// A doctor started by another program.
fn under(program: &str, arguments: &[&str], lock: &Path) -> Diagnosis {
    let mut command = Command::new(program);
    command.args(arguments).args([CLI, "doctor"]).arg(lock);
    Diagnosis::by(&mut command)
}

#[test]
fn a_shifted_clock_is_a_warning() {
    const LATER: [&str; 4] = ["--time", "--fork", "--monotonic", "86400"];
    if !can_run("unshare", &LATER) {
        return;
    }
    let scene = Scene::new();
    under("unshare", &LATER, &scene.lock())
        .says("warning", &["the clock is shifted by a time namespace"])
        .is_fit();
}

#[test]
fn the_proc_of_another_namespace_is_a_warning() {
    const OLD_PROC: [&str; 2] = ["--pid", "--fork"];
    if !can_run("unshare", &OLD_PROC) {
        return;
    }
    let scene = Scene::new();
    under("unshare", &OLD_PROC, &scene.lock())
        .says("warning", &["shows another PID namespace", "mount /proc"])
        .is_fit();
}

#[test]
fn a_rule_that_removes_old_files_is_a_warning() {
    const OWN_MOUNTS: [&str; 2] = ["--map-root-user", "--mount"];
    if !can_run("unshare", &OWN_MOUNTS) {
        return;
    }
    let scene = Scene::new();
    let lock = scene.lock();
    for (rule, grade, text) in [
        (
            "d %s 0755 root root 3d",
            "warning",
            "not used for 3d (/run/tmpfiles.d/jobs.conf)",
        ),
        (
            "d %s 0755 root root -",
            "ok",
            "nothing that we know of removes",
        ),
    ] {
        // Rules of this machine, but seen by nobody else.
        let script = format!(
            "mount -t tmpfs tmpfs /run && mkdir /run/tmpfiles.d && printf '{rule}\\n' \"$1\" > /run/tmpfiles.d/jobs.conf && exec \"$2\" doctor \"$3\""
        );
        let mut command = Command::new("unshare");
        command.args(OWN_MOUNTS).args(["sh", "-c", &script, "sh"]);
        command.arg(scene.folder()).arg(CLI).arg(&lock);
        Diagnosis::by(&mut command).says(grade, &[text]).is_fit();
    }
}

/// As on an old kernel, or behind a filter of system calls.
#[test]
fn calls_that_the_kernel_does_not_know_are_found() {
    if !can_run("strace", &["--output=/dev/null"]) {
        return;
    }
    let scene = Scene::new();
    let without = |call: &str, error: &str| {
        let inject = format!("--inject={call}:error={error}");
        under("strace", &["--output=/dev/null", &inject], &scene.lock())
    };
    without("pidfd_open", "ENOSYS")
        .says(
            "warning",
            &["pidfd_open(2) does not work", "on_stale = \"fence\""],
        )
        .is_fit();
    without("membarrier", "ENOSYS")
        .says("warning", &["membarrier(2) does not work"])
        .is_fit();
    without("fcntl", "EINVAL").says("failure", &["kernel locks do not work in"]);
    assert_eq!(names(scene.folder()), [""; 0]);
}

//! A real systemd, the first process of namespaces of its own, with no units but those of a test.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{PATIENCE, Scene, is_running, running::stat, wait_until};

/// What it is booted by, and asked by.
const PROGRAMS: [&str; 5] = ["nsenter", "setpriv", "systemctl", "timeout", "unshare"];

/// Where distributions have it.
const FILES: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// Joins a control group and makes namespaces there, which end with whoever started this.
const OUTSIDE: &str = r#"
echo 0 > "$GROUP/cgroup.procs"
exec unshare --pid --mount --cgroup --uts --ipc --net --fork --kill-child --mount-proc sh -euc "$INSIDE"
"#;

/// Leaves systemd nothing of the machine to change: it sees its own control groups, devices and `/run`, writes into the scene, and reads the
/// rest. As in every container it is told that it is in one.
const INSIDE: &str = r#"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -o remount,bind,ro /sys
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=755 tmpfs "$SCENE/dev"
for device in null zero full random urandom; do
    : > "$SCENE/dev/$device"
    mount --bind "/dev/$device" "$SCENE/dev/$device"
done
mount --move "$SCENE/dev" /dev
mount --bind "$SCENE" "$SCENE"
mount -t tmpfs -o mode=755 tmpfs /run
mount -o remount,bind,ro /
exec env -i container=livinglock PATH="$PATH" SYSTEMD_UNIT_PATH="$SCENE/units" \
    "$SYSTEMD" --system --unit=scene.target --log-target=null --show-status=no
"#;

/// A service manager that is killed with all its services when dropped.
#[derive(Debug)]
pub struct Systemd {
    /// Its parent, `unshare`.
    child: Child,
    process_id: u32,
    group: PathBuf,
    units: PathBuf,
}

impl Systemd {
    /// Boots one that writes into a scene alone. Only root can, with control groups of the second version; says so where it cannot be
    /// done, and fails where everything must be tested but a program is not installed.
    ///
    /// # Panics
    ///
    /// `CI` is set and a program is missing.
    #[must_use]
    pub fn boot(scene: &Scene) -> Option<Self> {
        let file = FILES.into_iter().find(|file| Path::new(file).exists());
        let missing = PROGRAMS
            .into_iter()
            .find(|program| !runs(Command::new(program).arg("--version")));
        let (Some(file), None) = (file, missing) else {
            let why = format!("needs {}", missing.unwrap_or("systemd"));
            assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
            skip(&why);
            return None;
        };
        if !runs(Command::new("unshare").args(["--pid", "--mount", "--cgroup", "--fork", "true"])) {
            skip(
                "no namespaces may be made here, for systemd to boot in; remedy: run as root, with CAP_SYS_ADMIN",
            );
            return None;
        }
        let Some(group) = make_group(scene) else {
            skip("needs control groups of the second version (cgroup2), for systemd to boot in");
            return None;
        };
        let booted = Self::boot_in(group, scene, file);
        if booted.is_none() {
            skip("systemd does not boot here");
        }
        booted
    }

    /// There are machines that have all that it takes, and yet forbid something of it.
    fn boot_in(group: PathBuf, scene: &Scene, file: &str) -> Option<Self> {
        let units = scene.file("units");
        for folder in [&units, &scene.file("dev")] {
            fs::create_dir(folder).expect("make a folder");
        }
        let target = "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n";
        fs::write(units.join("scene.target"), target).expect("write a unit");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "sh", "-euc", OUTSIDE])
            .env("INSIDE", INSIDE)
            .env("GROUP", &group)
            .env("SCENE", scene.folder())
            .env("SYSTEMD", file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("start what boots systemd");
        let mut systemd = Self {
            child,
            process_id: 0,
            group,
            units,
        };
        let deadline = Instant::now() + PATIENCE;
        while systemd.child.try_wait().expect("look at it").is_none() && Instant::now() < deadline {
            if systemd.has_booted() {
                return Some(systemd);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Whether it answers. Only once it runs is it known which process it is.
    fn has_booted(&mut self) -> bool {
        self.process_id = child_of(self.child.id()).unwrap_or_default();
        let name = fs::read_to_string(format!("/proc/{}/comm", self.process_id));
        name.is_ok_and(|name| name.trim() == "systemd")
            && self.control(&["is-system-running"]).status.success()
    }

    /// Writes a unit down, which systemd reads when it first hears of it.
    ///
    /// # Panics
    ///
    /// It cannot be written.
    pub fn write(&self, unit: &str, text: &str) {
        let text = format!("[Unit]\nDefaultDependencies=no\n{text}");
        fs::write(self.units.join(unit), text).expect("write a unit");
    }

    /// Starts a unit, waits until it has started, and tells whether it has.
    #[must_use]
    pub fn start(&self, unit: &str) -> bool {
        self.control(&["start", unit]).status.success()
    }

    /// Has a unit started, whenever it gets ready.
    pub fn begin(&self, unit: &str) {
        self.must(&["start", "--no-block", unit]);
    }

    /// Stops a unit, and waits until it has stopped.
    pub fn stop(&self, unit: &str) {
        self.must(&["stop", unit]);
    }

    /// One of the properties of a unit.
    #[must_use]
    pub fn show(&self, unit: &str, property: &str) -> String {
        let shown = self.must(&["show", "--value", "--property", property, unit]);
        shown.trim_end().to_owned()
    }

    /// Waits until a unit has this property.
    ///
    /// # Panics
    ///
    /// It never has.
    pub fn wait_for(&self, unit: &str, property: &str, value: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.show(unit, property) != value {
            assert!(
                Instant::now() < deadline,
                "{unit} never had {property}={value}: {}",
                self.must(&["show", unit])
            );
            // Each look is three processes.
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn must(&self, arguments: &[&str]) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.control(arguments);
        assert!(
            status.success(),
            "systemctl {arguments:?}: {status}: {}",
            String::from_utf8_lossy(&stderr)
        );
        String::from_utf8(stdout).expect("UTF-8")
    }

    /// What systemctl(1) says to this, in the namespaces of systemd.
    fn control(&self, arguments: &[&str]) -> Output {
        Command::new("timeout")
            .args(["--signal", "KILL", &PATIENCE.as_secs().to_string()])
            .args(["nsenter", "--pid", "--mount", "--target"])
            .arg(self.process_id.to_string())
            .args(["--", "systemctl"])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("start systemctl")
    }
}

/// With the first process of their namespace all others are killed.
impl Drop for Systemd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let first = self.process_id.to_string();
        wait_until("systemd is gone", || !is_running(&first));
        wait_until("its control groups are gone", || remove(&self.group));
    }
}

fn skip(why: &str) {
    // Past the harness, which keeps what tests that pass have said.
    let _ = writeln!(io::stderr(), "** SKIPPED: {why} **");
}

fn runs(command: &mut Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// A control group for systemd and its services, named like the scene.
fn make_group(scene: &Scene) -> Option<PathBuf> {
    let name = scene.folder().file_name()?.to_str()?;
    let name = format!("livinglock-systemd-{}", name.trim_start_matches('.'));
    // Where the second version is mounted: alone, or beside the first one.
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .map(Path::new)
        .filter(|around| around.join("cgroup.controllers").exists())
        .map(|around| around.join(&name))
        .find(|group| fs::create_dir(group).is_ok())
}

/// Removes a control group and those in it; whether it is gone.
fn remove(group: &Path) -> bool {
    let Ok(inner) = fs::read_dir(group) else {
        return true;
    };
    for entry in inner.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    fs::remove_dir(group).is_ok()
}

/// The one process that another has started.
fn child_of(parent: u32) -> Option<u32> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        (stat(id)?.get(1)?.parse() == Ok(parent)).then_some(id)
    })
}

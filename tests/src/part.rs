//! What a job process was told by the test that started it.

use std::{
    env,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    fcntl::{Flock, FlockArg},
    sys::{
        prctl,
        signal::{Signal, raise},
    },
};
use rustix::process::{PTracer, set_ptracer};

use crate::{Stay, wait_until, witness::append};

/// The part that this process plays in a scene.
#[derive(Debug)]
pub struct Part {
    scene: PathBuf,
}

impl Part {
    /// The part of this process, which ends with the test that started it.
    ///
    /// # Panics
    ///
    /// No test has started it.
    #[must_use]
    pub fn of_this_process() -> Self {
        let scene = env::var_os("SCENE").expect("SCENE: this program is started by tests");
        prctl::set_pdeathsig(Signal::SIGKILL).expect("end with the test");
        // Refused where there is no Yama, which is the one to forbid it otherwise.
        let _ = set_ptracer(PTracer::Any);
        Self {
            scene: scene.into(),
        }
    }

    /// The folder of the scene.
    #[must_use]
    pub fn scene(&self) -> &Path {
        &self.scene
    }

    /// The lock file: `LOCK`, or `lock` in the scene.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        env::var_os("LOCK").map_or_else(|| self.scene.join("lock"), PathBuf::from)
    }

    /// A time in milliseconds, if the test has set it.
    ///
    /// # Panics
    ///
    /// It is not a number.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Duration> {
        let text = env::var(name).ok()?;
        Some(Duration::from_millis(text.parse().expect(name)))
    }

    /// Begins to work, before the eyes of the witness.
    pub fn begin(&self) -> Stay {
        Stay::begin(&self.scene)
    }

    /// Waits until the test lets everybody go, if it wants that.
    ///
    /// # Panics
    ///
    /// The gate is not there.
    pub fn wait_at_the_gate(&self) {
        if let Ok(gate) = env::var("GATE") {
            let file = File::open(self.scene.join(&gate)).expect("open the gate");
            append(&self.scene, &format!("{gate}-ready"), "");
            Flock::lock(file, FlockArg::LockShared).expect("wait at the gate");
        }
    }

    /// Stops until the test continues us, if it wants that.
    pub fn stop_if_told(&self) {
        if env::var_os("STOPPED").is_some() {
            self.stop();
        }
    }

    /// Stops until the test continues us.
    ///
    /// # Panics
    ///
    /// The signal cannot be sent.
    pub fn stop(&self) {
        raise(Signal::SIGSTOP).expect("stop");
    }

    /// Whether a file of the scene is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.scene.join(name).exists()
    }

    /// Waits, without a checkpoint, until a file of the scene is there.
    pub fn wait_for(&self, name: &str) {
        wait_until(&format!("the test gives {name}"), || self.has(name));
    }

    /// Adds a line to a list of the scene.
    pub fn note(&self, list: &str, line: &str) {
        append(&self.scene, list, line);
    }
}

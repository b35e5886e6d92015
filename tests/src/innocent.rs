//! A process that has nothing to do with any lock.

use std::process::{Child, Command, Stdio};

/// A process that sleeps and dies of any signal; dropped, it is ended.
#[derive(Debug)]
pub struct Innocent(Child);

impl Innocent {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// There is no sleep(1).
    #[must_use]
    pub fn start() -> Self {
        let sleep = Command::new("sleep")
            .arg("600")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(sleep.expect("start sleep"))
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Fails the test if it was ended.
    ///
    /// # Panics
    ///
    /// It was.
    pub fn assert_alive(&mut self) {
        let status = self.0.try_wait().expect("look at it");
        assert_eq!(status, None, "the innocent process lives");
    }
}

impl Drop for Innocent {
    fn drop(&mut self) {
        // It lives unless the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

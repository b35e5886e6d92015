//! A program of which everything is heard that it says on a pipe or a terminal.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use nix::pty::{Winsize, openpty};

use crate::wait_until;

/// A program that is listened to from its beginning to its end; dropped, it is killed.
#[derive(Debug)]
pub struct Heard {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// A terminal of 100 columns: our side, and that of a program.
///
/// # Panics
///
/// There is none to be had.
#[must_use]
pub fn terminal() -> (File, OwnedFd) {
    let size = Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None).expect("open a terminal");
    (pty.master.into(), pty.slave)
}

impl Heard {
    /// Starts a program, whose words come out here.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub fn start(mut command: Command, mut output: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let copy = said.clone();
        let child = command.spawn().expect("start the command");
        // Its own ends of the pipe or terminal are closed with it, and then the output ends.
        drop(command);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            // Of a terminal whose other side is closed, reading fails.
            while let Ok(read @ 1..) = output.read(&mut piece) {
                lock(&copy).extend_from_slice(&piece[..read]);
            }
        });
        Self {
            child,
            said,
            reader: Some(reader),
        }
    }

    /// All that it has said so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.said)).into_owned()
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn wait_until_it_says(&self, text: &str) {
        wait_until(&format!("the program says {text:?}"), || {
            self.text().contains(text)
        });
    }

    /// Its exit status, if it has ended.
    ///
    /// # Panics
    ///
    /// The kernel does not tell.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("look at the program")
    }

    /// Waits for its end: its exit status, and all that it has said.
    ///
    /// # Panics
    ///
    /// It does not end within [`PATIENCE`](crate::PATIENCE).
    #[must_use]
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut status = None;
        wait_until("the program ends", || {
            status = self.status();
            status.is_some()
        });
        if let Some(reader) = self.reader.take() {
            reader.join().expect("nobody panics");
        }
        (status.expect("it has ended"), self.text())
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(said: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Messages in the protocol of `sd_notify(3)` as proof of work.
//!
//! The socket has a path and not an abstract name: every client knows paths, and they reach across network namespaces, which part
//! abstract names. Into a container, or below a `chroot`, the path has to be mounted.
//!
//! Who may speak is decided by the user that the kernel says has sent a message: root, our own, and those that processes of the
//! command are seen to have. Not by its process: `systemd-notify` and `livinglock beat` have ended before anybody could look where
//! they came from; and whoever has the rights of that user could do worse to the command than to speak for it.
//!
//! A descriptor that comes with a message is closed by the kernel as soon as the message is read. That is what `BARRIER=1` waits for.
//!
//! If we have a service manager ourselves, what the command says is passed on, as if it had been said there: a unit with
//! `Type=notify` or `WatchdogSec=` works with `livinglock run` in between, and so does a run within a run.

use std::{
    env, fs, io,
    net::Shutdown,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Proof, Source};
use crate::{
    cli::notification::{self, Notification},
    error::{Error, Result},
    process::user,
    report,
    service_manager::ServiceManager,
    sys,
};

/// Listens to what the command says.
#[derive(Debug)]
pub(in super::super) struct Notify {
    path: PathBuf,
    /// The process that removes the socket; a forked child leaves it where it is.
    owner: u32,
    listener: Arc<Listener>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Listener {
    socket: UnixDatagram,
    /// Where messages go on to.
    next: Option<ServiceManager>,
    heard: Mutex<Heard>,
}

/// What was said since the last look, and what still stands.
#[derive(Debug)]
struct Heard {
    /// Those who may speak.
    users: Vec<u32>,
    proof: Option<Proof>,
    status: Option<String>,
    /// The last word was that the command hangs.
    is_hung: bool,
    /// Nobody wants to know any more.
    is_over: bool,
}

impl Notify {
    /// Binds a socket of its own. Nobody listens to it before the first look.
    pub(in super::super) fn bind() -> Result<Self> {
        // A service manager that cannot be told is no reason not to run.
        let next = ServiceManager::address()
            .and_then(|address| ServiceManager::at(&address).ok())
            .and_then(|next| next.with_patience(Duration::from_secs(1)).ok());
        let (path, socket) = bind_somewhere()?;
        sys::ask_for_senders(&socket)
            .map_err(|error| Error::io("ask for the senders at", &path, error))?;
        Ok(Self::new(path, socket, next))
    }

    /// Where the command is to send its messages: the value of `NOTIFY_SOCKET` in its environment.
    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }

    fn new(path: PathBuf, socket: UnixDatagram, next: Option<ServiceManager>) -> Self {
        let heard = Heard {
            users: vec![0, sys::effective_user()],
            proof: None,
            status: None,
            is_hung: false,
            is_over: false,
        };
        Self {
            path,
            owner: process::id(),
            listener: Arc::new(Listener {
                socket,
                next,
                heard: Mutex::new(heard),
            }),
            thread: None,
        }
    }
}

impl Source for Notify {
    fn look(&mut self, tree: &[u32]) -> io::Result<Option<Proof>> {
        // Also if it has given up: what was wrong with the socket may have passed.
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let listener = Arc::clone(&self.listener);
            let builder = thread::Builder::new().name("notify".to_owned());
            self.thread = Some(builder.spawn(move || listener.listen())?);
        }
        let mut heard = self.listener.heard();
        for user in tree.iter().filter_map(|process_id| user(*process_id)) {
            if !heard.users.contains(&user) {
                heard.users.push(user);
            }
        }
        Ok(heard.proof.take())
    }
}

impl Drop for Notify {
    fn drop(&mut self) {
        if self.owner != process::id() {
            return;
        }
        self.listener.heard().is_over = true;
        // Wakes the thread. The file may have been removed by a cleaner.
        let _ = self.listener.socket.shutdown(Shutdown::Both);
        let _ = fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Listener {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) {
        sys::block_signals();
        let mut buffer = [0; notification::LONGEST];
        loop {
            let received = sys::receive(&self.socket, &mut buffer);
            let mut heard = self.heard();
            if heard.is_over {
                return;
            }
            match received {
                Ok(received) if received.whole && heard.listens_to(received.user) => {
                    let message = &buffer[..received.length];
                    let was_hung = heard.is_hung;
                    heard.take_in(Notification::parse(message));
                    let is_news = heard.is_hung && !was_hung;
                    drop(heard);
                    if is_news {
                        report::say(&report::beat::hung());
                    }
                    self.pass_on(message);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn pass_on(&self, message: &[u8]) {
        if let Some(next) = &self.next
            && let Some(message) = notification::for_the_next(message)
        {
            // Whoever does not listen has to do without.
            let _ = next.tell(&message);
        }
    }
}

impl Heard {
    fn listens_to(&self, user: Option<u32>) -> bool {
        user.is_some_and(|user| self.users.contains(&user))
    }

    fn take_in(&mut self, said: Notification) {
        if let Some(status) = said.status {
            self.status = Some(status).filter(|status| !status.is_empty());
        }
        if said.is_hung {
            self.proof = None;
            self.is_hung = true;
            return;
        }
        let earlier = self.proof.take();
        let allowed = earlier.as_ref().and_then(|proof| proof.allow);
        if said.is_proof {
            self.is_hung = false;
            self.proof = Some(Proof {
                file: said.file,
                line: said.line,
                message: self.status.clone(),
                progress: said.progress,
                allow: said.allow.or(allowed),
            });
        } else if said.allow.is_some() {
            self.proof = Some(Proof {
                allow: said.allow,
                ..earlier.unwrap_or_default()
            });
        } else {
            self.proof = earlier;
        }
    }
}

/// Binds a socket with a name that nobody knows, in the most private folder that there is.
fn bind_somewhere() -> Result<(PathBuf, UnixDatagram)> {
    let is_root = sys::effective_user() == 0;
    let private = if is_root {
        Some("/run".into())
    } else {
        env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
    };
    // The last one for a path that is too long for the address of a socket.
    let folders = private
        .into_iter()
        .chain([env::temp_dir(), "/tmp".into()])
        .filter(|folder| folder.is_absolute());
    let mut failure = None;
    for folder in folders {
        match bind_in(&folder) {
            Ok((path, socket)) => {
                // The command may go on as another user, who has to be let in. Only where nobody but root can put another file there.
                if is_root && folder == Path::new("/run") {
                    let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o666));
                }
                return Ok((path, socket));
            }
            Err(error) => failure = Some(Error::io("bind a socket in", &folder, error)),
        }
    }
    Err(failure.unwrap_or_else(|| unreachable!("/tmp is absolute")))
}

fn bind_in(folder: &Path) -> io::Result<(PathBuf, UnixDatagram)> {
    let path = folder.join(format!("livinglock-{:032x}", sys::random_u128()?));
    let socket = UnixDatagram::bind(&path)?;
    Ok((path, socket))
}

#[cfg(test)]
mod tests;

//! Whoever listens at `$NOTIFY_SOCKET`: systemd, or a `livinglock run`.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
};
#[cfg(feature = "cli")]
use std::{os::fd::AsFd, time::Duration};

use crate::sys;

/// The variable of the environment that says where messages go.
pub(crate) const VARIABLE: &str = "NOTIFY_SOCKET";

/// The service manager of this process.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl ServiceManager {
    /// The address in the environment, if there is one, and whoever has put it there may hear of us.
    pub(crate) fn address() -> Option<OsString> {
        env::var_os(VARIABLE).filter(|address| !address.is_empty() && !sys::is_set_uid())
    }

    /// The one that listens at an address: a path, or `@name` in the abstract namespace.
    pub(crate) fn at(address: &OsStr) -> io::Result<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "expected an absolute path, or @ and a name",
                ));
            }
        };
        Ok(Self {
            socket: UnixDatagram::unbound()?,
            address,
        })
    }

    /// Loses a message rather than wait for whoever does not read.
    pub(crate) fn without_waiting(self) -> io::Result<Self> {
        self.socket.set_nonblocking(true)?;
        Ok(self)
    }

    /// Gives up on a message that cannot be delivered for so long.
    #[cfg(feature = "cli")]
    pub(crate) fn with_patience(self, patience: Duration) -> io::Result<Self> {
        self.socket.set_write_timeout(Some(patience))?;
        Ok(self)
    }

    /// Sends a message. Whoever does not read makes the sender wait.
    pub(crate) fn tell(&self, message: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send_to_addr(message, &self.address) {
                // With a limit to its patience, the kernel does not go on by itself after a signal.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(drop),
            }
        }
    }

    /// Waits until all that was sent has been read.
    ///
    /// For systemd tells by the process whose message it is, and knows nothing of one that has ended before it gets to reading.
    #[cfg(feature = "cli")]
    pub(crate) fn wait_until_heard(&self, patience: Duration) -> io::Result<()> {
        let (reader, writer) = io::pipe()?;
        self.socket.connect_addr(&self.address)?;
        // Whoever reads this closes the descriptor, at the latest then.
        sys::send_with(&self.socket, b"BARRIER=1", writer.as_fd())?;
        drop(writer);
        if sys::ends_within(reader.as_fd(), patience)? {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceManager;

    #[test]
    fn other_addresses_are_refused() {
        for wrong in ["", "relative", "vsock:2:1234", &"/long".repeat(30)] {
            assert!(ServiceManager::at(wrong.as_ref()).is_err(), "{wrong:?}");
        }
    }
}

//! Messages between two processes, with open files (`unix(7)`, `SOCK_SEQPACKET` and `SCM_RIGHTS`).

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// One end. Messages stay whole; when the other end is gone with its process, the kernel says so.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// What came over a channel.
#[derive(Debug)]
pub(crate) enum Arrival {
    Message(Vec<u8>, Vec<OwnedFd>),
    /// Nothing yet.
    Nothing,
    /// Nothing ever again: the other end is closed.
    Closed,
}

/// The longest message in bytes: room for some numbers, and for the address of a socket.
const LONGEST: usize = 1024;

/// The most files that go with a message.
const FILES: usize = 3;

/// Room for their descriptors, and for the header that comes before them.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    descriptors: [RawFd; FILES],
}

impl Control {
    fn new() -> Self {
        Self {
            // SAFETY: a plain C struct for which all zeroes is a valid value.
            header: unsafe { mem::zeroed() },
            descriptors: [-1; FILES],
        }
    }
}

impl Channel {
    /// Both ends, which no program inherits that is executed.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let mut ends = [-1; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: `ends` is writable for two descriptors.
        if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: two new descriptors that nobody else owns.
        let [one, other] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        Ok((Self(one), Self(other)))
    }

    /// Sends a message, which must not be empty, and up to three files.
    pub(crate) fn send(&self, message: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
        if message.is_empty() || message.len() > LONGEST || files.len() > FILES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = libc::iovec {
            iov_base: message.as_ptr().cast_mut().cast(),
            iov_len: message.len(),
        };
        let mut control = Control::new();
        // SAFETY: a plain C struct for which all zeroes is a valid value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_iov = &raw mut bytes;
        header.msg_iovlen = 1;
        if !files.is_empty() {
            control.header.cmsg_level = libc::SOL_SOCKET;
            control.header.cmsg_type = libc::SCM_RIGHTS;
            control.header.cmsg_len =
                (mem::size_of::<libc::cmsghdr>() + mem::size_of_val(files)) as _;
            for (slot, file) in control.descriptors.iter_mut().zip(files) {
                *slot = file.as_raw_fd();
            }
            header.msg_control = (&raw mut control).cast();
            header.msg_controllen = control.header.cmsg_len;
        }
        // SAFETY: the header leads to the message, which is only read, and to `control`, both with their true lengths.
        let sent =
            unsafe { libc::sendmsg(self.0.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Closes both ends, though what was sent can still be received.
    pub(crate) fn close(&self) {
        // SAFETY: an open descriptor. It fails only if the other end is closed already.
        unsafe { libc::shutdown(self.0.as_raw_fd(), libc::SHUT_RDWR) };
    }

    /// Takes the next message, without waiting for one.
    pub(crate) fn receive(&self) -> io::Result<Arrival> {
        let mut message = [0_u8; LONGEST];
        let mut bytes = libc::iovec {
            iov_base: message.as_mut_ptr().cast(),
            iov_len: message.len(),
        };
        let mut control = Control::new();
        // SAFETY: a plain C struct for which all zeroes is a valid value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_iov = &raw mut bytes;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut control).cast();
        header.msg_controllen = mem::size_of::<Control>() as _;
        // SAFETY: the header leads to writable memory with its true lengths.
        let received = unsafe {
            libc::recvmsg(
                self.0.as_raw_fd(),
                &raw mut header,
                libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT,
            )
        };
        let Ok(length) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Arrival::Nothing),
                // The other end has gone without reading all. That is said once, and before what it has sent.
                io::ErrorKind::ConnectionReset => self.receive(),
                _ => Err(error),
            };
        };
        if length == 0 {
            return Ok(Arrival::Closed);
        }
        let files = control.descriptors.into_iter().filter(|file| *file >= 0);
        // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
        let files = files.map(|file| unsafe { OwnedFd::from_raw_fd(file) });
        Ok(Arrival::Message(
            message[..length].to_vec(),
            files.collect(),
        ))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read, Seek, Write},
    };

    use super::*;

    #[test]
    fn messages_stay_whole_and_bring_their_files() {
        let (one, other) = Channel::pair().expect("a channel");
        assert!(matches!(other.receive(), Ok(Arrival::Nothing)));
        let mut file = File::from(file_in_memory());
        file.write_all(b"shared").expect("write");
        one.send(b"first", &[]).expect("send");
        one.send(b"second", &[file.as_fd(), file.as_fd(), file.as_fd()])
            .expect("send");
        drop(one);
        let Ok(Arrival::Message(message, files)) = other.receive() else {
            panic!("a message");
        };
        assert_eq!((&message[..], files.len()), (&b"first"[..], 0));
        let Ok(Arrival::Message(message, files)) = other.receive() else {
            panic!("a message");
        };
        assert_eq!((&message[..], files.len()), (&b"second"[..], 3));
        for received in files {
            let mut text = String::new();
            let mut received = File::from(received);
            received.rewind().expect("rewind");
            received.read_to_string(&mut text).expect("read");
            assert_eq!(text, "shared");
        }
        assert!(matches!(other.receive(), Ok(Arrival::Closed)));
        assert!(other.send(b"", &[]).is_err());
        assert!(other.send(b"nobody listens", &[]).is_err());
    }

    #[test]
    fn the_last_words_of_an_end_that_has_not_read_all_are_heard() {
        let (one, other) = Channel::pair().expect("a channel");
        other.send(b"an order", &[]).expect("send");
        one.send(b"the last words", &[]).expect("send");
        drop(one);
        let Ok(Arrival::Message(message, _)) = other.receive() else {
            panic!("a message");
        };
        assert_eq!(message, b"the last words");
        assert!(matches!(other.receive(), Ok(Arrival::Closed)));
    }

    fn file_in_memory() -> OwnedFd {
        // SAFETY: a name that ends with a zero; the result is checked before it is owned.
        let descriptor = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(descriptor >= 0);
        // SAFETY: a new descriptor that nobody else owns.
        unsafe { OwnedFd::from_raw_fd(descriptor) }
    }
}

//! Datagrams with the user who has sent them (`unix(7)`, "Ancillary messages").

use std::{
    io,
    mem::{offset_of, size_of, size_of_val, zeroed},
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::net::UnixDatagram,
    },
};

/// Room for the credentials of a sender, and for nothing else.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    credentials: libc::ucred,
}

/// Room for one descriptor.
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    descriptor: libc::c_int,
}

/// What is known of a datagram besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// How many bytes there are.
    pub(crate) length: usize,
    /// There was room for all of it.
    pub(crate) whole: bool,
    /// The user who has sent it, as the kernel says.
    pub(crate) user: Option<u32>,
}

/// Has the kernel tell who has sent each datagram.
pub(crate) fn ask_for_senders(socket: &UnixDatagram) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: an open socket, and an integer that is readable for the whole call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PASSCRED,
            (&raw const on).cast(),
            length,
        )
    };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits for a datagram.
///
/// Descriptors that somebody sends along never become ours: there is no room for them, so the kernel closes them.
pub(crate) fn receive(socket: &UnixDatagram, buffer: &mut [u8]) -> io::Result<Received> {
    // SAFETY: both are plain C structs for which all zeroes is a valid value.
    let (mut control, mut message): (Control, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
    let mut bytes = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    message.msg_iov = &raw mut bytes;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the message leads to the buffer and to `control`, with their true lengths; both are writable for the whole call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let Ok(length) = usize::try_from(length) else {
        return Err(io::Error::last_os_error());
    };
    let is_told = control.header.cmsg_level == libc::SOL_SOCKET
        && control.header.cmsg_type == libc::SCM_CREDENTIALS;
    Ok(Received {
        length,
        whole: message.msg_flags & libc::MSG_TRUNC == 0,
        user: is_told.then_some(control.credentials.uid),
    })
}

/// Sends a datagram over a connected socket, and a descriptor along with it.
pub(crate) fn send_with(
    socket: &UnixDatagram,
    text: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<()> {
    // SAFETY: both are plain C structs for which all zeroes is a valid value.
    let (mut rights, mut message): (Rights, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
    rights.header.cmsg_level = libc::SOL_SOCKET;
    rights.header.cmsg_type = libc::SCM_RIGHTS;
    rights.header.cmsg_len = (offset_of!(Rights, descriptor) + size_of::<libc::c_int>()) as _;
    rights.descriptor = descriptor.as_raw_fd();
    let mut bytes = libc::iovec {
        iov_base: text.as_ptr().cast_mut().cast(),
        iov_len: text.len(),
    };
    message.msg_iov = &raw mut bytes;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut rights).cast();
    message.msg_controllen = size_of::<Rights>() as _;
    // SAFETY: the message leads to the text, which is only read, and to `rights`, with their true lengths; the descriptor is open.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

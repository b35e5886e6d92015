//! The controlling terminal, and which process group has it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
};

use super::signal_mask::SignalMask;

/// The terminal, where this process has one.
#[derive(Debug)]
pub(crate) struct Terminal(File);

impl Terminal {
    /// The terminal of this process, if it has it for itself now: a job in the background does not.
    pub(crate) fn in_foreground() -> Option<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open("/dev/tty")
            .ok()?;
        Some(Self(file)).filter(Self::is_ours)
    }

    /// Whether the process group of this process has it.
    pub(crate) fn is_ours(&self) -> bool {
        // SAFETY: an open descriptor; both calls only return a number.
        unsafe { libc::tcgetpgrp(self.0.as_raw_fd()) == libc::getpgrp() }
    }

    /// Gives it to a process group.
    pub(crate) fn give_to(&self, leader: u32) {
        let mask = SignalMask::block(libc::SIGTTOU);
        // SAFETY: an open descriptor and a number. A group that has ended leaves it as it is.
        unsafe { libc::tcsetpgrp(self.0.as_raw_fd(), leader.cast_signed()) };
        mask.set();
    }

    /// Takes it back from a process group, unless that has it no more.
    pub(crate) fn take_back_from(&self, leader: u32) {
        // SAFETY: an open descriptor; both calls only return a number.
        let (holder, own) = unsafe { (libc::tcgetpgrp(self.0.as_raw_fd()), libc::getpgrp()) };
        if holder == leader.cast_signed() {
            self.give_to(own.unsigned_abs());
        }
    }

    /// Another descriptor of it.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.0.try_clone().map(OwnedFd::from)
    }
}

/// How wide the terminal is that standard output is, in columns; `None` if it is none, or does not tell.
pub(crate) fn columns_of_stdout() -> Option<usize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the size is writable for the whole call; of what is no terminal the call is an error.
    let told = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) } == 0;
    (told && size.ws_col > 0).then(|| usize::from(size.ws_col))
}

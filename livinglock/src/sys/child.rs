//! Children: forked, executed, and reaped with their orphans.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus},
};

use super::{block_signals, signal::Disposition, signal_mask::SignalMask};

/// Forks this process, which must have one thread only. `None` in the child, else the child's number.
pub(crate) fn fork() -> io::Result<Option<u32>> {
    if fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1) {
        return Err(io::Error::other("the process has more than one thread"));
    }
    // SAFETY: there is no other thread that could hold a lock now which the child would find locked for ever.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        child => Ok(Some(child.unsigned_abs())),
    }
}

/// Makes this process the parent of its orphaned descendants, daemons included, so that none of them gets out of its sight.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: integers only.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Names the calling thread, and so a process of one thread, as others see it.
pub(crate) fn set_name(name: &std::ffi::CStr) {
    // SAFETY: a text that ends with a zero; what is longer than 15 bytes is cut off.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// What became of some child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Ended(u32, ExitStatus),
    /// By a signal, such as that of Ctrl-Z.
    Stopped(u32),
    /// No child has changed.
    Nothing,
    /// There is no child.
    Nobody,
}

/// Takes note of one child that has ended or was stopped, without waiting for one.
pub(crate) fn reap() -> Change {
    let mut status = 0;
    // SAFETY: `status` is writable for the whole call.
    match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
        0 => Change::Nothing,
        -1 => Change::Nobody,
        child if libc::WIFSTOPPED(status) => Change::Stopped(child.unsigned_abs()),
        child => Change::Ended(child.unsigned_abs(), ExitStatus::from_raw(status)),
    }
}

/// Waits until this child has ended.
pub(crate) fn wait_for(child: u32) -> io::Result<ExitStatus> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is writable for the whole call.
        if unsafe { libc::waitpid(child.cast_signed(), &raw mut status, 0) } >= 0 {
            return Ok(ExitStatus::from_raw(status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Sends a signal to a process group. The caller must know that its number is not another group's by now: its leader is not reaped.
pub(crate) fn signal_group(leader: u32, signal: i32) -> io::Result<()> {
    // SAFETY: integers only.
    match unsafe { libc::kill(-leader.cast_signed(), signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Stops this process, as Ctrl-Z does; returns when it is continued.
pub(crate) fn stop_ourselves() {
    // SAFETY: integers only.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

/// Leads the standard input and output of this process nowhere: what they led to is not kept open by us any more.
pub(crate) fn let_go_of_stdin_and_stdout() {
    let nowhere = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null");
    if let Ok(nowhere) = nowhere {
        for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
            // SAFETY: an open descriptor, and one of which no Rust object has the ownership.
            unsafe { libc::dup2(nowhere.as_raw_fd(), stream) };
        }
    }
}

/// How a command finds itself when it is executed.
#[derive(Debug)]
pub(crate) struct Start {
    /// The signals that it blocks.
    pub(crate) mask: SignalMask,
    /// It ignores SIGCHLD.
    pub(crate) ignores_sigchld: bool,
    /// It gets this terminal.
    pub(crate) terminal: Option<OwnedFd>,
}

/// Has a command begin in a process group of its own, and end with the calling thread.
pub(crate) fn begin_apart(command: &mut Command, start: Start) {
    let parent = std::process::id();
    let prepare = move || {
        // The standard library has just unblocked them all, and to give the terminal away takes that one of them is blocked.
        block_signals();
        // SAFETY: integers only.
        unsafe {
            if libc::setpgid(0, 0) != 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // Gone before it was asked to take us with it.
            if libc::getppid().unsigned_abs() != parent {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if let Some(terminal) = &start.terminal {
                // One that was hung up meanwhile has no use for it.
                libc::tcsetpgrp(terminal.as_raw_fd(), libc::getpgrp());
            }
        }
        if start.ignores_sigchld {
            Disposition::ignore(libc::SIGCHLD);
        }
        start.mask.set();
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes system calls only; it allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare) };
}

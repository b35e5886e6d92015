//! Of the kernel and the namespaces.

use super::Finding;

pub(crate) fn proc(is_ours: bool) -> Finding {
    if is_ours {
        return Finding::good("/proc shows the processes of our PID namespace");
    }
    Finding::warning(
        "/proc is missing, or shows another PID namespace: a holder that does not answer cannot be proven, and is never ended; mount /proc (unshare --mount-proc)",
    )
}

pub(crate) fn boot_id(is_known: bool) -> Finding {
    if is_known {
        return Finding::good("the id of this boot can be read");
    }
    Finding::warning(
        "/proc/sys/kernel/random/boot_id cannot be read: a run before a reboot looks like one of this boot; mount /proc",
    )
}

pub(crate) fn clock(is_shifted: bool) -> Finding {
    if !is_shifted {
        return Finding::good("the clock is that of the machine");
    }
    Finding::warning(
        "the clock is shifted by a time namespace: ages cannot be told between here and outside, and holders there are asked for proof instead; run all jobs of one lock in one namespace",
    )
}

pub(crate) fn pidfd(distinguishes: Option<bool>) -> Finding {
    match distinguishes {
        Some(true) => Finding::good("processes are told apart for ever (pidfd with pidfs)"),
        Some(false) => Finding::good(
            "processes are told apart by pidfd and start time (pidfs, from Linux 6.9 on, is surer)",
        ),
        None => Finding::warning(
            "pidfd_open(2) does not work (a kernel before 5.3, or a seccomp filter): a holder that does not answer is never ended; allow the call, or use `on_stale = \"fence\"`",
        ),
    }
}

pub(crate) fn membarrier(works: bool) -> Finding {
    if works {
        return Finding::good("checkpoints are as fast as can be (membarrier)");
    }
    Finding::warning(
        "membarrier(2) does not work (an old kernel, or a seccomp filter): a checkpoint takes some nanoseconds more; allow the call",
    )
}

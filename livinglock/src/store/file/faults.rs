//! Seams of the protocol: places where a test may delay, stop or kill the process, and steps that a test may leave out.
//!
//! Without the feature `fault-injection` all of this is nothing. With it, the environment variable `LIVINGLOCK_FAULTS` holds a list
//! like `delay=500,kill/200,kill@write,stop@guard,end@releasing,omit=compare`: at each step a random delay of up to so many
//! microseconds, death with a chance of one in so many; at one step death, a stop, or the end of the thread alone; and protections
//! left out, so that tests can prove that they matter.

/// A step of the protocol, by the name that the model and the tests use.
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(dead_code, reason = "named for the tests")
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step(&'static str);

impl Step {
    pub(crate) const OPENED: Self = Self("opened");
    pub(crate) const CREATED: Self = Self("created");
    pub(crate) const JUDGED: Self = Self("judged");
    pub(crate) const GUARDED: Self = Self("guarded");
    pub(crate) const HELD: Self = Self("held");
    pub(crate) const COMPARED: Self = Self("compared");
    pub(crate) const WRITTEN: Self = Self("written");
    pub(crate) const ASKED: Self = Self("asked");
    pub(crate) const WATCHED: Self = Self("watched");
    pub(crate) const CHECKED: Self = Self("checked");
    pub(crate) const RECREATED: Self = Self("recreated");
    pub(crate) const RELEASING: Self = Self("releasing");
    pub(crate) const UNLINKING: Self = Self("unlinking");
    pub(crate) const UNLINKED: Self = Self("unlinked");
    pub(crate) const FENCING: Self = Self("fencing");
    pub(crate) const FENCED: Self = Self("fenced");
}

/// A protection that a test may leave out.
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(dead_code, reason = "named for the tests")
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protection(&'static str);

impl Protection {
    /// Comparing the open file with what the path names.
    pub(crate) const COMPARE: Self = Self("compare");
    /// The guard while initialising.
    pub(crate) const GUARD_CLAIM: Self = Self("guard-claim");
    /// The guard while replacing.
    pub(crate) const GUARD_FENCE: Self = Self("guard-fence");
    /// The guard while unlinking.
    pub(crate) const GUARD_UNLINK: Self = Self("guard-unlink");
    /// Beating for a while before the job of a fence starts.
    pub(crate) const PROBATION: Self = Self("probation");
    /// Waiting after a sleep until the pulse has looked.
    pub(crate) const HOLD: Self = Self("hold");
    /// Closing the gate before giving way.
    pub(crate) const GATE: Self = Self("gate");
    /// Knowing by its process that a holder has gone: without it every holder is as on another machine.
    pub(crate) const PROCESS: Self = Self("process");
    /// Leaving before a lease can have run out.
    pub(crate) const LEASE: Self = Self("lease");
}

#[cfg(not(feature = "fault-injection"))]
mod seams {
    use super::{Protection, Step};

    #[inline]
    pub(crate) fn reach(_step: Step) {}

    #[inline]
    pub(crate) fn omits(_protection: Protection) -> bool {
        false
    }
}

#[cfg(feature = "fault-injection")]
mod seams {
    use std::{sync::OnceLock, thread, time::Duration};

    use super::{Protection, Step};
    use crate::sys::{self, PidFd};

    #[derive(Default)]
    struct Faults {
        delay: Option<u64>,
        odds_of_death: Option<u64>,
        kill_at: Vec<String>,
        stop_at: Vec<String>,
        end_at: Vec<String>,
        omit: Vec<String>,
    }

    impl Faults {
        fn asked_for() -> &'static Self {
            static FAULTS: OnceLock<Faults> = OnceLock::new();
            FAULTS.get_or_init(|| {
                let mut faults = Self::default();
                let list = std::env::var("LIVINGLOCK_FAULTS").unwrap_or_default();
                for fault in list.split(',').filter(|fault| !fault.is_empty()) {
                    if let Some(microseconds) = fault.strip_prefix("delay=") {
                        faults.delay = microseconds.parse().ok();
                    } else if let Some(odds) = fault.strip_prefix("kill/") {
                        faults.odds_of_death = odds.parse().ok();
                    } else if let Some(step) = fault.strip_prefix("kill@") {
                        faults.kill_at.push(step.to_owned());
                    } else if let Some(step) = fault.strip_prefix("stop@") {
                        faults.stop_at.push(step.to_owned());
                    } else if let Some(step) = fault.strip_prefix("end@") {
                        faults.end_at.push(step.to_owned());
                    } else if let Some(protection) = fault.strip_prefix("omit=") {
                        faults.omit.push(protection.to_owned());
                    } else {
                        panic!("unknown fault {fault:?} in LIVINGLOCK_FAULTS");
                    }
                }
                faults
            })
        }
    }

    fn random_below(bound: u64) -> u64 {
        let random = sys::random_u128().unwrap_or_default();
        u64::try_from(random % u128::from(bound.max(1))).unwrap_or_default()
    }

    fn signal_ourselves(signal: i32) {
        if let Ok(ourselves) = PidFd::open(std::process::id()) {
            let _ = ourselves.signal(signal);
            // The signal is for the process: this thread runs on until it is delivered.
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn reach(step: Step) {
        let faults = Faults::asked_for();
        if let Some(most) = faults.delay {
            thread::sleep(Duration::from_micros(random_below(most)));
        }
        let unlucky = faults
            .odds_of_death
            .is_some_and(|odds| random_below(odds) == 0);
        if unlucky || faults.kill_at.iter().any(|name| name == step.0) {
            signal_ourselves(PidFd::SIGKILL);
        }
        if faults.stop_at.iter().any(|name| name == step.0) {
            signal_ourselves(PidFd::SIGSTOP);
        }
        if faults.end_at.iter().any(|name| name == step.0) {
            sys::end_thread();
        }
    }

    pub(crate) fn omits(protection: Protection) -> bool {
        Faults::asked_for()
            .omit
            .iter()
            .any(|name| name == protection.0)
    }
}

pub(crate) use seams::{omits, reach};

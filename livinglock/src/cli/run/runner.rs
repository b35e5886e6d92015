//! The runner: the process that was started, which holds the lock, and looks what its command proves.

use std::{
    collections::HashMap,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    process::{self, ExitStatus},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    keeper::{Heard, Keeper},
    sources::{Output, Proof, Source},
    words::{News, Order, Variable},
};
use crate::{
    error::{Error, Result},
    exit_status,
    gate::{self, Passed},
    process::{Family, FileId, descendants},
    pulse::Held,
    report,
    site::Site,
    stop::Stop,
    sys::{self, Disposition, SignalFd, Terminal},
};

/// What the command is watched by, and given.
pub(super) struct Watch {
    pub(super) sources: Vec<Box<dyn Source>>,
    /// Copies what the command writes; its pipes are `streams`.
    pub(super) output: Option<Output>,
    pub(super) streams: Vec<OwnedFd>,
    pub(super) variables: Vec<Variable>,
}

/// A run whose lock is held.
pub(super) struct Runner<'a> {
    name: &'a str,
    held: &'a Held,
    grace: Duration,
    keeper: Keeper,
    terminal: Option<Terminal>,
    watch: Watch,
    /// What was proven last, where it was, and how far.
    told: Passed,
    /// The command need not prove anything before.
    allowed: Option<Instant>,
    command: Option<u32>,
    stop: Option<Stop>,
    lock: Option<FileId>,
    wakes: u32,
}

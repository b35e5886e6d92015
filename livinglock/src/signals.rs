//! Signals that stop a graceful job instead of ending its process.

use std::{
    io,
    sync::{Mutex, PoisonError},
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::{
    pulse::{self, Reception},
    sys::{Barrier, Disposition},
};

/// Listens to SIGTERM, SIGINT and SIGHUP from now on, but not to those that are ignored, as SIGHUP is under `nohup`.
pub(crate) fn listen() -> io::Result<()> {
    static LISTENS: Mutex<bool> = Mutex::new(false);
    let mut listens = LISTENS.lock().unwrap_or_else(PoisonError::into_inner);
    if *listens {
        return Ok(());
    }
    let dispositions = [SIGTERM, SIGINT, SIGHUP].map(|signal| (signal, Disposition::of(signal)));
    let heeded = dispositions
        .iter()
        .filter(|(_, disposition)| *disposition != Disposition::Ignored)
        .map(|(signal, _)| *signal);
    let mut signals = Signals::new(heeded)?;
    // While the process has one thread this is granted at once.
    Barrier::of_this_process();
    thread::Builder::new()
        .name("livinglock-sig".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let number = u8::try_from(signal).unwrap_or(u8::MAX);
                let is_ours = dispositions.contains(&(signal, Disposition::Default));
                let ends = match pulse::signal_the_graceful(number) {
                    Reception::First => false,
                    Reception::Again => true,
                    // Whoever handled it before us was called, and knows what to do.
                    Reception::Nobody => is_ours,
                };
                if ends {
                    // It fails for signals that do not exist.
                    let _ = emulate_default_handler(signal);
                }
            }
        })?;
    *listens = true;
    Ok(())
}

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
    pulse,
    stop::Stop,
    sys::{self, Barrier},
};

/// Listens to SIGTERM, SIGINT and SIGHUP from now on, but not to those that are ignored, as SIGHUP is under `nohup`.
pub(crate) fn listen() -> io::Result<()> {
    static LISTENS: Mutex<bool> = Mutex::new(false);
    let mut listens = LISTENS.lock().unwrap_or_else(PoisonError::into_inner);
    if *listens {
        return Ok(());
    }
    let heeded =
        [SIGTERM, SIGINT, SIGHUP].map(|signal| (!sys::is_ignored(signal)).then_some(signal));
    let mut signals = Signals::new(heeded.into_iter().flatten())?;
    // While the process has one thread this is granted at once.
    Barrier::of_this_process();
    thread::Builder::new()
        .name("livinglock-sig".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let stop = Stop::Signal(u8::try_from(signal).unwrap_or(u8::MAX));
                // The second one, and one that finds no graceful job, does what it would do without us.
                if !pulse::stop_the_graceful(stop) {
                    // It fails for signals that do not exist.
                    let _ = emulate_default_handler(signal);
                }
            }
        })?;
    *listens = true;
    Ok(())
}

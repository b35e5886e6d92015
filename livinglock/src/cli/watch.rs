//! `livinglock watch`: locks as they change.

mod bars;
mod lines;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Args;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    low_level::emulate_default_handler,
};

use super::{
    place::{Place, shown},
    status::{Seen, Verdict, look, print},
};
use crate::{
    error::{Error, Result},
    report,
    sys::Disposition,
};
use bars::Bars;
use lines::Lines;

/// Watch locks until nobody holds them any more.
///
/// On a terminal there is a bar for each lock; elsewhere a line for each change. The locks are only looked at, as by
/// `livinglock status`. It ends as soon as every one of them is free, or was left behind by a run that is gone.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit status: that of `livinglock status` at the end, so 3 when every lock was released.

NO_COLOR is honoured. Ctrl-C ends it.

Example: livinglock watch /var/run/nightly.lock")]
pub(super) struct Watch {
    /// Lock files, folders with lock files, locks in stores like `postgres://db1/app#nightly`, or whole stores
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
}

/// How the locks are shown.
enum View {
    Bars(Bars),
    Lines(Lines),
}

impl Watch {
    /// How often the locks are looked at: a look takes microseconds.
    const PAUSE: Duration = Duration::from_millis(200);

    pub(super) fn run(&self) -> Result<ExitCode> {
        let signal = Signal::listen().map_err(|error| {
            Error::io(
                "listen to signals while watching",
                &shown(&self.paths[0]),
                error,
            )
        })?;
        let mut view =
            Bars::on_the_terminal().map_or_else(|| View::Lines(Lines::default()), View::Bars);
        let mut known = Vec::new();
        loop {
            let seen = self.look(&mut known);
            if seen.is_empty() {
                let _ = print(&report::no_lock_in(
                    self.paths.iter().map(|path| shown(path)),
                ));
            }
            let is_read = view.show(&seen);
            if !is_read || seen.iter().all(Seen::is_settled) {
                view.leave();
                return Ok(Verdict::of(&seen).into());
            }
            if let Some(signal) = signal.received() {
                view.leave();
                // Ends us as if we had not listened, so that a shell in a loop ends too.
                let _ = emulate_default_handler(signal);
            }
            thread::sleep(Self::pause(&known));
        }
    }

    /// Looks at the locks; also at those whose file has gone from its folder since.
    fn look(&self, known: &mut Vec<Place>) -> Vec<Seen> {
        let mut seen = look(&self.paths, known);
        let is_seen = |place: &&Place| seen.iter().any(|seen| seen.path == place.path());
        let gone: Vec<Place> = known
            .iter()
            .filter(|place| !is_seen(place))
            .cloned()
            .collect();
        seen.extend(gone.into_iter().map(Seen::of));
        for place in seen.iter().filter_map(|seen| seen.place.as_ref()) {
            if !known.iter().any(|known| known.path() == place.path()) {
                known.push(place.clone());
            }
        }
        seen
    }

    /// How long to wait until the next look.
    fn pause(known: &[Place]) -> Duration {
        let slowest = known.iter().map(Place::pause).max();
        slowest.unwrap_or_default().max(Self::PAUSE)
    }
}

impl View {
    /// Shows the locks; whether anybody is there to read it.
    fn show(&mut self, seen: &[Seen]) -> bool {
        match self {
            Self::Bars(bars) => {
                bars.show(seen);
                true
            }
            Self::Lines(lines) => lines.show(seen).is_ok(),
        }
    }

    fn leave(&self) {
        if let Self::Bars(bars) = self {
            bars.leave();
        }
    }
}

/// The signal that tells us to end, once it has come.
struct Signal(Arc<AtomicUsize>);

impl Signal {
    fn listen() -> std::io::Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            if Disposition::of(signal) == Disposition::Default {
                let number = usize::try_from(signal).unwrap_or_default();
                flag::register_usize(signal, received.clone(), number)?;
            }
        }
        Ok(Self(received))
    }

    fn received(&self) -> Option<i32> {
        let number = self.0.load(Ordering::Relaxed);
        i32::try_from(number).ok().filter(|number| *number != 0)
    }
}

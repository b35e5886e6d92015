//! A bar on the terminal of a job that counts its work.

use std::{
    fmt,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{News, desk::Observer};
use crate::{
    record::{Checkpoint, Record},
    report,
};

/// The bars of all jobs of this process.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Whoever writes to the terminal: so that the pulse can see that somebody does, and not wait for as long as that takes.
static SCREEN: Mutex<()> = Mutex::new(());

/// The bar of one run, from its first count on.
#[derive(Debug, Default)]
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar, if standard error is a terminal: elsewhere it would only be in the way.
    pub(super) fn on_the_terminal() -> Option<Self> {
        (!BARS.is_hidden()).then(Self::default)
    }

    fn show(&mut self, record: &Record, checkpoint: &Checkpoint, done: u64, total: u64) {
        let bar = self.0.get_or_insert_with(|| {
            let bar = BARS.add(ProgressBar::hidden().with_style(style()));
            bar.set_prefix(report::escaped(&record.name));
            bar
        });
        let message = checkpoint.message.as_deref().unwrap_or_default();
        bar.set_message(report::escaped(message));
        count(bar, done, total);
        // No oftener than the pulse looks; and what is left out now might never be shown.
        bar.force_draw();
    }
}

impl Observer for Bar {
    fn hear(&mut self, news: &News, record: Option<&Record>) {
        let _screen = screen();
        match (news, record) {
            (News::Progressed, Some(record)) => {
                if let Some(checkpoint) = &record.checkpoint
                    && let (Some(done), Some(total)) = (checkpoint.done, checkpoint.total)
                {
                    self.show(record, checkpoint, done, total);
                }
            }
            (News::Ended(_), _) => {
                if let Some(bar) = self.0.take() {
                    bar.finish_and_clear();
                    BARS.remove(&bar);
                }
            }
            _ => {}
        }
    }
}

fn count(bar: &ProgressBar, done: u64, total: u64) {
    // Another loop, and another pace: that of what is done from now on, since nobody knows how long the rest took.
    let begins = bar.length() != Some(total) || done < bar.position();
    if begins {
        bar.reset();
        bar.set_length(total);
    }
    bar.set_position(done);
    if begins {
        bar.reset_eta();
    }
}

fn style() -> ProgressStyle {
    let write_pace = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // It fails where memory does.
        let _ = text.write_str(&report::pace_of(state.per_sec(), state.eta()));
    };
    ProgressStyle::with_template("{prefix} [{bar:32}] {pos}/{len} ({percent}%){pace}  {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("pace", write_pace)
        .progress_chars("#>-")
}

fn screen() -> MutexGuard<'static, ()> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs this while no bar of the key `progress` is on the terminal, so that what it prints there stays whole.
///
/// Lines on standard error or standard output that come between would begin where the bar ends. Without a bar it is a plain call.
///
/// ```
/// livinglock::suspend_progress(|| println!("imported a.csv"));
/// ```
pub fn suspend_progress<T>(print: impl FnOnce() -> T) -> T {
    let _screen = screen();
    BARS.suspend(print)
}

/// The same for the pulse, which waits for nobody for long.
pub(crate) fn suspend_if_possible(print: impl FnOnce()) {
    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(5);
    let deadline = Instant::now() + PATIENCE;
    let screen = loop {
        match SCREEN.try_lock() {
            Ok(screen) => break Some(screen),
            Err(TryLockError::Poisoned(screen)) => break Some(screen.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => break None,
        }
    };
    match screen {
        Some(_screen) => BARS.suspend(print),
        None => print(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_the_bar_was_there_is_no_pace() {
        let bar = ProgressBar::hidden();
        count(&bar, 1000, 5000);
        assert!(bar.per_sec() < 1.0, "{}", bar.per_sec());
        // The next loop.
        count(&bar, 900, 6000);
        assert!(bar.per_sec() < 1.0, "{}", bar.per_sec());
    }
}

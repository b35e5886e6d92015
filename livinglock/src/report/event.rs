//! How a sentence reaches people: as a line on standard error, or as an event of `tracing` where somebody collects those.

use std::{path::Path, time::Duration};

use crate::record::Record;

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A run yields.
    Busy,
    /// The lock cannot be had, or released.
    Failed,
    /// The run before ended without releasing, or gave way.
    Predecessor,
    /// A holder passes no checkpoint.
    Silent,
    /// A hung holder was asked for its lock.
    Closing,
    /// A lease is about to run out.
    Expiring,
    /// A lease cannot be renewed.
    Troubled,
    /// A holder is told to stop.
    Stopping,
    /// It has stopped at a checkpoint.
    Stopped,
    /// It has reached none in time, and loses the lock.
    GivenUp,
    /// A holder that does not answer is ended.
    Terminating,
    /// The file of such a holder is replaced.
    Fenced,
    /// Somebody outside cannot be told of a run, or a file that tells of it cannot be written.
    #[cfg(any(feature = "metrics", feature = "ping"))]
    Untold,
}

/// A sentence, with what it is about in a form for machines.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "for whoever collects events")
)]
pub(crate) struct Event<'a> {
    pub(crate) outcome: Outcome,
    /// Or the file that cannot be written.
    pub(crate) lock: &'a Path,
    /// Of the holder, or of the run before.
    pub(crate) record: Option<&'a Record>,
    /// For how long there was no checkpoint, if that is what it is about.
    pub(crate) silence: Option<Duration>,
}

impl<'a> Event<'a> {
    pub(crate) fn new(outcome: Outcome, lock: &'a Path, record: Option<&'a Record>) -> Self {
        Self {
            outcome,
            lock,
            record,
            silence: None,
        }
    }

    pub(crate) fn after(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    /// Says it once: to whoever collects events, or before there is anybody to standard error.
    #[cfg_attr(
        not(feature = "tracing"),
        expect(clippy::unused_self, reason = "for whoever collects events")
    )]
    pub(crate) fn say(&self, sentence: &str) {
        #[cfg(feature = "testing")]
        let is_heard = crate::testing::hear(sentence);
        #[cfg(feature = "tracing")]
        if emission::is_collected() {
            return self.emit(sentence);
        }
        #[cfg(feature = "testing")]
        if is_heard {
            return;
        }
        super::say(sentence);
    }
}

#[cfg(feature = "tracing")]
mod emission {
    use tracing::{Level, dispatcher, event, field, subscriber::NoSubscriber};

    use super::{Event, Outcome};
    use crate::record::milliseconds;

    /// Whether a subscriber of the calling thread, or of all, takes events.
    pub(super) fn is_collected() -> bool {
        dispatcher::get_default(|subscriber| !subscriber.is::<NoSubscriber>())
    }

    impl Outcome {
        fn name(self) -> &'static str {
            match self {
                Self::Busy => "busy",
                Self::Failed => "failed",
                Self::Predecessor => "predecessor",
                Self::Silent => "silent",
                Self::Closing => "closing",
                Self::Expiring => "expiring",
                Self::Troubled => "troubled",
                Self::Stopping => "stopping",
                Self::Stopped => "stopped",
                Self::GivenUp => "given_up",
                Self::Terminating => "terminating",
                Self::Fenced => "fenced",
                #[cfg(any(feature = "metrics", feature = "ping"))]
                Self::Untold => "untold",
            }
        }
    }

    impl Event<'_> {
        pub(super) fn emit(&self, sentence: &str) {
            let lock = self.lock.display();
            let outcome = self.outcome.name();
            let record = self.record;
            let checkpoint = record.and_then(|record| record.checkpoint.as_ref());
            let process_id = record.map(|record| record.process_id);
            let name = record.map(|record| &*record.name);
            let host = record.map(|record| &*record.host);
            let fencing_token = record.map(|record| record.fencing_token);
            let site = checkpoint.map(|it| field::display(format!("{}:{}", it.file, it.line)));
            let at = checkpoint.and_then(|it| it.message.as_deref());
            let done = checkpoint.and_then(|it| it.done);
            let total = checkpoint.and_then(|it| it.total);
            let silence_ms = self.silence.map(milliseconds);
            macro_rules! emit {
                ($level:expr) => {
                    event!(
                        target: "livinglock",
                        $level,
                        %lock,
                        outcome,
                        process_id,
                        name,
                        host,
                        fencing_token,
                        site,
                        at,
                        done,
                        total,
                        silence_ms,
                        "{sentence}"
                    )
                };
            }
            match self.outcome {
                Outcome::Busy => emit!(Level::INFO),
                Outcome::Predecessor
                | Outcome::Silent
                | Outcome::Troubled
                | Outcome::Stopping
                | Outcome::Stopped
                | Outcome::Terminating
                | Outcome::Fenced => emit!(Level::WARN),
                #[cfg(any(feature = "metrics", feature = "ping"))]
                Outcome::Untold => emit!(Level::WARN),
                Outcome::Failed | Outcome::Closing | Outcome::Expiring | Outcome::GivenUp => {
                    emit!(Level::ERROR);
                }
            }
        }
    }
}

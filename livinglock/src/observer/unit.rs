//! What a service manager is told of a batch that is its unit, by `sd_notify(3)`: only what was proven.

use std::time::Duration;

use super::News;
use crate::{pulse::Role, record::Record, report, service_manager::ServiceManager};

/// The unit that this process is, where systemd or a `livinglock run` listens (`$NOTIFY_SOCKET`).
#[derive(Debug)]
pub(super) struct Unit(ServiceManager);

impl Unit {
    /// The unit of a batch that is the process; `None` if nobody listens.
    pub(super) fn of(role: Role) -> Option<Self> {
        if role != Role::Main {
            return None;
        }
        let address = ServiceManager::address()?;
        // An address that cannot be used is nobody's.
        let manager = ServiceManager::at(&address).ok()?.without_waiting().ok()?;
        Some(Self(manager))
    }

    /// Hears of it, and passes on what a service manager understands.
    pub(super) fn hear(&self, news: &News, record: Option<&Record>) {
        match (news, record) {
            (News::Began(_), _) => self.tell("READY=1"),
            (News::Progressed, Some(record)) => self.feed(record),
            (News::Stopping(_) | News::Ended(_), _) => self.tell("STOPPING=1"),
            _ => {}
        }
    }

    /// A checkpoint was passed: the watchdog is fed, and the unit may take its time for as long as a job that works may be silent.
    fn feed(&self, record: &Record) {
        let patience = record.stale() + record.grace();
        self.tell(&format!(
            "WATCHDOG=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS={}",
            patience.min(LONGEST_PATIENCE).as_micros(),
            report::status_line(record)
        ));
    }

    fn tell(&self, message: &str) {
        // Whoever does not read hears of the next one.
        let _ = self.0.tell(message.as_bytes());
    }
}

/// What a service manager can count, in microseconds, with room to spare.
const LONGEST_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

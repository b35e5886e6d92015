//! What a service manager is told of a batch that is its unit, by `sd_notify(3)`: only what was proven.

use std::time::Duration;

use super::Role;
use crate::{record::Record, report, service_manager::ServiceManager};

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

    /// That the lock is held, and the job begins.
    pub(super) fn is_ready(&self) {
        self.tell("READY=1");
    }

    /// That a checkpoint was passed: the watchdog is fed, and the unit may take its time for as long as a job that works may be silent.
    pub(super) fn has_progressed(&self, record: &Record) {
        let patience = record.stale() + record.grace();
        self.tell(&format!(
            "WATCHDOG=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS={}",
            patience.min(LONGEST_PATIENCE).as_micros(),
            report::status_line(record)
        ));
    }

    /// That the job is told to stop, or is done.
    pub(super) fn is_stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, message: &str) {
        // Whoever does not read hears of the next one.
        let _ = self.0.tell(message.as_bytes());
    }
}

/// What a service manager can count, in microseconds, with room to spare.
const LONGEST_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

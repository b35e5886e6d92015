//! Pings of a server that expects to hear from a job, by the protocol of healthchecks.io: `/start`, success, `/fail`, an exit status.
//!
//! A run that yields pings nobody: the one that works has pinged, or will. Success in its name would hide that this one hangs, and a failure
//! would wake somebody up for a healthy run that takes long.

mod address;
mod client;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use address::Address;
use client::{Client, Trouble};

use super::{End, LAST_WORDS, LONGEST_WAIT, News, desk::Observer, longest_wait_with_the_lock};
use crate::{
    pulse::Role,
    record::Record,
    report::{self, Event, Outcome},
    stop::Stop,
    sys,
};

/// No server gets longer to answer. Twice this and a pause fit into what the end of a job waits for.
const TIMEOUT: Duration = Duration::from_secs(4);

/// After a ping that did not arrive.
const PAUSE: Duration = Duration::from_millis(500);

/// That a run has begun is told again so long after it could not be told.
const LONG_PAUSE: Duration = Duration::from_secs(15);

/// And no more often than this.
const STARTS: u32 = 3;

/// Who pings for one run.
#[derive(Debug)]
pub(super) struct Pings {
    address: Address,
    role: Role,
    name: String,
    /// From the first ping on.
    client: Option<Client>,
    /// That the run has begun, until it was told.
    start: Option<Start>,
    /// The server was told that the run hangs, and there was no progress since.
    has_told_of_hang: bool,
    /// That a ping did not arrive was said.
    has_complained: bool,
}

/// What is told of a run, and where.
#[derive(Debug)]
struct Ping {
    url: String,
    body: String,
}

/// A ping that was not delivered yet, and has time.
#[derive(Debug)]
struct Start {
    ping: Ping,
    tries: u32,
    next: Instant,
}

impl Pings {
    /// Pings of this URL for a job of this name; `None` if it is empty. One that cannot be pinged is no reason not to run: it is said, and
    /// that is all.
    pub(super) fn to(url: &str, role: Role, name: &str) -> Option<Self> {
        if url.is_empty() {
            return None;
        }
        // Whoever starts a set-uid program chooses its environment, and with it the proxy, and whose certificates are trusted.
        let address = if sys::is_set_uid() {
            Err("is not for a set-uid program: its caller could have the pings sent elsewhere")
        } else {
            Address::parse(url)
        };
        match address {
            Ok(address) => Some(Self {
                address,
                role,
                name: name.to_owned(),
                client: None,
                start: None,
                has_told_of_hang: false,
                has_complained: false,
            }),
            Err(why) => {
                say(&report::ping::unfit(name, why), None);
                None
            }
        }
    }

    fn ping(&self, event: &str, what: &str, record: Option<&Record>) -> Ping {
        Ping {
            url: self.address.of(event, record.map(|record| &*record.owner)),
            body: report::ping::body(what, &self.name, record),
        }
    }

    /// Tells that the run has begun, if it is time to. Once: others wait to be heard, and the end is what matters.
    fn try_to_start(&mut self, record: &Record) {
        let Some(start) = &mut self.start else {
            return;
        };
        if Instant::now() < start.next {
            return;
        }
        start.tries += 1;
        let client = self.client.get_or_insert_with(|| Client::of(&self.address));
        let sent = client.post(&start.ping.url, &start.ping.body, TIMEOUT);
        start.next = Instant::now() + LONG_PAUSE;
        match sent {
            Err(Trouble::Passing(_)) if start.tries < STARTS => {}
            _ => self.start = None,
        }
        if let Err(trouble) = sent {
            self.complain(trouble, "the job goes on", Some(record));
        }
    }

    /// Sends it again and again until it arrives, or this time is over; whether it has arrived.
    fn insist(&mut self, ping: &Ping, longest: Duration, record: Option<&Record>) -> bool {
        let deadline = Instant::now() + longest;
        let client = self.client.get_or_insert_with(|| Client::of(&self.address));
        let trouble = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match client.post(&ping.url, &ping.body, left.min(TIMEOUT)) {
                Ok(()) => return true,
                Err(Trouble::Passing(_)) if Instant::now() + PAUSE < deadline => {
                    thread::sleep(PAUSE);
                }
                Err(trouble) => break trouble,
            }
        };
        self.complain(trouble, "nobody there knows of it", record);
        false
    }

    /// Says once that a ping did not arrive.
    fn complain(&mut self, trouble: Trouble, so: &str, record: Option<&Record>) {
        if !std::mem::replace(&mut self.has_complained, true) {
            let why = trouble.into_words();
            say(
                &report::ping::undelivered(self.address.server(), &self.name, &why, so),
                record,
            );
        }
    }

    fn end(&mut self, end: End, record: &Record) {
        // Too late for that, and a server that hears of it afterwards would wait for another end.
        self.start = None;
        let is_lost = matches!(end, End::Stopped(Stop::Lost) | End::GivenUp(Stop::Lost));
        if is_lost && self.has_told_of_hang {
            // It has been told, and by now the next run may have begun.
            return;
        }
        let event = match end {
            End::Returned(None | Some(0)) => String::new(),
            End::Returned(Some(status)) => format!("/{status}"),
            End::Failed | End::Panicked | End::Stopped(_) | End::GivenUp(_) => "/fail".to_owned(),
        };
        let ping = self.ping(&event, &report::ping::ended(record, end), Some(record));
        let waited_for = match end {
            End::GivenUp(_) if !self.role.is_the_process() => LONGEST_WAIT,
            End::GivenUp(Stop::Lost | Stop::Replaced) => LAST_WORDS,
            End::Panicked | End::Stopped(_) | End::GivenUp(_) if self.role.is_the_process() => {
                longest_wait_with_the_lock(record)
            }
            _ => LONGEST_WAIT,
        };
        // So that there is time left to say that it did not arrive.
        self.insist(&ping, waited_for * 4 / 5, Some(record));
    }
}

impl Observer for Pings {
    fn hear(&mut self, news: &News, record: Option<&Record>) {
        match (news, record) {
            (News::Began(predecessor), Some(record)) => {
                let what = report::ping::began(record, predecessor.as_deref());
                self.start = Some(Start {
                    ping: self.ping("/start", &what, Some(record)),
                    tries: 0,
                    next: Instant::now(),
                });
                self.try_to_start(record);
            }
            (News::Progressed, Some(record)) => {
                self.has_told_of_hang = false;
                self.try_to_start(record);
            }
            (News::Hung, Some(record)) => {
                // As a beginning it would come after the end.
                self.start = None;
                let ping = self.ping("/fail", &report::ping::hung(record), Some(record));
                self.has_told_of_hang = self.insist(&ping, TIMEOUT, Some(record));
            }
            (News::Ended(end), Some(record)) => self.end(*end, record),
            (News::Failed(why), _) => {
                let ping = self.ping("/fail", &report::ping::failed(&self.name, why), None);
                self.insist(&ping, LONGEST_WAIT * 4 / 5, None);
            }
            _ => {}
        }
    }
}

/// What is said is about whoever is pinged, and about no lock.
fn say(sentence: &str, record: Option<&Record>) {
    Event::new(Outcome::Untold, Path::new(""), record).say(sentence);
}

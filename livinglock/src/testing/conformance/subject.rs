//! The lock that a case is about, its clients, and its holders.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::Conformance;
use crate::{
    error::Error,
    predecessor::Predecessor,
    process::Identity,
    record::{Checkpoint, Record, State, milliseconds},
    report,
    store::{
        Acquired, Attempt, Claim, Farewell, Lease, Request, Requests, Sighting, Standing, Store,
    },
    sys,
};

/// How much longer than it should an engine may take to notice that a lease has run out.
pub(super) const SLACK: Duration = Duration::from_secs(10);

/// Nothing can be said: this machine was so slow that the lease may have run out meanwhile.
pub(super) struct Stalled;

/// One lock with a name of its own.
pub(super) struct Subject<'a> {
    conformance: &'a Conformance,
    pub(super) name: String,
    /// The last token that was seen in an owner's hands.
    token: AtomicU64,
}

/// One machine, with its own connection.
pub(super) struct Client<'a> {
    subject: &'a Subject<'a>,
    pub(super) store: Arc<dyn Store>,
}

/// A run that has the lock, or had it.
pub(super) struct Holder {
    lease: Box<dyn Lease>,
    pub(super) record: Record,
    pub(super) predecessor: Option<Predecessor>,
    /// When the last renewal that was granted was sent.
    pub(super) sent: Instant,
}

impl<'a> Subject<'a> {
    pub(super) fn new(conformance: &'a Conformance, case: &str) -> Self {
        Self::named(conformance, format!("{case}-{:016x}", random() >> 64))
    }

    /// A lock whose name begins with the name of this one.
    pub(super) fn neighbour(&self) -> Self {
        Self::named(self.conformance, format!("{}-2", self.name))
    }

    fn named(conformance: &'a Conformance, name: String) -> Self {
        Self {
            conformance,
            name,
            token: AtomicU64::new(0),
        }
    }

    pub(super) fn client(&self) -> Client<'_> {
        Client {
            subject: self,
            store: (self.conformance.make)(&self.name),
        }
    }

    /// How long a lease is, or a lock of the kernel may show no progress.
    pub(super) fn length(&self) -> Duration {
        self.conformance.lease
    }

    /// How much the clock of an engine may differ from ours within one lease.
    fn tolerance(&self) -> Duration {
        self.length() / 100
    }

    /// A short part of a lease.
    pub(super) fn moment(&self) -> Duration {
        (self.length() / 100).clamp(Duration::from_millis(5), Duration::from_millis(50))
    }

    /// A claim of a process that never was: of this boot, since the times of a lock of the kernel are told by its clock, but in no PID
    /// namespace of ours, so that nobody takes it for this process, nor for one that has gone.
    pub(super) fn claim(&self) -> Claim {
        static PROCESSES: AtomicU32 = AtomicU32::new(0);
        let number = PROCESSES.fetch_add(1, Ordering::Relaxed);
        let own = Identity::own();
        let mut record = Record {
            name: "conformance".to_owned(),
            owner: format!("{:032x}", random()),
            host: format!("machine-{number}"),
            boot_id: own.boot_id.clone(),
            time_namespace: own.time_namespace,
            // No kernel counts so far.
            process_id: (1 << 30) + number,
            process_started: u64::from(number),
            stale_ms: milliseconds(self.length()),
            grace_ms: 100,
            tick_ms: 50,
            ..Record::new()
        };
        record.begin();
        Claim::new(record)
    }

    /// A clock must not strike before its time.
    pub(super) fn insist_not_before(&self, length: Duration, since: Instant, what: &str) {
        let passed = since.elapsed();
        assert!(
            passed + self.tolerance() >= length,
            "{what} not before {}, but it was after {}",
            report::span(length),
            precisely(passed)
        );
    }

    /// An owner may be told its token again, or a greater one.
    fn insist_on_no_less(&self, holder: &Holder) {
        let token = holder.record.fencing_token;
        let last = self.token.fetch_max(token, Ordering::Relaxed);
        assert!(
            token >= last,
            "the fencing token of whoever asks again must be no less than before, but {token} came after {last}"
        );
    }

    /// Tokens grow from owner to owner.
    pub(super) fn insist_on_growth(&self, holder: &Holder) {
        let token = holder.record.fencing_token;
        let last = self.token.fetch_max(token, Ordering::Relaxed);
        assert!(
            token > last,
            "the fencing token must grow from owner to owner, but {token} came after {last}"
        );
    }
}

impl Client<'_> {
    /// Tries once, with whatever token.
    pub(super) fn contend(&self, claim: &Claim) -> Result<Holder, Box<Sighting>> {
        let sent = Instant::now();
        match self.store.acquire(claim) {
            Ok(Attempt::Acquired(Acquired {
                lease,
                record,
                predecessor,
            })) => Ok(Holder {
                lease,
                record,
                predecessor,
                sent,
            }),
            Ok(Attempt::Busy(found)) => Err(Box::new(found)),
            // So says a store that has an opinion of its own about who is busy.
            Err(error) if error.is_busy() => Err(Box::new(Sighting {
                record: error.holder().cloned().map(Box::new),
                is_held: true,
                ..Sighting::default()
            })),
            Err(error) => panic!(
                "the store could not be asked for the lock: {}",
                chain(&error)
            ),
        }
    }

    pub(super) fn attempt(&self, claim: &Claim) -> Result<Holder, Box<Sighting>> {
        let holder = self.contend(claim)?;
        self.subject.insist_on_growth(&holder);
        Ok(holder)
    }

    pub(super) fn acquire_with(&self, claim: &Claim, why: &str) -> Holder {
        self.attempt(claim).unwrap_or_else(|found| {
            panic!("{why} must be acquired at once, but was refused: {found:?} was seen")
        })
    }

    pub(super) fn acquire(&self, why: &str) -> Holder {
        self.acquire_with(&self.subject.claim(), why)
    }

    /// The owner of the lock asks for it once more, while the lease lasts that was begun after this moment.
    pub(super) fn acquire_again(&self, claim: &Claim, sent: Instant) -> Holder {
        let answer = self.contend(claim);
        if sent.elapsed() >= claim.length() {
            panic::resume_unwind(Box::new(Stalled));
        }
        let holder = answer.unwrap_or_else(|found| {
            panic!(
                "an owner that asks again, because the answer was lost, must be given its lock, but was refused: {found:?} was seen"
            )
        });
        self.subject.insist_on_no_less(&holder);
        holder
    }

    /// Tries until the lock is acquired, at most for so long from now.
    pub(super) fn acquire_within(&self, limit: Duration, why: &str) -> Holder {
        let claim = self.subject.claim();
        let begun = Instant::now();
        loop {
            match self.attempt(&claim) {
                Ok(holder) => return holder,
                Err(found) if begun.elapsed() > limit => panic!(
                    "{why} must be free within {}, but was refused still: {found:?} was seen",
                    report::span(limit)
                ),
                Err(_) => thread::sleep(self.subject.moment()),
            }
        }
    }

    /// Acquires the lock of a holder that has not ended its hold, without the holder's help and as soon as the store allows.
    ///
    /// A lease is taken over because the holder is known to have gone; a lock of the kernel, because its pulse does not answer.
    pub(super) fn take_over(&self, holder: &mut Holder) -> Holder {
        let mut claim = self.subject.claim();
        if holder.runs_out() {
            claim.gone = Some(holder.record.owner.clone());
        } else {
            let stale = nanoseconds(self.subject.length() + Duration::from_secs(1));
            holder.record.progress_ns = sys::monotonic_ns().saturating_sub(stale);
            let noted = holder.note();
            holder.insist(noted);
        }
        self.acquire_with(&claim, "the lock of a holder that has gone")
    }

    pub(super) fn look(&self) -> Sighting {
        let looked = self.store.look();
        looked.unwrap_or_else(|error| panic!("the store could not be looked at: {}", chain(&error)))
    }

    pub(super) fn ask_to_stop(&self, owner: &str) -> Request {
        let asked = self.store.ask_to_stop(owner);
        asked.unwrap_or_else(|error| panic!("no stop could be asked for: {}", chain(&error)))
    }

    /// The holder has the lock, by its own look and in the eyes of all, and others are refused.
    pub(super) fn insist_on(&self, holder: &mut Holder, why: &str) {
        let standing = holder.look();
        if standing == Standing::Lost {
            holder.blame(&format!(
                "{why} must not cost the holder its lock, but it is lost"
            ));
        }
        let seen = self.look();
        if !seen.is_held {
            holder.blame(&format!(
                "{why} must leave the lock held, but {seen:?} was seen"
            ));
        }
        insist_same(
            seen.record.as_deref(),
            &holder.record,
            &format!("{why} must leave the holder's record"),
        );
        self.insist_refused(holder, why);
    }

    /// Others are refused, and see the holder.
    pub(super) fn insist_refused(&self, holder: &Holder, why: &str) {
        match self.attempt(&self.subject.claim()) {
            Err(found) if !found.is_held => holder.blame(&format!(
                "whoever is refused must see that the lock is held, but {found:?} was seen"
            )),
            Err(found) => insist_same(
                found.record.as_deref(),
                &holder.record,
                "whoever is refused must see the holder's record",
            ),
            Ok(_) => holder.blame(&format!(
                "{why} must leave the lock busy, but another acquired it"
            )),
        }
    }

    /// Nobody has the lock; whose record is left.
    pub(super) fn insist_free(&self, why: &str) -> Option<Box<Record>> {
        let seen = self.look();
        assert!(
            !seen.is_held,
            "{why} must be seen to be free, but {seen:?} was seen"
        );
        seen.record
    }
}

impl Holder {
    /// Whether its lease runs out; otherwise the lock lives with its process.
    pub(super) fn runs_out(&self) -> bool {
        self.lease.length().is_some()
    }

    pub(super) fn length(&self) -> Option<Duration> {
        self.lease.length()
    }

    pub(super) fn look(&mut self) -> Standing {
        answered("look", self.lease.look(&self.record))
    }

    pub(super) fn look_after_a_sleep(&mut self) -> Standing {
        answered("look", self.lease.look_after_a_sleep(&self.record))
    }

    pub(super) fn note(&mut self) -> Standing {
        self.record.stamp();
        self.note_as_it_is()
    }

    /// Whatever time the record has.
    pub(super) fn note_as_it_is(&mut self) -> Standing {
        answered("note", self.lease.note(&self.record))
    }

    pub(super) fn renew(&mut self) -> Standing {
        let sent = Instant::now();
        self.record.heartbeats += 1;
        self.record.progress_ns = sys::monotonic_ns();
        self.record.stamp();
        let standing = answered("renew", self.lease.renew(&self.record));
        if standing != Standing::Lost {
            self.sent = sent;
        }
        standing
    }

    /// Renews a lease that is ours.
    pub(super) fn progress(&mut self) {
        let standing = self.renew();
        self.insist(standing);
    }

    /// What a pulse does: renews in time, and answers whoever asks for proof.
    pub(super) fn beat(&mut self, every: Duration) {
        if self.sent.elapsed() > every {
            self.progress();
        }
        if let Standing::Held(Requests { proof: true, .. }) = self.look() {
            self.record.answers += 1;
            let noted = self.note();
            self.insist(noted);
        }
    }

    pub(super) fn end(self, farewell: impl FnOnce(&Record) -> Farewell<'_>) {
        if let Err(error) = self.lease.end(farewell(&self.record)) {
            panic!("the hold could not be ended: {}", chain(&error));
        }
    }

    pub(super) fn release(mut self) {
        self.record.state = State::Kept;
        self.end(|record| Farewell::Released(record));
    }

    /// Is at a checkpoint, by its record.
    pub(super) fn pass(&mut self, message: &str) {
        self.record.checkpoint = Some(Checkpoint {
            file: "src/import.rs".to_owned(),
            line: 88,
            column: 9,
            module: "nightly::import".to_owned(),
            message: Some(message.to_owned()),
            done: Some(12),
            total: Some(500),
            usual_ms: Some(12_000),
        });
    }

    pub(super) fn insist(&self, standing: Standing) {
        if standing == Standing::Lost {
            self.blame("a holder must keep its lock for the length of its lease, but it is lost");
        }
    }

    /// What happened is the store's fault, unless the lease may have run out.
    pub(super) fn blame(&self, sentence: &str) -> ! {
        if self.sent.elapsed() >= self.record.stale() {
            panic::resume_unwind(Box::new(Stalled));
        }
        panic!("{sentence}");
    }

    /// Whoever has lost the lock is told so, whatever it does.
    pub(super) fn insist_lost(&mut self) {
        let answers = [
            ("looks", self.look()),
            ("looks after a sleep", self.look_after_a_sleep()),
            ("renews", self.renew()),
            ("notes", self.note()),
            ("looks again", self.look()),
        ];
        for (does, standing) in answers {
            assert!(
                standing == Standing::Lost,
                "an owner that has lost the lock must be told so when it {does}, but the answer was {standing:?}"
            );
        }
    }
}

/// This record was seen, and no other.
pub(super) fn insist_same(seen: Option<&Record>, written: &Record, what: &str) {
    let Some(seen) = seen else {
        panic!("{what}, but there was none");
    };
    assert!(
        seen == written,
        "{what}, but it differs\n    written: {}\n       seen: {}",
        written.to_json(),
        seen.to_json()
    );
}

/// The predecessor is the run that has left this record.
pub(super) fn insist_predecessor(holder: &Holder, left: &Record) {
    let seen = holder.predecessor.as_ref().and_then(Predecessor::record);
    insist_same(
        seen,
        left,
        "a predecessor must have the last record that it wrote",
    );
}

fn answered(what: &str, answer: Result<Standing, Error>) -> Standing {
    answer.unwrap_or_else(|error| panic!("a holder could not {what}: {}", chain(&error)))
}

fn chain(error: &Error) -> String {
    report::chain(error)
}

fn precisely(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn random() -> u128 {
    sys::random_u128().unwrap_or_else(|error| panic!("no random number could be drawn: {error}"))
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

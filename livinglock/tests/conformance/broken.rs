//! Stores that break one promise each: the suite is not blind.

use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use livinglock::{
    Error, Predecessor, Record,
    store::{
        Acquired, Attempt, Claim, Farewell, Lease, Request, Requests, Sighting, Standing, Store,
    },
    testing::{MemoryStore, conformance::Conformance},
};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    TokenStands,
    NameIsForgotten,
    OwnerIsRefused,
    OwnerHasNoTokenAgain,
    OwnerSucceedsItself,
    OwnerGetsWhatIsLeft,
    NulIsCutOff,
    NoteRenews,
    RenewalDoesNot,
    LeaseIsShort,
    LeaseNeverEnds,
    LeftIsEndless,
    ClientsTellTheTime,
    CrashForgetsTheNote,
    AnybodyIsGone,
    LostMayRenew,
    StrangerFrees,
    ReleaseLeavesTheRecord,
    LeavingForgetsTheRecord,
    LastMomentIsForgotten,
    KeptIsFree,
    TwoWin,
    StopIsNotSeen,
    StopReachesTheNext,
    StopReachesAnybody,
}

/// A lock in memory with a fault.
#[derive(Clone, Debug)]
struct Broken {
    store: MemoryStore,
    fault: Fault,
    /// Whether any holder was ever asked to stop.
    stop: Arc<AtomicBool>,
}

impl Broken {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Acquires the lock of whoever has it.
    fn seize(&self, claim: &Claim) -> Result<Attempt, Error> {
        let mut claim = claim.clone();
        claim.gone = self.store.look()?.record.map(|record| record.owner);
        self.store.acquire(&claim)
    }
}

impl Store for Broken {
    fn place(&self) -> &Path {
        self.store.place()
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt, Error> {
        let mut claim = claim.clone();
        let length = claim.length();
        let seen = self.store.look()?;
        let asks_again = seen.is_held
            && seen
                .record
                .as_ref()
                .is_some_and(|holder| holder.owner == claim.record.owner);
        match self.fault {
            Fault::NameIsForgotten => claim.record.name.clear(),
            Fault::LeaseIsShort => claim.record.stale_ms /= 2,
            Fault::LeaseNeverEnds => claim.record.stale_ms *= 1000,
            Fault::OwnerIsRefused if asks_again => return Ok(Attempt::Busy(seen)),
            Fault::OwnerGetsWhatIsLeft if asks_again => {
                let left = seen.left.unwrap_or_default();
                claim.record.stale_ms = u64::try_from(left.as_millis()).unwrap();
            }
            _ => {}
        }
        let seizes = match (self.fault, &seen.record) {
            (Fault::AnybodyIsGone, _) => claim.gone.is_some(),
            (Fault::ClientsTellTheTime, Some(holder)) => {
                claim.record.acquired_ns > holder.progress_ns + holder.stale_ms * 1_000_000
            }
            (Fault::TwoWin, _) if !seen.is_held => {
                // It was looked at, and is taken a moment later.
                thread::sleep(Duration::from_millis(5));
                true
            }
            _ => false,
        };
        let attempt = if seizes {
            self.seize(&claim)?
        } else {
            self.store.acquire(&claim)?
        };
        let Attempt::Acquired(mut acquired) = attempt else {
            return Ok(attempt);
        };
        match self.fault {
            Fault::TokenStands => acquired.record.fencing_token = 1,
            Fault::OwnerHasNoTokenAgain if asks_again => acquired.record.fencing_token = 0,
            Fault::OwnerSucceedsItself if asks_again => {
                acquired.predecessor = seen.record.and_then(|holder| Predecessor::left(*holder));
            }
            Fault::OwnerGetsWhatIsLeft => {
                acquired.record.stale_ms = u64::try_from(length.as_millis()).unwrap();
            }
            _ => {}
        }
        acquired.lease.note(&acquired.record)?;
        let lease = BrokenLease {
            lease: acquired.lease,
            store: self.clone(),
            first: acquired.record.clone(),
            length,
        };
        Ok(Attempt::Acquired(Acquired {
            lease: Box::new(lease),
            ..acquired
        }))
    }

    fn look(&self) -> Result<Sighting, Error> {
        let mut seen = self.store.look()?;
        if self.has(Fault::LeftIsEndless) {
            seen.left = Some(Duration::from_secs(60 * 60));
        }
        Ok(seen)
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request, Error> {
        let seen = self.store.look()?;
        let is_the_owner = seen.record.is_some_and(|record| record.owner == owner);
        if is_the_owner || self.has(Fault::StopReachesAnybody) {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.store.ask_to_stop(owner)
    }
}

#[derive(Debug)]
struct BrokenLease {
    lease: Box<dyn Lease>,
    store: Broken,
    first: Record,
    length: Duration,
}

impl BrokenLease {
    fn answer(&self, standing: Standing) -> Standing {
        let Standing::Held(mut requests) = standing else {
            return standing;
        };
        match self.store.fault {
            Fault::StopIsNotSeen => requests.stop = false,
            Fault::StopReachesTheNext | Fault::StopReachesAnybody => {
                requests.stop = self.store.stop.load(Ordering::Relaxed);
            }
            _ => {}
        }
        Standing::Held(requests)
    }
}

impl Lease for BrokenLease {
    fn length(&self) -> Option<Duration> {
        Some(self.length)
    }

    fn look(&mut self, record: &Record) -> Result<Standing, Error> {
        let standing = self.lease.look(record)?;
        Ok(self.answer(standing))
    }

    fn renew(&mut self, record: &Record) -> Result<Standing, Error> {
        let standing = match self.store.fault {
            Fault::RenewalDoesNot => self.lease.note(record)?,
            _ => self.lease.renew(record)?,
        };
        if self.store.has(Fault::LostMayRenew) {
            return Ok(Standing::Held(Requests::default()));
        }
        Ok(self.answer(standing))
    }

    fn note(&mut self, record: &Record) -> Result<Standing, Error> {
        let standing = match self.store.fault {
            Fault::NoteRenews => self.lease.renew(record)?,
            Fault::CrashForgetsTheNote => self.lease.look(record)?,
            Fault::NulIsCutOff => {
                let mut record = record.clone();
                if let Some(checkpoint) = &mut record.checkpoint {
                    checkpoint.message = checkpoint
                        .message
                        .as_ref()
                        .map(|message| message.replace('\0', ""));
                }
                self.lease.note(&record)?
            }
            _ => self.lease.note(record)?,
        };
        Ok(self.answer(standing))
    }

    fn end(mut self: Box<Self>, farewell: Farewell<'_>) -> Result<(), Error> {
        let is_lost = self.lease.look(&self.first)? == Standing::Lost;
        match (self.store.fault, farewell) {
            (Fault::StrangerFrees, _) if is_lost => {
                if let Attempt::Acquired(theirs) = self.store.seize(&Claim::new(self.first))? {
                    theirs.lease.end(farewell)?;
                }
                Ok(())
            }
            (Fault::ReleaseLeavesTheRecord, Farewell::Released(record)) => {
                self.lease.end(Farewell::Left(record))
            }
            (Fault::LeavingForgetsTheRecord, Farewell::Left(record))
            | (Fault::KeptIsFree, Farewell::Kept(record, _)) => {
                self.lease.end(Farewell::Released(record))
            }
            (Fault::LastMomentIsForgotten, Farewell::LeftWithProcess(_)) => Ok(()),
            _ => self.lease.end(farewell),
        }
    }
}

fn broken(fault: Fault) -> Conformance {
    let stop = Arc::<AtomicBool>::default();
    super::memories(move |store| {
        Arc::new(Broken {
            store,
            fault,
            stop: stop.clone(),
        })
    })
}

/// That fails, and says so in these words.
fn insist_caught(check: impl FnOnce(), words: &str) {
    let why = panic::catch_unwind(AssertUnwindSafe(check)).expect_err("it passes");
    let sentence = why.downcast_ref::<String>().expect("a sentence");
    assert!(sentence.contains(words), "{sentence}");
}

#[test]
fn whoever_runs_all_cases_hears_of_each_that_fails() {
    let run = || broken(Fault::StopIsNotSeen).run();
    insist_caught(
        run,
        "a_stop_request_reaches_its_holder: a request to the holder must",
    );
}

macro_rules! caught {
    ($($name:ident: $fault:ident, $case:literal, $words:literal;)*) => {
        $(
            #[test]
            fn $name() {
                insist_caught(|| broken(Fault::$fault).check($case), $words);
            }
        )*
    };
}

caught! {
    a_token_that_stands: TokenStands, "tokens_grow", "must grow from owner to owner, but 1 came after 1";
    a_name_that_is_forgotten: NameIsForgotten, "a_free_lock_is_acquired", "must be the claim's, but it differs";
    an_owner_that_is_refused: OwnerIsRefused, "a_lost_answer_is_given_again", "must be given its lock, but was refused";
    an_owner_without_its_token: OwnerHasNoTokenAgain, "a_lost_answer_is_given_again", "must be no less than before, but 0 came after 2";
    an_owner_that_succeeds_itself: OwnerSucceedsItself, "a_lost_answer_is_given_again", "must have the last record that it wrote";
    an_owner_that_gets_what_is_left: OwnerGetsWhatIsLeft, "a_lost_answer_is_given_again", "the end of a lease whose answer was lost";
    a_nul_that_is_cut_off: NulIsCutOff, "a_record_comes_back_as_it_was_written", "must be seen as it was written";
    a_note_that_renews: NoteRenews, "a_note_does_not_extend_the_lease", "a note must not extend the lease";
    a_renewal_that_does_not: RenewalDoesNot, "a_renewal_extends_the_lease", "for the length of its lease";
    a_lease_that_is_short: LeaseIsShort, "a_lease_runs_out", "must lose the lock not before";
    a_lease_that_never_ends: LeaseNeverEnds, "a_lease_runs_out", "must be free within";
    an_endless_rest: LeftIsEndless, "a_sighting_tells_the_times", "must have about that left";
    a_client_that_tells_the_time: ClientsTellTheTime, "clocks_of_clients_do_not_matter", "whatever the time is";
    a_crash_that_forgets: CrashForgetsTheNote, "a_crash_leaves_the_last_record", "must leave the last record";
    anybody_who_has_gone: AnybodyIsGone, "a_holder_known_to_have_gone_is_taken_over", "but another's was";
    a_lost_lease_that_renews: LostMayRenew, "a_lost_lease_stays_lost", "told so when it renews";
    a_stranger_who_frees: StrangerFrees, "a_stranger_does_not_end_a_hold", "a stranger's release must not cost";
    a_release_that_leaves: ReleaseLeavesTheRecord, "a_released_lock_is_free", "must leave no record";
    a_leaving_that_forgets: LeavingForgetsTheRecord, "a_left_lock_is_free_and_keeps_its_record", "must keep its record";
    a_kept_lock_that_is_free: KeptIsFree, "a_kept_lock_stays_busy", "must be free not before";
    a_last_moment_that_lasts: LastMomentIsForgotten, "a_lock_left_with_its_process_is_free_soon", "within 5s";
    two_winners: TwoWin, "one_contender_wins", "one of 8 contenders must win, but";
    a_stop_that_is_not_seen: StopIsNotSeen, "a_stop_request_reaches_its_holder", "must reach the holder when it looks";
    a_stop_that_reaches_anybody: StopReachesAnybody, "a_stop_request_reaches_its_holder", "must not reach the holder";
    a_stop_that_reaches_the_next: StopReachesTheNext, "a_stop_request_does_not_reach_the_next_owner", "must not reach";
}

//! The courier with a store that does what the test says, call by call.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::store::{Request, Sighting, Tenure};

/// Longer than anything here takes; whoever waits for it has failed.
const LONG: Duration = Duration::from_secs(60);
const LENGTH: Duration = Duration::from_secs(3600);
const MARGIN: Duration = Duration::from_secs(10);

/// A call that the store has got, with the number of heartbeats in the record that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Acquire,
    Look(u64),
    Renew(u64),
    Note(u64),
    Released,
    Left(u64),
}

/// What makes an errand of a record.
type Make = fn(Record) -> Errand;

/// What the store is to answer.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Yes, and for so long.
    Acquired(Option<Duration>),
    Busy,
    Held,
    AskedToStop,
    Lost,
    Fails,
    Panics,
}

/// The store's end: it tells of each call, and waits for what to answer.
#[derive(Debug)]
struct Script {
    calls: Sender<Call>,
    answers: Mutex<Receiver<Answer>>,
}

impl Script {
    /// Whoever plays the store has gone: it fails.
    fn play(&self, call: Call) -> Answer {
        let _ = self.calls.send(call);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.recv().unwrap_or(Answer::Fails);
        assert!(!matches!(answer, Answer::Panics), "as it was told");
        answer
    }
}

fn failure() -> Error {
    Error::in_store("ask", Path::new("fake"), "the test says so")
}

#[derive(Clone, Debug)]
struct Fake(Arc<Script>);

impl Store for Fake {
    fn place(&self) -> &Path {
        Path::new("fake")
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        match self.0.play(Call::Acquire) {
            Answer::Acquired(length) => Ok(Attempt::Acquired(Acquired {
                lease: Box::new(FakeLease {
                    script: self.0.clone(),
                    length,
                }),
                record: claim.record.clone(),
                predecessor: None,
            })),
            Answer::Fails => Err(failure()),
            _ => Ok(Attempt::Busy(Sighting::default())),
        }
    }

    fn look(&self) -> Result<Sighting> {
        Err(failure())
    }

    fn ask_to_stop(&self, _owner: &str) -> Result<Request> {
        Err(failure())
    }
}

#[derive(Debug)]
struct FakeLease {
    script: Arc<Script>,
    length: Option<Duration>,
}

impl FakeLease {
    fn play(&self, call: Call) -> Result<Standing> {
        match self.script.play(call) {
            Answer::Lost => Ok(Standing::Lost),
            Answer::Fails => Err(failure()),
            answer => Ok(Standing::Held(Requests {
                stop: matches!(answer, Answer::AskedToStop),
                ..Requests::default()
            })),
        }
    }
}

impl Lease for FakeLease {
    fn length(&self) -> Option<Duration> {
        self.length
    }

    fn look(&mut self, record: &Record) -> Result<Standing> {
        self.play(Call::Look(record.heartbeats))
    }

    fn renew(&mut self, record: &Record) -> Result<Standing> {
        self.play(Call::Renew(record.heartbeats))
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        self.play(Call::Note(record.heartbeats))
    }

    fn end(self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        let call = farewell
            .record()
            .map_or(Call::Released, |record| Call::Left(record.heartbeats));
        self.play(call).map(drop)
    }
}

/// The test's end.
struct Hand {
    calls: Receiver<Call>,
    answers: Sender<Answer>,
}

impl Hand {
    /// Waits for this call, which stays without an answer.
    #[track_caller]
    fn meet(&self, call: Call) {
        assert_eq!(self.calls.recv_timeout(LONG), Ok(call));
    }

    fn give(&self, answer: Answer) {
        self.answers.send(answer).expect("a store that waits");
    }

    #[track_caller]
    fn answer(&self, call: Call, answer: Answer) {
        self.meet(call);
        self.give(answer);
    }

    /// Waits until the thread has ended, and with it the store: without another call.
    #[track_caller]
    fn meet_the_end(&self) {
        let ended = self.calls.recv_timeout(LONG);
        assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected));
    }
}

fn record(heartbeats: u64) -> Record {
    Record {
        heartbeats,
        ..Record::default()
    }
}

fn start(timeout: Duration, margin: Duration) -> (Courier, Hand) {
    let (calls, theirs) = channel();
    let (answers, ours) = channel();
    let store = Fake(Arc::new(Script {
        calls,
        answers: Mutex::new(ours),
    }));
    let courier = Courier::start(Arc::new(store), timeout, margin, Duration::ZERO);
    let hand = Hand {
        calls: theirs,
        answers,
    };
    (courier.expect("a thread"), hand)
}

fn acquire(courier: &Courier, hand: &Hand, length: Option<Duration>) {
    hand.give(Answer::Acquired(length));
    let tried = courier.acquire(Claim::new(record(0)));
    assert!(matches!(tried, Ok(Tried::Acquired(..))));
    hand.meet(Call::Acquire);
    wait_until_idle(courier);
}

/// A courier with a lock.
fn held() -> (Courier, Hand) {
    let (courier, hand) = start(LONG, MARGIN);
    acquire(&courier, &hand, Some(LENGTH));
    (courier, hand)
}

fn until(courier: &Courier) -> u64 {
    courier.desk.state().lasts_until.expect("a lease")
}

/// Waits until the courier has come back, and has nothing more to do.
#[track_caller]
fn wait_until_idle(courier: &Courier) {
    let begun = sys::monotonic_ns();
    loop {
        let state = courier.desk.state();
        if !state.is_out && state.errand.is_none() {
            return;
        }
        drop(state);
        assert!(sys::monotonic_ns() - begun < nanoseconds(LONG));
        thread::yield_now();
    }
}

const fn is_held(standing: Standing) -> bool {
    matches!(standing, Standing::Held(_))
}

#[test]
fn a_lease_counts_from_before_it_was_asked_for() {
    let (courier, hand) = start(LONG, MARGIN);
    let before = sys::boottime_ns();
    let acquiring = thread::spawn(move || {
        assert!(courier.acquire(Claim::new(record(0))).is_ok());
        courier
    });
    hand.meet(Call::Acquire);
    // Whatever has arrived was sent before now.
    let arrived = sys::boottime_ns();
    thread::sleep(Duration::from_millis(5));
    hand.give(Answer::Acquired(Some(LENGTH)));
    let courier = acquiring.join().expect("no panic");
    let first = until(&courier);
    assert!(first >= before + nanoseconds(LENGTH) && first <= arrived + nanoseconds(LENGTH));
    assert!(courier.left() <= LENGTH.checked_sub(MARGIN));

    courier.send(Errand::Renew(record(1)));
    hand.meet(Call::Renew(1));
    let arrived = sys::boottime_ns();
    thread::sleep(Duration::from_millis(5));
    hand.give(Answer::Held);
    wait_until_idle(&courier);
    let renewed = until(&courier);
    assert!(renewed > first && renewed <= arrived + nanoseconds(LENGTH));
}

#[test]
fn nothing_but_a_renewal_that_was_confirmed_prolongs_a_lease() {
    let (courier, hand) = held();
    let first = until(&courier);
    let others: [(Make, Call); 2] = [(Errand::Note, Call::Note(1)), (Errand::Look, Call::Look(1))];
    for (errand, call) in others {
        for answer in [Answer::Held, Answer::Fails] {
            courier.send(errand(record(1)));
            hand.answer(call, answer);
            // Nor is it tried again.
            wait_until_idle(&courier);
            assert_eq!(until(&courier), first);
        }
    }
    courier.send(Errand::Renew(record(3)));
    hand.answer(Call::Renew(3), Answer::Fails);
    hand.meet(Call::Renew(3));
    assert_eq!(until(&courier), first);
    assert!(
        courier
            .trouble()
            .is_some_and(|why| why.contains("the test says so"))
    );
    hand.give(Answer::Held);
    wait_until_idle(&courier);
    assert!(until(&courier) > first);
    assert_eq!(courier.trouble(), None);
}

/// While the courier is out, errands come together to one: the newest record, and a renewal if there was progress in any.
#[test]
fn progress_is_never_forgotten_and_never_made_up() {
    use Call::{Look, Note, Renew};

    let look = || Errand::Look(record(1));
    let renew = |heartbeats| Errand::Renew(record(heartbeats));
    let note = |heartbeats| Errand::Note(record(heartbeats));
    for (errands, call) in [
        (vec![renew(1), note(2)], Renew(2)),
        (vec![renew(1), Errand::Look(record(2))], Renew(2)),
        (vec![renew(1), renew(2)], Renew(2)),
        (vec![note(1), renew(2), note(3)], Renew(3)),
        (vec![look(), renew(2)], Renew(2)),
        (vec![note(1), note(2)], Note(2)),
        (vec![note(1), Errand::Look(record(2))], Note(2)),
        (vec![look(), note(2)], Note(2)),
        (vec![look(), Errand::Look(record(2))], Look(2)),
    ] {
        let (courier, hand) = held();
        courier.send(Errand::Look(record(0)));
        hand.meet(Look(0));
        for errand in errands {
            courier.send(errand);
        }
        hand.give(Answer::Held);
        hand.answer(call, Answer::Held);
        wait_until_idle(&courier);
        drop(courier);
        hand.meet_the_end();
    }
}

#[test]
fn a_renewal_that_fails_is_tried_again_with_what_is_newest() {
    for (newer, call) in [
        (None, Call::Renew(1)),
        (Some(Errand::Note(record(2))), Call::Renew(2)),
        (Some(Errand::Look(record(2))), Call::Renew(2)),
        (Some(Errand::Renew(record(2))), Call::Renew(2)),
    ] {
        let (courier, hand) = start(LONG, MARGIN);
        // So that the pause before the next try is short.
        acquire(&courier, &hand, Some(Duration::from_secs(1)));
        courier.send(Errand::Renew(record(1)));
        hand.meet(Call::Renew(1));
        if let Some(newer) = newer {
            courier.send(newer);
        }
        hand.give(Answer::Fails);
        hand.answer(call, Answer::Held);
        // Once it has succeeded, that is all.
        wait_until_idle(&courier);
        drop(courier);
        hand.meet_the_end();
    }
}

#[test]
fn nobody_waits_for_a_store_that_does_not_answer() {
    let (mut courier, hand) = held();
    courier.desk.state().asked_at = 0;
    assert!(is_held(courier.look(&record(1))));
    hand.meet(Call::Look(1));
    // These would wait for ever.
    for _ in 0..3 {
        assert!(is_held(courier.look(&record(2))));
        courier.send(Errand::Renew(record(3)));
        assert!(is_held(courier.standing()) && courier.left().is_some());
    }
    // A look that is due is asked for only once at a time.
    hand.give(Answer::Held);
    hand.answer(Call::Renew(3), Answer::Held);
    wait_until_idle(&courier);
    drop(courier);
    hand.meet_the_end();
}

#[test]
fn looks_keep_their_distance() {
    let (mut courier, hand) = held();
    courier.rhythm = LENGTH;
    assert!(is_held(courier.look(&record(1))));
    assert!(courier.desk.state().errand.is_none());
    drop(courier);
    hand.meet_the_end();
}

#[test]
fn what_others_ask_of_us_is_known_from_the_last_answer() {
    let (courier, hand) = held();
    courier.send(Errand::Renew(record(1)));
    hand.answer(Call::Renew(1), Answer::AskedToStop);
    wait_until_idle(&courier);
    let asked = Standing::Held(Requests {
        stop: true,
        ..Requests::default()
    });
    assert_eq!(courier.standing(), asked);
    courier.send(Errand::Look(record(1)));
    hand.answer(Call::Look(1), Answer::Fails);
    wait_until_idle(&courier);
    assert_eq!(courier.standing(), asked);
}

#[test]
fn what_is_lost_stays_lost_and_is_not_released() {
    let errands: [Make; 3] = [Errand::Look, Errand::Note, Errand::Renew];
    for errand in errands {
        let (courier, hand) = held();
        courier.send(errand(record(1)));
        assert!(hand.calls.recv_timeout(LONG).is_ok());
        hand.give(Answer::Lost);
        wait_until_idle(&courier);
        assert_eq!(courier.standing(), Standing::Lost);
        courier.send(Errand::Look(record(2)));
        hand.answer(Call::Look(2), Answer::Held);
        wait_until_idle(&courier);
        assert_eq!(courier.standing(), Standing::Lost);
        assert!(courier.end(Farewell::Released(&record(3))).is_ok());
        hand.meet_the_end();
    }
}

#[test]
fn a_lease_is_over_by_our_clock_whether_the_store_answers_or_not() {
    let (courier, hand) = start(LONG, MARGIN);
    acquire(&courier, &hand, Some(Duration::ZERO));
    assert_eq!(courier.standing(), Standing::Lost);
    assert_eq!(courier.left(), Some(Duration::ZERO));
}

#[test]
fn a_lease_may_be_as_long_as_can_be() {
    let (courier, hand) = start(LONG, MARGIN);
    acquire(&courier, &hand, Some(Duration::MAX));
    assert!(is_held(courier.standing()));
    courier.send(Errand::Renew(record(1)));
    hand.answer(Call::Renew(1), Answer::Held);
    wait_until_idle(&courier);
    assert!(is_held(courier.standing()));
}

#[test]
fn a_margin_in_which_nothing_fits_is_refused() {
    let (calls, _theirs) = channel();
    let (_answers, ours) = channel();
    let store = Fake(Arc::new(Script {
        calls,
        answers: Mutex::new(ours),
    }));
    let refused = crate::Lock::options()
        .margin(Duration::MAX)
        .acquire_in(store);
    let why = refused
        .expect_err("a margin longer than the lease")
        .to_string();
    assert!(why.contains("needs a longer `stale`"), "{why}");
}

#[test]
fn a_lock_that_lives_with_its_process_never_runs_out() {
    let (courier, hand) = start(LONG, MARGIN);
    acquire(&courier, &hand, None);
    assert!(is_held(courier.standing()));
    assert_eq!(courier.left(), None);
}

#[test]
fn a_farewell_comes_before_everything_else() {
    let (courier, hand) = held();
    courier.send(Errand::Renew(record(1)));
    hand.meet(Call::Renew(1));
    courier.send(Errand::Renew(record(2)));
    let desk = courier.desk.clone();
    let ending = thread::spawn(move || courier.end(Farewell::Left(&record(3))));
    while !matches!(desk.state().errand, Some(Errand::End(..))) {
        thread::yield_now();
    }
    drop(desk);
    // The renewal that was under way is not tried again.
    hand.give(Answer::Fails);
    hand.answer(Call::Left(3), Answer::Held);
    assert!(ending.join().expect("no panic").is_ok());
    hand.meet_the_end();
}

#[test]
fn whoever_leaves_waits_for_one_call_at_most() {
    let (courier, hand) = start(Duration::from_millis(20), MARGIN);
    acquire(&courier, &hand, Some(LENGTH));
    let refused = courier.end(Farewell::Released(&record(1))).unwrap_err();
    assert!(refused.to_string().contains("release"), "{refused}");
    // It is told all the same, if anybody is left to tell it.
    hand.answer(Call::Released, Answer::Held);
    hand.meet_the_end();
}

/// Its process may work until then, though the store has given no sign of trouble yet.
#[test]
fn whoever_leaves_with_its_process_is_gone_before_the_lease_is() {
    let (courier, hand) = start(LONG, Duration::from_millis(10));
    acquire(&courier, &hand, Some(Duration::from_millis(50)));
    let begun = sys::monotonic_ns();
    assert!(courier.end(Farewell::LeftWithProcess(&record(1))).is_err());
    assert!(sys::monotonic_ns() - begun < nanoseconds(LONG));
    hand.answer(Call::Left(1), Answer::Held);
    hand.meet_the_end();
}

/// The pulse, which has other locks to serve.
#[test]
fn whoever_leaves_in_passing_does_not_wait_at_all() {
    let (courier, hand) = held();
    Tenure::Elsewhere(courier).end_in_passing(Farewell::Left(&record(1)));
    hand.answer(Call::Left(1), Answer::Held);
    hand.meet_the_end();
}

#[test]
fn whoever_leaves_in_trouble_is_gone_before_the_margin_is() {
    let (courier, hand) = start(LONG, Duration::from_millis(40));
    acquire(&courier, &hand, Some(LENGTH));
    courier.send(Errand::Look(record(1)));
    hand.answer(Call::Look(1), Answer::Fails);
    wait_until_idle(&courier);
    let begun = sys::monotonic_ns();
    assert!(courier.end(Farewell::LeftWithProcess(&record(2))).is_err());
    assert!(sys::monotonic_ns() - begun < nanoseconds(LONG));
    hand.answer(Call::Left(2), Answer::Held);
    hand.meet_the_end();
}

/// Its answer comes when nobody waits for it any more, and nobody must wait for the lock that it has got.
#[test]
fn a_lock_that_comes_too_late_is_released() {
    let (courier, hand) = start(Duration::from_millis(20), MARGIN);
    let Err(refused) = courier.acquire(Claim::new(record(1))) else {
        panic!("there was no answer");
    };
    assert!(refused.is_of_the_store(), "{refused}");
    hand.answer(Call::Acquire, Answer::Acquired(Some(LENGTH)));
    hand.answer(Call::Released, Answer::Held);
    // And it is no hindrance to the next try.
    acquire(&courier, &hand, Some(LENGTH));
}

#[test]
fn a_store_that_refuses_or_fails_may_be_asked_again() {
    let (courier, hand) = start(LONG, MARGIN);
    hand.give(Answer::Busy);
    let busy = courier.acquire(Claim::new(record(1)));
    assert!(matches!(busy, Ok(Tried::Busy(_))));
    hand.give(Answer::Fails);
    assert!(courier.acquire(Claim::new(record(1))).is_err());
    hand.meet(Call::Acquire);
    hand.meet(Call::Acquire);
    acquire(&courier, &hand, Some(LENGTH));
}

#[test]
fn a_courier_that_nobody_needs_ends_in_the_midst_of_its_tries() {
    let (courier, hand) = held();
    courier.send(Errand::Renew(record(1)));
    hand.answer(Call::Renew(1), Answer::Fails);
    drop(courier);
    // At most one more, if it was about to.
    if hand.calls.recv_timeout(LONG).is_ok() {
        hand.give(Answer::Fails);
        hand.meet_the_end();
    }
}

/// It tells of nothing any more; but what is left of its lease is known, and why it is not renewed.
#[test]
fn a_store_that_panics_is_a_store_in_trouble() {
    let (courier, hand) = held();
    courier.send(Errand::Renew(record(1)));
    hand.answer(Call::Renew(1), Answer::Panics);
    hand.meet_the_end();
    assert!(is_held(courier.standing()) && courier.left() > Some(Duration::ZERO));
    assert!(
        courier
            .trouble()
            .is_some_and(|why| why.contains("panicked"))
    );
}

/// Nobody would ever learn that it is lost.
#[test]
fn without_a_courier_a_lock_that_does_not_run_out_is_lost() {
    let (courier, hand) = start(LONG, MARGIN);
    acquire(&courier, &hand, None);
    courier.send(Errand::Look(record(1)));
    hand.answer(Call::Look(1), Answer::Panics);
    hand.meet_the_end();
    assert_eq!(courier.standing(), Standing::Lost);
}

/// The answer was lost, so it may be ours: then it is given back, with what the run before has left.
#[cfg(feature = "testing")]
#[test]
fn a_claim_that_is_withdrawn_leaves_the_lock_as_it_was() {
    let memory = crate::testing::MemoryStore::new();
    let claim = |owner: &str| {
        let mut record = record(1);
        record.owner = owner.to_owned();
        record.stale_ms = milliseconds(LENGTH);
        Claim::new(record)
    };
    let Ok(Attempt::Acquired(before)) = memory.acquire(&claim("before")) else {
        panic!("it is free");
    };
    before.lease.end(Farewell::Left(&before.record)).unwrap();
    let lost = claim("lost");
    assert!(matches!(memory.acquire(&lost), Ok(Attempt::Acquired(_))));
    let courier = Courier::start(
        Arc::new(memory.clone()),
        LONG,
        Duration::ZERO,
        Duration::from_millis(10),
    );
    courier.unwrap().withdraw(lost);
    let deadline = std::time::Instant::now() + LONG;
    while memory.look().unwrap().is_held {
        assert!(std::time::Instant::now() < deadline, "it is held still");
        thread::sleep(Duration::from_millis(1));
    }
    let left = memory.look().unwrap().record.unwrap();
    assert_eq!(left.owner, "before");
}

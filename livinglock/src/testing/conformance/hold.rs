//! A lock that is free or held, and its record.

use std::thread;

use super::subject::{Client, Holder, SLACK, Subject, insist_predecessor, insist_same};
use crate::{
    record::{Autopsy, Record, ThreadState},
    store::{Farewell, Requests, Standing},
};

pub(super) fn a_free_lock_is_acquired(subject: &Subject<'_>) {
    let client = subject.client();
    let left = client.insist_free("a lock that nobody ever had");
    assert!(
        left.is_none(),
        "a lock that nobody ever had must have no record, but {left:?} was seen"
    );

    let claim = subject.claim();
    let mut holder = client.acquire_with(&claim, "a free lock");
    let taken = as_claimed(&holder, &claim.record);
    insist_same(
        Some(&taken),
        &claim.record,
        "the record must be the claim's",
    );
    assert!(
        holder.predecessor.is_none(),
        "the first owner must have no predecessor, but has {:?}",
        holder.predecessor
    );
    if let Some(length) = holder.length() {
        assert!(
            length == claim.length(),
            "the lease must be as long as the claim's, {:?}, but is {length:?}",
            claim.length()
        );
    }
    let standing = holder.look();
    assert!(
        standing == Standing::Held(Requests::default()),
        "a new holder must be asked nothing, but the answer was {standing:?}"
    );
    subject.client().insist_on(&mut holder, "to look at it");
}

pub(super) fn a_busy_lock_is_refused(subject: &Subject<'_>) {
    let client = subject.client();
    let mut holder = client.acquire("a free lock");
    for other in [&subject.client(), &subject.client(), &client] {
        other.insist_refused(&holder, "an attempt of another");
    }
    client.insist_on(&mut holder, "an attempt of another");
}

/// Nobody ever has the lease of an answer that is lost on its way, and nobody drops it: the lock is held when its owner asks again.
/// From the kernel there is no such way, and the lock goes with the lease: there it is free by then.
pub(super) fn a_lost_answer_is_given_again(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut crashed = client.acquire("a free lock");
    crashed.pass("order 11");
    let standing = crashed.note();
    crashed.insist(standing);
    let before = crashed.record.clone();
    drop(crashed);

    let mut claim = subject.claim();
    claim.gone = Some(before.owner.clone());
    let first = client.acquire_with(&claim, "the lock of a holder that has gone");
    let begun = first.sent;
    let first = lose(first);
    // So late that this lease has run out when the next one has not.
    thread::sleep(subject.length() / 2);
    let mut holder = client.acquire_again(&claim, begun);
    insist_answered(&holder, &claim.record, &before);
    other.insist_on(&mut holder, "that its owner asks again");
    thread::sleep((subject.length() * 3 / 4).saturating_sub(holder.sent.elapsed()));
    other.insist_on(&mut holder, "the end of a lease whose answer was lost");

    // By a new connection, and as whoever waits for a lock does, whose record begins with each try.
    let sent = holder.sent;
    let second = lose(holder);
    claim.record.begin();
    let mut holder = subject.client().acquire_again(&claim, sent);
    insist_answered(&holder, &claim.record, &before);
    other.insist_on(&mut holder, "that its owner asks a third time");
    while begun.elapsed() < subject.length() * 2 {
        thread::sleep(subject.length() / 8);
        holder.progress();
    }
    other.insist_on(&mut holder, "that an answer was lost");
    holder.release();
    drop((first, second));
    let left = other.insist_free("a released lock");
    assert!(
        left.is_none(),
        "a release must leave no record, but {left:?} was seen"
    );
    other.acquire("a lock that was released").release();
}

/// What the owner never hears of.
fn lose(holder: Holder) -> Option<Holder> {
    holder.runs_out().then_some(holder)
}

/// Whoever has asked again is told what it would have been told the first time.
fn insist_answered(holder: &Holder, claimed: &Record, before: &Record) {
    insist_same(
        Some(&as_claimed(holder, claimed)),
        claimed,
        "whoever asks again must get the record of its claim",
    );
    if holder.runs_out() {
        insist_predecessor(holder, before);
    }
}

pub(super) fn a_record_comes_back_as_it_was_written(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let see = |holder: &mut Holder, text: &str| {
        holder.pass(text);
        let standing = holder.note();
        holder.insist(standing);
        insist_seen(&other, &holder.record);
    };
    let mut claim = subject.claim();
    claim.record.name = String::from("It's \"nightly\"; -- $1 %s {日本語} \\");
    let mut holder = client.acquire_with(&claim, "a free lock");
    insist_seen(&other, &holder.record);

    for text in [
        "",
        "it's \"done\" \\ 'twice' `so` ${HOME} $1 ? %s %00",
        "two\r\nlines\tand a bell \u{7}",
        "a NUL \0 in the midst",
        "日本語, 🦀, e\u{301}, \u{feff}, \u{2028}",
        "null",
        "{\"livinglock\":1}",
        &"\u{1}".repeat(240),
        &"ü".repeat(120),
    ] {
        see(&mut holder, text);
    }
    holder.record.keeper_id = u32::MAX;
    holder.record.at_least_ms = u64::MAX;
    holder.record.acquired_ns = u64::MAX;
    see(&mut holder, "the largest numbers");

    holder.record.autopsy = Some(Autopsy {
        silence_ms: 7_200_000,
        threads: (0..16).map(thread).collect(),
        thread_count: 400,
        ..Autopsy::default()
    });
    holder.progress();
    insist_seen(&other, &holder.record);
    let last = holder.record.clone();
    holder.end(|record| Farewell::Left(record));
    insist_seen(&other, &last);
}

pub(super) fn a_look_changes_nothing(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    for _ in 0..3 {
        other.look();
    }
    let mut holder = client.acquire("a lock that others have only looked at");
    assert!(
        holder.predecessor.is_none(),
        "a look must leave nothing behind, but {:?} was before",
        holder.predecessor
    );
    for _ in 0..3 {
        other.look();
    }
    let standing = holder.look();
    holder.insist(standing);
    assert!(
        standing == Standing::Held(Requests::default()),
        "a look must ask nothing of the holder, but the answer was {standing:?}"
    );
    client.insist_on(&mut holder, "a look");
    let last = holder.record.clone();
    if let Some(length) = holder.length() {
        while other.look().is_held {
            assert!(
                holder.sent.elapsed() < length + SLACK,
                "a look must not extend the lease, but after {:?} it lasts still",
                holder.sent.elapsed()
            );
            thread::sleep(subject.moment());
        }
        subject.insist_not_before(length, holder.sent, "a lease must be seen to run out");
    } else {
        drop(holder);
    }
    for _ in 0..3 {
        insist_seen(&other, &last);
    }
    insist_predecessor(&client.acquire("a lock that was only looked at"), &last);
}

pub(super) fn locks_do_not_disturb_each_other(subject: &Subject<'_>) {
    let neighbour = subject.neighbour();
    let (here, there) = (subject.client(), neighbour.client());
    let mut holder = here.acquire("a free lock");
    assert!(
        !there.look().is_held && there.look().record.is_none(),
        "the lock {} must not be seen at {}",
        subject.name,
        neighbour.name
    );
    let mut next = there.acquire("a free lock beside one that is held");
    here.insist_on(&mut holder, "another lock's owner");
    let _request = there.ask_to_stop(&holder.record.owner);
    here.insist_on(&mut holder, "another lock's request");
    next.progress();
    holder.release();
    there.insist_on(&mut next, "another lock's release");
    next.release();
    assert!(
        here.acquire("a released lock").predecessor.is_none(),
        "a lock must have its own predecessors"
    );
}

/// Everybody sees this record.
fn insist_seen(client: &Client<'_>, written: &Record) {
    insist_same(
        client.look().record.as_deref(),
        written,
        "a record must be seen as it was written",
    );
}

/// A holder's record with what is only known at acquisition as it was claimed.
fn as_claimed(holder: &Holder, claimed: &Record) -> Record {
    let mut record = holder.record.clone();
    record.fencing_token = claimed.fencing_token;
    if !holder.runs_out() {
        // Its times begin when the kernel grants it.
        record.timestamp.clone_from(&claimed.timestamp);
        record.acquired.clone_from(&claimed.acquired);
        record.acquired_ns = claimed.acquired_ns;
        record.progress_ns = claimed.progress_ns;
    }
    record
}

fn thread(id: u32) -> ThreadState {
    ThreadState {
        id,
        name: "a 'worker'".to_owned(),
        state: "D".to_owned(),
        waits_in: Some("\"io_schedule\"".to_owned()),
        checkpoint: None,
    }
}

//! A holder that ends without a word, or loses its lock.

use std::time::Duration;

use super::subject::{Holder, SLACK, Subject, insist_predecessor, insist_same};
use crate::{
    record::{Record, State},
    store::Farewell,
};

pub(super) fn a_crash_leaves_the_last_record(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    holder.pass("order 11");
    holder.progress();
    holder.pass("order 12");
    let standing = holder.note();
    holder.insist(standing);
    let last = holder.record.clone();
    drop(holder);
    drop(client);

    insist_same(
        other.look().record.as_deref(),
        &last,
        "a crash must leave the last record",
    );
    let next = other.acquire_within(subject.length() + SLACK, "the lock of one that has crashed");
    insist_predecessor(&next, &last);
}

/// The kernel knows by itself who has gone, and asks nobody: this is for leases.
pub(super) fn a_holder_known_to_have_gone_is_taken_over(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut first = client.acquire("a free lock");
    if !first.runs_out() {
        return;
    }
    let stranger = subject.claim().record.owner;
    let mut claim = subject.claim();
    claim.gone = Some(stranger);
    insist_refused(&other.attempt(&claim), &first);
    client.insist_on(&mut first, "that somebody else has gone");

    let last = first.record.clone();
    let mut second = other.take_over(&mut first);
    insist_predecessor(&second, &last);
    claim.gone = Some(last.owner);
    insist_refused(&client.attempt(&claim), &second);
    other.insist_on(&mut second, "that its predecessor has gone");
}

fn insist_refused<T>(attempt: &Result<Holder, T>, holder: &Holder) {
    if attempt.is_ok() {
        holder
            .blame("only the lock of the owner that has gone may be taken over, but another's was");
    }
}

pub(super) fn a_lost_lease_stays_lost(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut first = client.acquire("a free lock");
    let mut second = other.take_over(&mut first);
    first.insist_lost();
    client.insist_on(&mut second, "what its predecessor does");
    let last = second.record.clone();
    second.end(|record| Farewell::Left(record));
    first.insist_lost();
    insist_same(
        client.look().record.as_deref(),
        &last,
        "an owner that has lost the lock must leave the record of the next one",
    );
}

pub(super) fn a_stranger_does_not_end_a_hold(subject: &Subject<'_>) {
    type Parting = fn(&Record) -> Farewell<'_>;
    let farewells: [(&str, Parting); 4] = [
        ("a stranger's release", |record| Farewell::Released(record)),
        ("a stranger's longer hold", |record| {
            Farewell::Kept(record, Duration::ZERO)
        }),
        ("a stranger's stop", |record| Farewell::Left(record)),
        ("a stranger's end", |record| {
            Farewell::LeftWithProcess(record)
        }),
    ];
    let mut holder = subject.client().acquire("a free lock");
    for (what, farewell) in farewells {
        let client = subject.client();
        let mut next = client.take_over(&mut holder);
        holder.record.state = State::Kept;
        holder.end(farewell);
        client.insist_on(&mut next, what);
        holder = next;
    }
}

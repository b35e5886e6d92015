//! How holds end.

use std::time::{Duration, Instant};

use super::subject::{SLACK, Subject, insist_predecessor, insist_same};
use crate::{
    record::{State, milliseconds},
    store::Farewell,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) fn a_released_lock_is_free(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    for client in [&client, &other] {
        let mut holder = client.acquire("a lock that was released, or that nobody ever had,");
        assert!(
            holder.predecessor.is_none(),
            "a release must leave no predecessor, but there is {:?}",
            holder.predecessor
        );
        holder.progress();
        holder.release();
        let left = other.insist_free("a released lock");
        assert!(
            left.is_none(),
            "a release must leave no record, but {left:?} was seen"
        );
    }
}

pub(super) fn a_left_lock_is_free_and_keeps_its_record(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    holder.pass("order 12");
    holder.record.state = State::Stopped;
    let last = holder.record.clone();
    holder.end(|record| Farewell::Left(record));
    let left = other.insist_free("a lock that was left");
    insist_same(
        left.as_deref(),
        &last,
        "a lock that was left must keep its record",
    );
    insist_predecessor(&other.acquire("a lock that was left"), &last);
}

pub(super) fn a_kept_lock_stays_busy(subject: &Subject<'_>) {
    let length = subject.length();
    // Longer than the lease, and shorter.
    insist_kept(subject, length, length * 3 / 2);
    insist_kept(&subject.neighbour(), HOUR, length);
}

fn insist_kept(subject: &Subject<'_>, lease: Duration, keep: Duration) {
    let (client, other) = (subject.client(), subject.client());
    let mut claim = subject.claim();
    claim.record.stale_ms = milliseconds(lease);
    let begun = Instant::now();
    let mut holder = client.acquire_with(&claim, "a free lock");
    holder.record.state = State::Kept;
    // A lock of the kernel is kept by its record alone.
    holder.record.at_least_ms = milliseconds(keep + begun.elapsed() + Duration::from_millis(1));
    let last = holder.record.clone();
    let sent = Instant::now();
    holder.end(|record| Farewell::Kept(record, keep));

    match other.attempt(&subject.claim()) {
        Err(found) => insist_same(
            found.record.as_deref(),
            &last,
            "a lock that is kept must be seen with its last record",
        ),
        Ok(_) => subject.insist_not_before(keep, sent, "a kept lock must be free"),
    }
    let next = other.acquire_within(keep + SLACK, "a lock that was kept");
    subject.insist_not_before(keep, sent, "a kept lock must be free");
    assert!(
        next.predecessor.is_none(),
        "a lock that was kept counts as released, but {:?} was before",
        next.predecessor
    );
}

/// A lock of the kernel is free once its process has ended, and this one is needed: this is for leases.
pub(super) fn a_lock_left_with_its_process_is_free_soon(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut claim = subject.claim();
    claim.record.stale_ms = milliseconds(HOUR);
    let mut holder = client.acquire_with(&claim, "a free lock");
    if !holder.runs_out() {
        return;
    }
    holder.record.state = State::Stopped;
    let last = holder.record.clone();
    holder.end(|record| Farewell::LeftWithProcess(record));
    let next = other.acquire_within(
        Duration::from_secs(5),
        "a lock that was left with its process",
    );
    insist_predecessor(&next, &last);
}

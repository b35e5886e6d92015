//! A lease, for how long it lasts, and by whose clock.

use std::{
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::subject::{SLACK, Subject, insist_predecessor, insist_same, nanoseconds};
use crate::{
    record::Record,
    store::{Sighting, Standing},
};

pub(super) fn a_renewal_extends_the_lease(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    let begun = Instant::now();
    while begun.elapsed() < subject.length() * 3 / 2 {
        thread::sleep(subject.length() / 8);
        holder.progress();
        other.insist_on(&mut holder, "a renewal");
    }
}

pub(super) fn a_note_does_not_extend_the_lease(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    holder.pass("order 12");
    let standing = holder.note();
    holder.insist(standing);
    insist_same(
        other.look().record.as_deref(),
        &holder.record,
        "a note must write the record",
    );
    let Some(length) = holder.length() else {
        return;
    };
    while holder.note() != Standing::Lost {
        assert!(
            holder.sent.elapsed() < length + SLACK,
            "a note must not extend the lease, but after {:?} it lasts still",
            holder.sent.elapsed()
        );
        thread::sleep(subject.moment());
    }
    subject.insist_not_before(length, holder.sent, "a lease must run out");
    other.acquire("a lock whose lease has run out");
}

pub(super) fn a_lease_runs_out(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    thread::sleep(subject.length() / 4);
    holder.progress();
    let last = holder.record.clone();

    let mut next = other.acquire_within(subject.length() + SLACK, "a lock that nobody renews");
    subject.insist_not_before(
        subject.length(),
        holder.sent,
        "whoever does not renew must lose the lock",
    );
    insist_predecessor(&next, &last);
    holder.insist_lost();
    client.insist_on(&mut next, "what its predecessor does");
}

pub(super) fn a_sighting_tells_the_times(subject: &Subject<'_>) {
    /// As exact as leases of whole seconds allow.
    const EXACT: Duration = Duration::from_millis(1100);
    let (client, other) = (subject.client(), subject.client());
    let begun = Instant::now();
    let mut holder = client.acquire("a free lock");
    let Some(length) = holder.length() else {
        let left = other.look().left;
        assert!(
            left.is_none(),
            "a lock that lives with its process must have nothing left of a lease, but has {left:?}"
        );
        return;
    };
    let insist_plausible = |seen: &Sighting, held: Duration, written: Duration| {
        let ages = [
            ("held", seen.held_for, held),
            ("written", seen.written_ago, written),
        ];
        for (what, said, passed) in ages {
            assert!(
                said.is_none_or(|said| said.abs_diff(passed) <= EXACT),
                "it was {what} {passed:?} ago, but the sighting says {said:?}"
            );
        }
    };
    let look = || {
        let seen = other.look();
        let left = seen.left.unwrap_or_else(|| {
            panic!("a lease must be seen with what is left of it, but {seen:?} was seen")
        });
        (seen, left)
    };
    thread::sleep(length / 4);
    holder.progress();
    let renewed = Instant::now();
    let (seen, first) = look();
    assert!(
        first <= length && first + EXACT + renewed.elapsed() >= length,
        "a new lease of {length:?} must have about that left, but has {first:?}"
    );
    insist_plausible(&seen, begun.elapsed(), renewed.elapsed());

    while renewed.elapsed() < length / 2 {
        thread::sleep(subject.moment());
    }
    let (seen, second) = look();
    let passed = renewed.elapsed();
    assert!(
        second < first && (second + passed).abs_diff(length) <= EXACT + subject.moment(),
        "what is left must shrink with time, but after {passed:?} of {length:?} it is {second:?}"
    );
    insist_plausible(&seen, begun.elapsed(), renewed.elapsed());
}

/// Whether a holder makes progress is told by the clock of its machine, where a lock lives with its process; nothing is by the wall clock.
pub(super) fn clocks_of_clients_do_not_matter(subject: &Subject<'_>) {
    const HOURS: Duration = Duration::from_secs(10 * 60 * 60);
    let now = SystemTime::now();
    let (ahead, behind) = (now + HOURS, now - HOURS);
    for (subject, clock) in [(subject, ahead), (&subject.neighbour(), behind)] {
        let client = subject.client();
        let claim_at = |clock| {
            let mut claim = subject.claim();
            set_clock(&mut claim.record, clock, now);
            claim
        };
        let mut holder = client.acquire_with(&claim_at(clock), "a free lock");
        if !holder.runs_out() {
            set_wall_clock(&mut holder.record, clock);
            let standing = holder.note_as_it_is();
            holder.insist(standing);
            client.insist_on(&mut holder, "a wall clock that was set");
            drop(holder);
            client.acquire("the lock of one that has crashed, whatever its wall clock says,");
            continue;
        }
        let is_refused = |clock| client.attempt(&claim_at(clock)).is_err();
        while [ahead, behind, now].into_iter().all(is_refused) {
            assert!(
                holder.sent.elapsed() < subject.length() + SLACK,
                "a lease must run out, whatever the time is at its holder, but after {:?} it lasts still",
                holder.sent.elapsed()
            );
            thread::sleep(subject.moment());
        }
        subject.insist_not_before(
            subject.length(),
            holder.sent,
            "a lease must run out, whatever the time is at its holder and at others,",
        );
    }
}

/// Puts all times of a record off, as a clock does that is at this time.
fn set_clock(record: &mut Record, wall_clock: SystemTime, now: SystemTime) {
    set_wall_clock(record, wall_clock);
    let shift = |nanoseconds_since: u64| match wall_clock.duration_since(now) {
        Ok(ahead) => nanoseconds_since.saturating_add(nanoseconds(ahead)),
        Err(behind) => nanoseconds_since.saturating_sub(nanoseconds(behind.duration())),
    };
    record.acquired_ns = shift(record.acquired_ns);
    record.progress_ns = shift(record.progress_ns);
}

fn set_wall_clock(record: &mut Record, wall_clock: SystemTime) {
    record.timestamp = humantime::format_rfc3339_millis(wall_clock).to_string();
    record.acquired = humantime::format_rfc3339_seconds(wall_clock).to_string();
}

//! Requests to stop.

use super::subject::{Client, Holder, Subject};
use crate::store::{Farewell, Standing};

pub(super) fn a_stop_request_reaches_its_holder(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut holder = client.acquire("a free lock");
    let wrong = other.ask_to_stop(&subject.claim().record.owner);
    insist_asked(&other, &mut holder, false, "a request to somebody else");
    drop(wrong);

    let request = other.ask_to_stop(&holder.record.owner);
    insist_asked(&other, &mut holder, true, "a request to the holder");
    let again = subject.client().ask_to_stop(&holder.record.owner);
    insist_asked(&other, &mut holder, true, "a second request to the holder");
    drop((request, again));
    client.insist_on(&mut holder, "a request to stop");
}

/// A request stands on a lock file until it is dropped, whoever has that next. A released file is gone: only that is tried where a lock
/// lives with its process.
pub(super) fn a_stop_request_does_not_reach_the_next_owner(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let mut first = client.acquire("a free lock");
    let _request = other.ask_to_stop(&first.record.owner);
    let owner = first.record.owner.clone();
    let mut next = if first.runs_out() {
        client.take_over(&mut first)
    } else {
        first.release();
        client.acquire("a released lock")
    };
    let what = "a request to its predecessor";
    insist_asked(&other, &mut next, false, what);
    let _late = other.ask_to_stop(&owner);
    insist_asked(
        &other,
        &mut next,
        false,
        "a late request to its predecessor",
    );
    if !next.runs_out() {
        return;
    }
    let _request = other.ask_to_stop(&next.record.owner);
    next.end(|record| Farewell::Left(record));
    let mut last = client.acquire("a lock that was left");
    insist_asked(&other, &mut last, false, what);
}

/// Whether the holder is asked to stop, by whatever it does, and in the eyes of others.
fn insist_asked(client: &Client<'_>, holder: &mut Holder, wanted: bool, what: &str) {
    let reaches = if wanted { "must" } else { "must not" };
    let answers = [
        ("looks", holder.look()),
        ("renews", holder.renew()),
        ("notes", holder.note()),
    ];
    for (does, standing) in answers {
        holder.insist(standing);
        assert!(
            matches!(standing, Standing::Held(requests) if requests.stop == wanted),
            "{what} {reaches} reach the holder when it {does}, but the answer was {standing:?}"
        );
    }
    let seen = client.look().is_asked_to_stop;
    assert!(
        seen == wanted,
        "{what} {reaches} be seen, but `is_asked_to_stop` is {seen}"
    );
}

//! Who comes after whom.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::subject::{Client, Holder, SLACK, Subject};
use crate::{
    record::State,
    store::{Claim, Farewell},
};

/// That they grow is looked at whenever any case acquires a lock; here it changes hands in every way that there is.
pub(super) fn tokens_grow(subject: &Subject<'_>) {
    let (client, other) = (subject.client(), subject.client());
    let told = |mut holder: Holder| {
        // By the records that they see, which have to be the owner's.
        other.insist_on(&mut holder, "an owner's token");
        holder
    };
    let acquire =
        |client: &Client<'_>, why| told(client.acquire_within(subject.length() + SLACK, why));
    acquire(&client, "a free lock").release();
    acquire(&other, "a released lock").release();
    drop(acquire(&client, "a released lock"));
    let mut lapsed = acquire(&other, "the lock of one that has crashed");
    let mut holder = acquire(&client, "the lock of one that has not renewed it");
    lapsed.insist_lost();
    for client in [&other, &client] {
        holder = told(client.take_over(&mut holder));
    }
    holder.record.state = State::Stopped;
    holder.end(|record| Farewell::Left(record));
    acquire(&client, "a lock that was left").release();
}

pub(super) fn one_contender_wins(subject: &Subject<'_>) {
    const CONTENDERS: usize = 8;
    const ROUNDS: usize = 30;
    let clients: Vec<_> = (0..CONTENDERS).map(|_| subject.client()).collect();
    let mut holder: Option<Holder> = None;
    for round in 0..ROUNDS {
        let mut claims: Vec<_> = clients.iter().map(|_| subject.claim()).collect();
        // In turn the lock is free, and held by one that is known to have gone.
        match holder.take() {
            Some(gone) if gone.runs_out() && round % 2 == 1 => {
                for claim in &mut claims {
                    claim.gone = Some(gone.record.owner.clone());
                }
            }
            Some(done) => done.release(),
            None => {}
        }
        let mut winners = contend(subject, &clients, &claims);
        holder = winners.pop();
        if let (Some(winner), [_, ..]) = (&holder, &winners[..]) {
            winner.blame(&format!(
                "one of {CONTENDERS} contenders must win, but {} did in round {round}",
                winners.len() + 1
            ));
        }
        match &holder {
            Some(winner) => subject.insist_on_growth(winner),
            None => {
                panic!("one of {CONTENDERS} contenders must win, but none did in round {round}")
            }
        }
    }
}

/// Lets all come at once; who has won.
fn contend(subject: &Subject<'_>, clients: &[Client<'_>], claims: &[Claim]) -> Vec<Holder> {
    let start = Barrier::new(clients.len());
    let left = AtomicUsize::new(clients.len());
    thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .zip(claims)
            .map(|(client, claim)| {
                let (start, left) = (&start, &left);
                scope.spawn(move || {
                    start.wait();
                    let won = client.contend(claim);
                    left.fetch_sub(1, Ordering::Relaxed);
                    let mut holder = won.ok()?;
                    while left.load(Ordering::Relaxed) > 0 {
                        holder.beat(subject.length() / 4);
                        thread::sleep(subject.moment());
                    }
                    Some(holder)
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|why| std::panic::resume_unwind(why))
            })
            .collect()
    })
}

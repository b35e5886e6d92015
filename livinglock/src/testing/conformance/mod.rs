//! What every [`Store`] has to keep, as tests that any store can be put to.
//!
//! Each case is a test of its own with [`store_conformance!`](crate::store_conformance), and all of them are one call with
//! [`Conformance::run`]. They use the store directly, without a pulse. A case that fails panics with the promise that was broken, and
//! with what was seen instead.
//!
//! | case | promise |
//! |---|---|
//! | `a_free_lock_is_acquired` | at once, with the record that was brought, which everybody sees |
//! | `a_busy_lock_is_refused` | on every connection; whoever is refused sees the holder, and changes nothing |
//! | `a_lost_answer_is_given_again` | to the owner who asks again, and to nobody else: a lease that begins then, the same predecessor, and no smaller token |
//! | `a_record_comes_back_as_it_was_written` | whatever text is in it |
//! | `a_look_changes_nothing` | neither for the holder, nor for the next one, nor for how long the lease lasts |
//! | `locks_do_not_disturb_each_other` | though the name of one begins as the other's |
//! | `a_renewal_extends_the_lease` | for as long as there are renewals |
//! | `a_note_does_not_extend_the_lease` | though it writes the record |
//! | `a_lease_runs_out` | not before its length has passed since the last renewal was sent, and soon after |
//! | `a_sighting_tells_the_times` | what is left of a lease, and how old it and its record are, if it says so |
//! | `clocks_of_clients_do_not_matter` | though they are hours apart |
//! | `a_crash_leaves_the_last_record` | to whoever comes next |
//! | `a_holder_known_to_have_gone_is_taken_over` | at once, and nobody else instead of it |
//! | `a_lost_lease_stays_lost` | to look at, to renew and to note in, and the new owner notices nothing |
//! | `a_stranger_does_not_end_a_hold` | whatever its farewell is |
//! | `a_released_lock_is_free` | at once, and nothing is left of it |
//! | `a_left_lock_is_free_and_keeps_its_record` | at once, for whoever comes next |
//! | `a_kept_lock_stays_busy` | for its time, and then it counts as released |
//! | `a_lock_left_with_its_process_is_free_soon` | within five seconds |
//! | `tokens_grow` | from owner to owner, however the lock changes hands |
//! | `one_contender_wins` | of many that come at once, to a free lock or to one whose holder has gone |
//! | `a_stop_request_reaches_its_holder` | and nobody else |
//! | `a_stop_request_does_not_reach_the_next_owner` | though it stands |
//!
//! A store whose locks live with their process ([`Lease::length`] is `None`) has no lease to run out, and its kernel knows who has gone:
//! such a store passes over `a_note_does_not_extend_the_lease`, `a_holder_known_to_have_gone_is_taken_over` and
//! `a_lock_left_with_its_process_is_free_soon`, for which the process would have to end. Nor is an answer lost on its way from the kernel:
//! there the owner asks again once its lease was dropped, and may find itself to be its predecessor. Where the other cases need a stale
//! holder, it has to take over from one whose pulse does not answer. A request to stop may stand on what the next owner finds, as on the
//! bytes of a lock file; whether it reaches that owner is tried after a release alone.
//!
//! [`Lease::length`]: crate::store::Lease::length

mod contenders;
mod farewell;
mod hold;
mod lease;
mod loss;
mod request;
mod subject;

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
    time::Duration,
};

use subject::{Stalled, Subject};

use crate::{report, store::Store};

/// The cases, and the store that they are put to.
///
/// The maker is called with a name that no lock had before, once for every client of that lock: as if each were on a machine of its own,
/// with a connection of its own.
///
/// ```
/// use std::{collections::HashMap, sync::{Arc, Mutex}};
///
/// use livinglock::testing::{MemoryStore, conformance::Conformance};
///
/// let locks = Mutex::new(HashMap::<String, MemoryStore>::new());
/// Conformance::new(move |name| Arc::new(locks.lock().unwrap().entry(name.to_owned()).or_default().clone()))
///     .check("a_busy_lock_is_refused");
/// ```
pub struct Conformance {
    make: Box<Maker>,
    lease: Duration,
}

type Maker = dyn Fn(&str) -> Arc<dyn Store> + Send + Sync;

type Case = (&'static str, fn(&Subject<'_>));

const CASES: &[Case] = crate::__store_conformance! { table };

/// How often a case is begun anew on a machine that was too busy to judge.
const ATTEMPTS: usize = 5;

/// The names of all cases.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name)
}

impl Conformance {
    /// The cases for the stores that come from this maker.
    pub fn new(make: impl Fn(&str) -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            lease: Duration::from_secs(2),
        }
    }

    /// How long the leases are; 2 seconds unless set. Most cases take a few of these.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length;
        self
    }

    /// Runs every case, all at the same time.
    ///
    /// # Panics
    ///
    /// Some fail: with the sentences of all that did.
    pub fn run(&self) {
        let failures: Vec<String> = thread::scope(|scope| {
            let running: Vec<_> = cases()
                .map(|case| (case, scope.spawn(move || self.check(case))))
                .collect();
            let ended = running
                .into_iter()
                .map(|(case, thread)| (case, thread.join()));
            ended
                .filter_map(|(case, ended)| Some(format!("{case}: {}", sentence(&*ended.err()?))))
                .collect()
        });
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    /// Runs one case.
    ///
    /// # Panics
    ///
    /// It fails, or there is none of this name.
    pub fn check(&self, case: &str) {
        let found = CASES.iter().find(|(name, _)| *name == case);
        let (name, run) = found.unwrap_or_else(|| panic!("there is no case {case}"));
        for _ in 0..ATTEMPTS {
            let subject = Subject::new(self, name);
            match panic::catch_unwind(AssertUnwindSafe(|| run(&subject))) {
                Err(why) if why.is::<Stalled>() => {}
                Err(why) => panic::resume_unwind(why),
                Ok(()) => return,
            }
        }
        panic!(
            "this machine, or its way to the store, is too slow for a lease of {}: choose a longer one",
            report::span(self.lease)
        );
    }
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

fn sentence(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked without a word")
}

/// Makes each case of the [conformance suite](crate::testing::conformance) a test, for the stores that this [`Conformance`] makes.
///
/// ```
/// mod my_store {
///     use std::sync::Arc;
///
///     use livinglock::testing::conformance::Conformance;
/// #   use livinglock::store::FileStore as MyStore;
///
///     livinglock::store_conformance!(Conformance::new(|name| Arc::new(MyStore::new(name))));
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($conformance:expr $(,)?) => {
        $crate::__store_conformance! { tests $conformance }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_conformance {
    (tests $conformance:expr) => {
        $crate::__store_conformance! { list [tests $conformance] }
    };
    (table) => {
        $crate::__store_conformance! { list [table] }
    };
    (list [$($to:tt)*]) => {
        $crate::__store_conformance! {
            $($to)* =>
            hold::a_free_lock_is_acquired
            hold::a_busy_lock_is_refused
            hold::a_lost_answer_is_given_again
            hold::a_record_comes_back_as_it_was_written
            hold::a_look_changes_nothing
            hold::locks_do_not_disturb_each_other
            lease::a_renewal_extends_the_lease
            lease::a_note_does_not_extend_the_lease
            lease::a_lease_runs_out
            lease::a_sighting_tells_the_times
            lease::clocks_of_clients_do_not_matter
            loss::a_crash_leaves_the_last_record
            loss::a_holder_known_to_have_gone_is_taken_over
            loss::a_lost_lease_stays_lost
            loss::a_stranger_does_not_end_a_hold
            farewell::a_released_lock_is_free
            farewell::a_left_lock_is_free_and_keeps_its_record
            farewell::a_kept_lock_stays_busy
            farewell::a_lock_left_with_its_process_is_free_soon
            contenders::tokens_grow
            contenders::one_contender_wins
            request::a_stop_request_reaches_its_holder
            request::a_stop_request_does_not_reach_the_next_owner
        }
    };
    (tests $conformance:expr => $($noun:ident :: $case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $conformance.check(stringify!($case));
            }
        )*
    };
    (table => $($noun:ident :: $case:ident)*) => {
        &[$((stringify!($case), $noun::$case)),*]
    };
}

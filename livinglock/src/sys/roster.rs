//! The living threads, each with a thread-local value that others may look at.

use std::{
    cell::Cell,
    ptr::NonNull,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    thread::LocalKey,
};

/// A list of the threads that have enrolled and not ended.
///
/// Each member has a `T` in its thread-local storage, at which everybody who holds the lock may look, and an `M` beside it in the list.
#[derive(Debug)]
pub(crate) struct Roster<T: Sync + 'static, M: 'static> {
    value: &'static LocalKey<T>,
    members: Mutex<Vec<Member<T, M>>>,
}

#[derive(Debug)]
struct Member<T, M> {
    value: NonNull<T>,
    beside: M,
}

// SAFETY: `T: Sync` may be looked at from any thread, and the pointer is followed only under the roster's lock, by which the
// member's thread takes itself off the list before its storage goes.
unsafe impl<T: Sync, M: Send> Send for Member<T, M> {}

/// Takes a thread off a list.
trait Leave: Sync {
    fn leave(&self);
}

/// Runs when the thread ends, before its storage is freed.
struct Membership(Cell<Option<&'static dyn Leave>>);

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(roster) = self.0.take() {
            roster.leave();
        }
    }
}

thread_local! {
    static MEMBERSHIP: Membership = const { Membership(Cell::new(None)) };
}

impl<T: Sync, M: Send> Roster<T, M> {
    /// An empty list of threads that each have this value.
    pub(crate) const fn new(value: &'static LocalKey<T>) -> Self {
        const {
            // Storage with a destructor is torn down at an unknown moment of the thread's end; storage without lives as long as the thread.
            assert!(!std::mem::needs_drop::<T>());
        }
        Self {
            value,
            members: Mutex::new(Vec::new()),
        }
    }

    /// Locks the list: nobody enrols or leaves until the result is dropped.
    pub(crate) fn lock(&'static self) -> Members<T, M> {
        Members {
            roster: self,
            list: self.members.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Locks the list unless somebody else has: without waiting or allocating, as a signal handler must.
    ///
    /// That holds for the mutexes of the standard library on Linux, which are a word and `futex(2)`.
    pub(crate) fn try_lock(&'static self) -> Option<Members<T, M>> {
        let list = match self.members.try_lock() {
            Ok(list) => list,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Members { roster: self, list })
    }

    fn own_address(&self) -> NonNull<T> {
        self.value.with(|value| NonNull::from(value))
    }
}

impl<T: Sync, M: Send> Leave for Roster<T, M> {
    fn leave(&self) {
        let own = self.own_address();
        let left = {
            let mut list = self.members.lock().unwrap_or_else(PoisonError::into_inner);
            let found = list.iter().position(|member| member.value == own);
            found.map(|index| list.remove(index))
        };
        // Outside the lock: what stands beside may have a destructor that takes it.
        drop(left);
    }
}

/// The locked list.
#[derive(Debug)]
pub(crate) struct Members<T: Sync + 'static, M: Send + 'static> {
    roster: &'static Roster<T, M>,
    list: MutexGuard<'static, Vec<Member<T, M>>>,
}

impl<T: Sync, M: Send> Members<T, M> {
    /// Every member, in the order in which they enrolled.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&T, &mut M)> {
        self.list.iter_mut().map(|member| {
            // SAFETY: the member is on the list, its thread cannot leave while we hold the lock, so its storage is there;
            // `value` has no destructor that could have run before, and only shared references to it are ever made.
            (unsafe { member.value.as_ref() }, &mut member.beside)
        })
    }

    /// The calling thread's own entry, enrolled now if it was not; `None` in a thread that is already ending.
    pub(crate) fn enrolled(&mut self, beside: impl FnOnce() -> M) -> Option<&mut M> {
        let own = self.roster.own_address();
        let found = self.list.iter().position(|member| member.value == own);
        let index = if let Some(index) = found {
            index
        } else {
            MEMBERSHIP
                .try_with(|membership| membership.0.set(Some(self.roster)))
                .ok()?;
            self.list.push(Member {
                value: own,
                beside: beside(),
            });
            self.list.len() - 1
        };
        Some(&mut self.list[index].beside)
    }
}

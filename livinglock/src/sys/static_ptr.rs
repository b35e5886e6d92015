//! An atomic word that is empty, shut, or the address of something that lives for ever.

use std::{
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

/// What a [`StaticPtr`] holds.
#[derive(Debug)]
pub(crate) enum Seen<T: 'static> {
    Empty,
    Shut,
    At(&'static T),
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Seen<T> {}

impl<T> Seen<T> {
    fn to_ptr(self) -> *mut T {
        match self {
            Self::Empty => ptr::null_mut(),
            Self::Shut => SHUT as *mut T,
            Self::At(place) => ptr::from_ref(place).cast_mut(),
        }
    }
}

/// No object has this address: the first page is never mapped.
const SHUT: usize = 1;

/// The word itself.
#[derive(Debug)]
pub(crate) struct StaticPtr<T: 'static>(AtomicPtr<T>, PhantomData<&'static T>);

impl<T> StaticPtr<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()), PhantomData)
    }

    /// Whether the word holds this place: one relaxed load and one compare.
    #[inline]
    pub(crate) fn is_at(&self, place: &'static T) -> bool {
        ptr::eq(self.0.load(Ordering::Relaxed), place)
    }

    /// Stores without looking at what was there.
    #[inline]
    pub(crate) fn set(&self, value: Seen<T>) {
        self.0.store(value.to_ptr(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Seen<T> {
        Self::seen(self.0.load(Ordering::Relaxed))
    }

    /// Replaces `old` by `new`, if `old` is what it holds; whether it was.
    pub(crate) fn replace(&self, old: Seen<T>, new: Seen<T>) -> bool {
        self.0
            .compare_exchange(
                old.to_ptr(),
                new.to_ptr(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    fn seen(word: *mut T) -> Seen<T> {
        if word.is_null() {
            Seen::Empty
        } else if word.addr() == SHUT {
            Seen::Shut
        } else {
            // SAFETY: apart from the two sentinels above, only addresses of `&'static T` are ever stored.
            Seen::At(unsafe { &*word })
        }
    }
}

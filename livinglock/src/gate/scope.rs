//! The stay of a thread behind the gate of a locked function, or of whoever it works for.

use std::{
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use super::{
    Gate,
    threads::{Thread, Threads, admit, gates, lock_threads, root, take, want_messages},
    words::{NO_TOTAL, SHUT, WORDS},
};
use crate::sys::Seen;

/// How far somebody is, while no thread works for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    done: u64,
    total: u64,
}

/// Not counted yet.
impl Default for Shown {
    fn default() -> Self {
        Self {
            done: 0,
            total: NO_TOTAL,
        }
    }
}

impl Shown {
    /// What the calling thread shows now, and this instead from now on.
    fn swap(self) -> Self {
        WORDS.with(|words| Self {
            done: words.done.swap(self.done, Ordering::Relaxed),
            total: words.total.swap(self.total, Ordering::Relaxed),
        })
    }
}

/// The calling thread's stay in a scope, from its creation until dropped.
///
/// It must be dropped on the thread that created it.
#[derive(Debug)]
pub(crate) struct ThreadScope {
    before: Option<Arc<Gate>>,
    shown_before: Shown,
    /// The thread's words are its own.
    _not_send: PhantomData<*const ()>,
}

impl ThreadScope {
    /// Puts a gate before the calling thread, until the result is dropped.
    pub(crate) fn enter(gate: &Arc<Gate>) -> Self {
        Self::resume(Some(gate.clone()), Shown::default())
    }

    /// Has the calling thread work where another one, or this one, stopped before: behind this gate, or the root's alone.
    pub(crate) fn resume(scope: Option<Arc<Gate>>, shown: Shown) -> Self {
        let mut threads = lock_threads();
        let shown_before = shown.swap();
        Self {
            before: replace_scope(&mut threads, scope),
            shown_before,
            _not_send: PhantomData,
        }
    }

    /// Ends the stay; how far it has come.
    pub(crate) fn leave(mut self) -> Shown {
        let mut threads = lock_threads();
        replace_scope(&mut threads, self.before.take());
        drop(threads);
        let shown = self.shown_before.swap();
        std::mem::forget(self);
        shown
    }
}

impl Drop for ThreadScope {
    fn drop(&mut self) {
        let mut threads = lock_threads();
        replace_scope(&mut threads, self.before.take());
        self.shown_before.swap();
    }
}

/// Puts the calling thread into another scope; the one before.
fn replace_scope(threads: &mut Threads, scope: Option<Arc<Gate>>) -> Option<Arc<Gate>> {
    let thread = threads.enrolled(Thread::new)?;
    WORDS.with(|words| {
        let root = root();
        // The last checkpoint before belongs to the scope before.
        take(words, thread, root.as_ref(), Seen::Empty);
        if let Some(gate) = &scope
            && thread.described != gate.id
        {
            // What a site said in another scope does not describe this one.
            thread.described = gate.id;
            want_messages();
        }
        let before = std::mem::replace(&mut thread.scope, scope);
        words.gate.store(SHUT, Ordering::Relaxed);
        words.site.set(Seen::Empty);
        admit(words, thread, root.as_ref());
        before
    })
}

/// The gate of the innermost locked function that the calling thread works in.
pub(crate) fn current() -> Option<Arc<Gate>> {
    lock_threads()
        .enrolled(Thread::new)
        .and_then(|thread| thread.scope.clone())
}

/// The innermost gate that the calling thread has to pass, if there is any.
pub(crate) fn innermost() -> Option<Arc<Gate>> {
    current().or_else(root)
}

/// Whether a gate is before this one, or before the calling thread: whoever works behind it cannot wait for it.
pub(crate) fn is_around(gate: &Arc<Gate>, inner: &Arc<Gate>) -> bool {
    let (root, scope) = (root(), current());
    gates(Some(inner), root.as_ref())
        .chain(gates(scope.as_ref(), None))
        .any(|around| Arc::ptr_eq(around, gate))
}

//! The stay of a thread behind the gate of a locked function.

use std::{
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use super::{
    Gate,
    threads::{Thread, Threads, admit, lock_threads, root, take, want_messages},
    words::{NO_TOTAL, SHUT, WORDS},
};
use crate::sys::Seen;

/// The calling thread's stay behind a narrower gate, from its creation until dropped.
///
/// It must be dropped on the thread that created it.
#[derive(Debug)]
pub(crate) struct ThreadScope {
    around: Option<Arc<Gate>>,
    progress: (u64, u64),
    /// The thread's words are its own.
    _not_send: PhantomData<*const ()>,
}

impl ThreadScope {
    /// Puts a gate before the calling thread, until the result is dropped.
    pub(crate) fn enter(gate: &Arc<Gate>) -> Self {
        let mut threads = lock_threads();
        let progress = WORDS.with(|words| {
            (
                words.done.swap(0, Ordering::Relaxed),
                words.total.swap(NO_TOTAL, Ordering::Relaxed),
            )
        });
        replace_scope(&mut threads, Some(gate.clone()));
        Self {
            around: gate.parent.clone(),
            progress,
            _not_send: PhantomData,
        }
    }
}

impl Drop for ThreadScope {
    fn drop(&mut self) {
        WORDS.with(|words| {
            words.done.store(self.progress.0, Ordering::Relaxed);
            words.total.store(self.progress.1, Ordering::Relaxed);
        });
        replace_scope(&mut lock_threads(), self.around.take());
    }
}

fn replace_scope(threads: &mut Threads, scope: Option<Arc<Gate>>) {
    let Some(thread) = threads.enrolled(Thread::new) else {
        return;
    };
    WORDS.with(|words| {
        let root = root();
        // The last checkpoint before belongs to the scope before.
        take(words, thread, root.as_ref(), Seen::Empty);
        thread.scope = scope;
        words.gate.store(SHUT, Ordering::Relaxed);
        words.site.set(Seen::Empty);
        want_messages();
        admit(words, thread, root.as_ref());
    });
}

/// The innermost gate that the calling thread has to pass, if there is any.
pub(crate) fn innermost() -> Option<Arc<Gate>> {
    let scope = lock_threads()
        .enrolled(Thread::new)
        .and_then(|thread| thread.scope.clone());
    scope.or_else(root)
}

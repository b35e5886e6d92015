//! The three ways past a checkpoint: been here, passing through, and having to ask.

use std::sync::{
    Arc,
    atomic::{Ordering, compiler_fence, fence},
};

use super::{
    Gate, Status,
    doubt::wait_for_the_look,
    threads::{Thread, admit, gates, lock_threads, root},
    words::{FENCED, OPEN, SHUT, WORDS, Words},
};
use crate::{site::Site, stop::Stop, sys::Seen};

/// Whether the calling thread passed this very checkpoint last, since the pulse looked.
#[inline]
pub(crate) fn is_here(site: &'static Site) -> bool {
    WORDS.with(|words| words.site.is_at(site))
}

/// Comes to a checkpoint other than the last, and tells whether its gate stands open: if not, [`ask`] before you pass.
#[inline]
#[must_use]
pub(crate) fn come_to(site: &'static Site) -> bool {
    WORDS.with(|words| {
        words.site.set(Seen::At(site));
        // The processor may swap the store and the load, the closer's barrier sees to that; the compiler must not.
        compiler_fence(Ordering::SeqCst);
        words.gate.load(Ordering::Relaxed) == OPEN
    })
}

/// Shows how far the calling thread is.
#[inline]
pub(crate) fn set_progress(done: u64, total: u64) {
    WORDS.with(|words| {
        words.done.store(done, Ordering::Relaxed);
        words.total.store(total, Ordering::Relaxed);
    });
}

/// The slow way past a gate that does not stand open.
#[cold]
#[inline(never)]
pub(crate) fn ask(site: &'static Site) -> Result<(), Stop> {
    WORDS.with(|words| ask_for(site, words))
}

fn ask_for(site: &'static Site, words: &Words) -> Result<(), Stop> {
    if words.gate.load(Ordering::Relaxed) == FENCED {
        fence(Ordering::SeqCst);
        if words.gate.load(Ordering::Relaxed) == FENCED {
            return Ok(());
        }
    }
    loop {
        // A waking after this shows, because its handler stores over it; one before it, because we wait.
        words.gate.store(SHUT, Ordering::SeqCst);
        wait_for_the_look();
        #[cfg(feature = "testing")]
        super::watch::arrive(words);
        let mut threads = lock_threads();
        let root = root();
        let thread = threads.enrolled(Thread::new);
        let scope = thread.as_ref().and_then(|thread| thread.scope.as_ref());
        let barred = gates(scope, root.as_ref()).find_map(|gate| {
            let status = gate.state().status;
            (status != Status::Open).then(|| (gate.clone(), status))
        });
        match (barred, thread) {
            (None, Some(thread)) => {
                #[cfg(feature = "testing")]
                if let Some(seen) = super::watch::see(site, words, thread, root.as_ref()) {
                    drop(threads);
                    seen.tell();
                    return Ok(());
                }
                admit(words, thread, root.as_ref());
                words.site.set(Seen::At(site));
                compiler_fence(Ordering::SeqCst);
                if matches!(words.gate.load(Ordering::SeqCst), OPEN | FENCED) {
                    return Ok(());
                }
            }
            // The thread is ending: nobody can look at it any more, it asks at every checkpoint, and unwinding from a destructor
            // would abort.
            (None | Some((_, Status::Shut(_))), None) => {
                words.site.set(Seen::Empty);
                return Ok(());
            }
            (Some((_, Status::Shut(stop))), Some(thread)) => {
                words.site.set(Seen::Shut);
                obey(gates(thread.scope.as_ref(), root.as_ref()));
                return Err(stop);
            }
            (Some((gate, _)), _) => {
                words.site.set(Seen::Shut);
                drop(threads);
                gate.wait_for_verdict();
            }
        }
    }
}

/// Why the calling thread has to stop at its next checkpoint, if it has to.
pub(crate) fn stop_requested() -> Option<Stop> {
    WORDS.with(|words| {
        if matches!(words.gate.load(Ordering::Relaxed), OPEN | FENCED) {
            return None;
        }
        wait_for_the_look();
        #[cfg(feature = "testing")]
        super::watch::cue();
        let mut threads = lock_threads();
        let root = root();
        let thread = threads.enrolled(Thread::new)?;
        obey(gates(thread.scope.as_ref(), root.as_ref()))
    })
}

/// Obeys every gate that is shut: whoever leaves for the sake of one leaves them all. The reason of the innermost.
fn obey<'a>(gates: impl Iterator<Item = &'a Arc<Gate>>) -> Option<Stop> {
    gates
        .filter_map(|gate| gate.obey())
        .reduce(|innermost, _| innermost)
}

//! The gate that every checkpoint passes, and what the pulse learns there.
//!
//! Each thread has two words in thread-local storage. `site` holds the checkpoint that it passed last; the pulse empties it each tick,
//! and what it finds there is progress. `gate` says whether the thread may pass.
//!
//! Passing the same checkpoint again reads one word and writes none. Passing another one stores `site`, *then* loads `gate`; closing
//! stores `gate`, runs a barrier on every core of the process, *then* looks at `site`. So either the thread sees the closed gate, or
//! the closer sees the thread's progress, whichever way they meet. The barrier is `membarrier(2)`, which costs the closer some
//! microseconds and the thread nothing; where the kernel has none, the thread fences on its slow path.

use std::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    ptr,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence, fence},
    },
};

use crate::{
    site::Site,
    stop::Stop,
    sys::{self, Barrier, Members, Roster, Seen, StaticPtr},
};

/// `Words::gate`: pass.
const OPEN: u32 = 0;
/// `Words::gate`: pass, but after a fence of your own, since the kernel has no barrier for us.
const FENCED: u32 = 1;
/// `Words::gate`: ask under the lock whether you may pass.
const SHUT: u32 = 2;

/// No total is known.
const NO_TOTAL: u64 = u64::MAX;

/// What one thread shows to the pulse.
#[derive(Debug)]
struct Words {
    site: StaticPtr<Site>,
    gate: AtomicU32,
    done: AtomicU64,
    total: AtomicU64,
}

thread_local! {
    static WORDS: Words = const {
        Words {
            site: StaticPtr::new(),
            // Shut until the thread has enrolled.
            gate: AtomicU32::new(SHUT),
            done: AtomicU64::new(0),
            total: AtomicU64::new(NO_TOTAL),
        }
    };
}

static THREADS: Roster<Words, Thread> = Roster::new(&WORDS);

/// The gate of `main`'s lock, which every thread without a narrower scope passes.
static ROOT: Mutex<Option<Arc<Gate>>> = Mutex::new(None);

/// Counts harvests, so that a message is formatted once a tick and not at every pass.
static HARVESTS: AtomicU32 = AtomicU32::new(1);

/// What the roster keeps beside the words of a thread.
#[derive(Debug)]
struct Thread {
    id: u32,
    /// The gate of the innermost locked function that the thread is in.
    scope: Option<Arc<Gate>>,
    messages: Vec<(&'static Site, String)>,
    last: Option<&'static Site>,
}

impl Thread {
    fn new() -> Self {
        Self {
            id: sys::thread_id(),
            scope: None,
            messages: Vec::new(),
            last: None,
        }
    }

    /// Bounds what a thread with very many messages keeps.
    const MESSAGES: usize = 64;

    fn remember(&mut self, site: &'static Site, message: String) {
        if let Some(known) = self
            .messages
            .iter_mut()
            .find(|(known, _)| std::ptr::eq(*known, site))
        {
            known.1 = message;
            return;
        }
        if self.messages.len() == Self::MESSAGES {
            self.messages.remove(0);
        }
        self.messages.push((site, message));
    }

    fn passed(&self, site: &'static Site, words: &Words) -> Passed {
        let total = words.total.load(Ordering::Relaxed);
        Passed {
            site: *site,
            progress: (total != NO_TOTAL).then(|| (words.done.load(Ordering::Relaxed), total)),
            message: self
                .messages
                .iter()
                .find(|(known, _)| std::ptr::eq(*known, site))
                .map(|(_, message)| message.clone()),
        }
    }
}

impl Drop for Thread {
    /// The thread is off the list: destructors of its thread-local values that pass checkpoints must ask.
    fn drop(&mut self) {
        WORDS.with(|words| {
            words.gate.store(SHUT, Ordering::Relaxed);
            words.site.set(Seen::Empty);
        });
    }
}

/// A checkpoint that was passed.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) site: Site,
    pub(crate) progress: Option<(u64, u64)>,
    pub(crate) message: Option<String>,
}

/// A thread and the checkpoint that it passed last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastPass {
    pub(crate) thread: u32,
    pub(crate) site: Site,
}

/// One lock's gate.
pub(crate) struct Gate {
    /// The gate of the scope around this one.
    parent: Option<Arc<Gate>>,
    state: Mutex<State>,
    verdict: Condvar,
}

#[derive(Debug)]
struct State {
    status: Status,
    /// What was passed since the pulse looked last.
    passed: Option<Passed>,
    /// When, and by which thread.
    harvest: u32,
    by: u32,
    /// Somebody waits at the held gate.
    arrived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    /// Closed, but the pulse may still reopen it: wait.
    Held,
    Shut(Stop),
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    fn new(parent: Option<Arc<Gate>>) -> Arc<Self> {
        Arc::new(Self {
            parent,
            state: Mutex::new(State {
                status: Status::Open,
                passed: None,
                harvest: 0,
                by: 0,
                arrived: false,
            }),
            verdict: Condvar::new(),
        })
    }

    /// A gate that stands by itself: only calls of [`Gate::pass`] pass it, unless it becomes the root.
    pub(crate) fn apart() -> Arc<Self> {
        Self::new(None)
    }

    /// A gate behind the one of the calling thread's scope.
    pub(crate) fn in_scope() -> Arc<Self> {
        let around = THREADS
            .lock()
            .enrolled(Thread::new)
            .and_then(|thread| thread.scope.clone());
        Self::new(around)
    }

    /// Puts this gate before every thread of the process, for as long as the process lives.
    pub(crate) fn become_root(self: &Arc<Self>) {
        let mut threads = THREADS.lock();
        *ROOT.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
        // What was passed under no lock is no progress under this one, and each message is wanted anew.
        HARVESTS.fetch_add(1, Ordering::Relaxed);
        for (words, thread) in threads.iter_mut() {
            words.gate.store(SHUT, Ordering::Relaxed);
            words.site.set(Seen::Empty);
            thread.last = None;
            admit(words, thread, Some(self));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes by a call instead of a checkpoint.
    pub(crate) fn pass(&self, site: Site) -> Result<(), Stop> {
        let mut state = self.state();
        loop {
            match state.status {
                Status::Open => {
                    state.passed = Some(Passed {
                        site,
                        progress: None,
                        message: None,
                    });
                    return Ok(());
                }
                Status::Held => state = self.arrive(state),
                Status::Shut(stop) => return Err(stop),
            }
        }
    }

    /// Waits while the gate is held.
    fn wait_for_verdict(&self) {
        let mut state = self.state();
        while state.status == Status::Held {
            state = self.arrive(state);
        }
    }

    fn arrive<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.arrived = true;
        self.verdict
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was passed since the last call.
    pub(crate) fn take_passed(&self) -> Option<Passed> {
        self.state().passed.take()
    }

    /// Whether somebody waits at the held gate.
    pub(crate) fn has_arrivals(&self) -> bool {
        self.state().arrived
    }

    /// Why the gate is shut, if it is.
    pub(crate) fn stop(&self) -> Option<Stop> {
        match self.state().status {
            Status::Shut(stop) => Some(stop),
            Status::Open | Status::Held => None,
        }
    }

    /// Closes the gate unless there is progress; whoever comes waits for the verdict. Whether it is closed now.
    pub(crate) fn hold(self: &Arc<Self>) -> bool {
        let mut threads = THREADS.lock();
        self.set_status(Status::Held);
        self.bar(&mut threads);
        if self.state().passed.is_some() {
            self.open(&mut threads);
            return false;
        }
        true
    }

    /// Opens a held gate again.
    pub(crate) fn reopen(self: &Arc<Self>) {
        self.open(&mut THREADS.lock());
    }

    /// Closes the gate for good.
    pub(crate) fn shut(self: &Arc<Self>, stop: Stop) {
        let mut threads = THREADS.lock();
        self.set_status(Status::Shut(stop));
        self.bar(&mut threads);
    }

    fn set_status(&self, status: Status) {
        let mut state = self.state();
        // The first reason stands.
        if !matches!(state.status, Status::Shut(_)) {
            state.status = status;
        }
        state.arrived = false;
        self.verdict.notify_all();
    }

    fn open(self: &Arc<Self>, threads: &mut Members<Words, Thread>) {
        self.set_status(Status::Open);
        let root = root();
        for (words, thread) in threads.iter_mut() {
            if self.is_before(thread, root.as_ref()) {
                admit(words, thread, root.as_ref());
            }
        }
    }

    /// Makes every thread that this gate is before ask under the lock. What is found in the way counts as passed.
    fn bar(self: &Arc<Self>, threads: &mut Members<Words, Thread>) {
        let root = root();
        let root = root.as_ref();
        let mut take_all = || {
            for (words, thread) in threads.iter_mut() {
                if self.is_before(thread, root) {
                    words.gate.store(SHUT, Ordering::Relaxed);
                    take(words, thread, root, Seen::Shut);
                }
            }
        };
        take_all();
        Barrier::of_this_process().fence();
        // Only a thread that found its gate open before the barrier can have stored over the sentinel unasked.
        take_all();
    }

    /// Whether a thread has to pass this gate: it is its scope's, one around that, or the root.
    fn is_before(self: &Arc<Self>, thread: &Thread, root: Option<&Arc<Gate>>) -> bool {
        gates(thread.scope.as_ref(), root).any(|gate| Arc::ptr_eq(gate, self))
    }
}

fn root() -> Option<Arc<Gate>> {
    ROOT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The gates before whoever is in a scope, from the innermost to the root.
fn gates<'a>(
    scope: Option<&'a Arc<Gate>>,
    root: Option<&'a Arc<Gate>>,
) -> impl Iterator<Item = &'a Arc<Gate>> {
    std::iter::successors(scope, |gate| gate.parent.as_ref()).chain(root)
}

/// Takes the site in a thread's word as passed, for every gate before the thread, and leaves `instead` there.
fn take(words: &Words, thread: &mut Thread, root: Option<&Arc<Gate>>, instead: Seen<Site>) {
    let harvest = HARVESTS.load(Ordering::Relaxed);
    // The thread may pass checkpoints all the while: a few tries, then what was seen is progress all the same.
    for _ in 0..16 {
        let seen = words.site.get();
        if let Seen::At(site) = seen {
            thread.last = Some(site);
            let passed = thread.passed(site, words);
            for gate in gates(thread.scope.as_ref(), root) {
                let mut state = gate.state();
                // Of several threads that worked, the eldest speaks for the job.
                if state.passed.is_none() || state.harvest != harvest || state.by == thread.id {
                    state.passed = Some(passed.clone());
                    state.harvest = harvest;
                    state.by = thread.id;
                }
            }
        }
        let empty_stays_shut = matches!((seen, instead), (Seen::Shut, Seen::Empty));
        if empty_stays_shut || words.site.replace(seen, instead) {
            return;
        }
    }
}

/// Lets a thread pass if every gate before it is open.
fn admit(words: &Words, thread: &Thread, root: Option<&Arc<Gate>>) {
    if gates(thread.scope.as_ref(), root).any(|gate| gate.state().status != Status::Open) {
        return;
    }
    let open = match Barrier::of_this_process() {
        Barrier::Asymmetric => OPEN,
        Barrier::Symmetric => FENCED,
    };
    words.gate.store(open, Ordering::Relaxed);
    // Not if the thread has just stored a site: that is progress for the next harvest.
    words.site.replace(Seen::Shut, Seen::Empty);
}

/// One look of the pulse at every thread: what was passed since the last one goes to the gates.
pub(crate) fn harvest() {
    let mut threads = THREADS.lock();
    HARVESTS.fetch_add(1, Ordering::Relaxed);
    let root = root();
    for (words, thread) in threads.iter_mut() {
        take(words, thread, root.as_ref(), Seen::Empty);
    }
}

/// The last checkpoint of every living thread that passed one.
pub(crate) fn last_passes() -> Vec<LastPass> {
    let last = |(_, thread): (&Words, &mut Thread)| {
        thread.last.map(|site| LastPass {
            thread: thread.id,
            site: *site,
        })
    };
    THREADS.lock().iter_mut().filter_map(last).collect()
}

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
        let mut threads = THREADS.lock();
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
        replace_scope(&mut THREADS.lock(), self.around.take());
    }
}

fn replace_scope(threads: &mut Members<Words, Thread>, scope: Option<Arc<Gate>>) {
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
        HARVESTS.fetch_add(1, Ordering::Relaxed);
        admit(words, thread, root.as_ref());
    });
}

/// Whether the calling thread passed this very checkpoint last, since the pulse looked.
#[inline(always)]
pub(crate) fn is_here(site: &'static Site) -> bool {
    WORDS.with(|words| words.site.is_at(site))
}

/// Passes a checkpoint other than the last.
#[inline(always)]
pub(crate) fn pass(site: &'static Site) -> Result<(), Stop> {
    WORDS.with(|words| {
        words.site.set(Seen::At(site));
        // The processor may swap the store and the load, the closer's barrier sees to that; the compiler must not.
        compiler_fence(Ordering::SeqCst);
        if words.gate.load(Ordering::Relaxed) == OPEN {
            Ok(())
        } else {
            ask(site, words)
        }
    })
}

/// Shows how far the calling thread is.
#[inline(always)]
pub(crate) fn set_progress(done: u64, total: u64) {
    WORDS.with(|words| {
        words.done.store(done, Ordering::Relaxed);
        words.total.store(total, Ordering::Relaxed);
    });
}

/// The slow way past a gate that does not stand open.
#[cold]
#[inline(never)]
fn ask(site: &'static Site, words: &Words) -> Result<(), Stop> {
    if words.gate.load(Ordering::Relaxed) == FENCED {
        fence(Ordering::SeqCst);
        if words.gate.load(Ordering::Relaxed) == FENCED {
            return Ok(());
        }
    }
    loop {
        let mut threads = THREADS.lock();
        let root = root();
        let thread = threads.enrolled(Thread::new);
        let scope = thread.as_ref().and_then(|thread| thread.scope.as_ref());
        let barred = gates(scope, root.as_ref()).find_map(|gate| {
            let status = gate.state().status;
            (status != Status::Open).then(|| (gate.clone(), status))
        });
        match (barred, thread) {
            (None, Some(thread)) => {
                admit(words, thread, root.as_ref());
                words.site.set(Seen::At(site));
                return Ok(());
            }
            // The thread is ending, and nobody can look at it any more: it asks at every checkpoint.
            (None, None) => {
                words.site.set(Seen::Empty);
                return Ok(());
            }
            (Some((_, Status::Shut(stop))), _) => {
                words.site.set(Seen::Shut);
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

/// Whether this thread's message at this site is older than the last harvest; says yes once.
pub(crate) fn wants_message(site: &'static Site) -> bool {
    const SLOTS: usize = 16;
    type Stamp = Cell<(*const Site, u32)>;
    thread_local! {
        static STAMPS: [Stamp; SLOTS] = const { [const { Cell::new((std::ptr::null(), 0)) }; SLOTS] };
    }
    let place = ptr::from_ref(site);
    let now = (place, HARVESTS.load(Ordering::Relaxed));
    // Two sites in one slot only cost each other a message more.
    STAMPS.with(|stamps| stamps[place.addr() / size_of::<Site>() % SLOTS].replace(now) != now)
}

/// Keeps the message of a site for the calling thread.
pub(crate) fn set_message(site: &'static Site, message: String) {
    if let Some(thread) = THREADS.lock().enrolled(Thread::new) {
        thread.remember(site, message);
    }
}

#[cfg(test)]
mod tests;

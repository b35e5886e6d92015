//! The threads that pass checkpoints: who they are, what they passed, and which gates they have to pass.

use std::{
    cell::Cell,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    Gate, Passed, Status, alarms,
    doubt::is_unsure,
    words::{FENCED, NO_TOTAL, OPEN, SHUT, WORDS, Words},
};
use crate::{
    site::Site,
    sys::{self, Alarm, Barrier, Members, Roster, Seen},
};

/// The list of threads, locked.
pub(super) type Threads = Members<Words, Thread>;

static THREADS: Roster<Words, Thread> = Roster::new(&WORDS);

/// Locks the list of threads. Any gate's state is locked after it, never before.
pub(super) fn lock_threads() -> Threads {
    THREADS.lock()
}

/// Locks it if nobody else has, in a signal handler.
pub(super) fn try_lock_threads() -> Option<Threads> {
    THREADS.try_lock()
}

/// The gate of `main`'s lock, which every thread without a narrower scope passes.
static ROOT: Mutex<Option<Arc<Gate>>> = Mutex::new(None);

/// Counts harvests, so that a message is formatted once a tick and not at every pass.
static HARVESTS: AtomicU32 = AtomicU32::new(1);

/// What the roster keeps beside the words of a thread.
#[derive(Debug)]
pub(super) struct Thread {
    id: u32,
    /// The gate of the innermost locked function that the thread is in.
    pub(super) scope: Option<Arc<Gate>>,
    /// The scope that its messages are of.
    pub(super) described: u64,
    messages: Vec<(&'static Site, String)>,
    last: Option<&'static Site>,
    alarm: Option<Alarm>,
}

impl Thread {
    /// The calling thread.
    pub(super) fn new() -> Self {
        Self {
            alarm: alarms::new_alarm(),
            id: sys::thread_id(),
            scope: None,
            described: 0,
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

    pub(super) fn passed(&self, site: &'static Site, words: &Words) -> Passed {
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

/// A thread and the checkpoint that it passed last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastPass {
    pub(crate) thread: u32,
    pub(crate) site: Site,
}

/// Puts a gate before every thread.
pub(super) fn set_root(gate: &Arc<Gate>) {
    let mut threads = lock_threads();
    // What was passed under no lock is no progress under this one.
    want_messages();
    *ROOT.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate.clone());
    for (words, thread) in threads.iter_mut() {
        words.gate.store(SHUT, Ordering::Relaxed);
        words.site.set(Seen::Empty);
        thread.last = None;
        admit(words, thread, Some(gate));
    }
}

/// Makes every message older than this instant.
pub(super) fn want_messages() {
    HARVESTS.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn root() -> Option<Arc<Gate>> {
    ROOT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The gates before whoever is in a scope, from the innermost to the root.
pub(super) fn gates<'a>(
    scope: Option<&'a Arc<Gate>>,
    root: Option<&'a Arc<Gate>>,
) -> impl Iterator<Item = &'a Arc<Gate>> {
    std::iter::successors(scope, |gate| gate.parent.as_ref()).chain(root)
}

/// Takes the site in a thread's word as passed, for every gate before the thread, and leaves `instead` there.
pub(super) fn take(
    words: &Words,
    thread: &mut Thread,
    root: Option<&Arc<Gate>>,
    instead: Seen<Site>,
) {
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

/// Lets a thread pass if every gate before it is open, and the process has not just woken up.
pub(super) fn admit(words: &Words, thread: &Thread, root: Option<&Arc<Gate>>) {
    if is_unsure()
        || gates(thread.scope.as_ref(), root).any(|gate| gate.state().status != Status::Open)
    {
        return;
    }
    #[cfg(feature = "testing")]
    if super::watch::watched(gates(thread.scope.as_ref(), root)).is_some() {
        // So that every pass asks, and is seen.
        return;
    }
    let open = match Barrier::of_this_process() {
        Barrier::Asymmetric => OPEN,
        Barrier::Symmetric => FENCED,
    };
    // Not if the process was stopped since we looked, and woke up on that thread.
    let opened = words
        .gate
        .compare_exchange(SHUT, open, Ordering::SeqCst, Ordering::Relaxed);
    if opened.is_ok() {
        // Not if the thread has just stored a site: that is progress for the next harvest.
        words.site.replace(Seen::Shut, Seen::Empty);
    }
}

/// One look of the pulse at every thread: what was passed since the last one goes to the gates.
pub(crate) fn harvest() {
    let mut threads = lock_threads();
    want_messages();
    let root = root();
    for (words, thread) in threads.iter_mut() {
        take(words, thread, root.as_ref(), Seen::Empty);
    }
}

/// Puts off the alarms of all threads, from now on by this time; zero: until somebody holds a lock again.
pub(crate) fn put_off_alarms(by: Duration) {
    let mut threads = lock_threads();
    if alarms::note_put_off(by) {
        for (_, thread) in threads.iter_mut() {
            if let Some(alarm) = &thread.alarm {
                alarm.put_off(by);
            }
        }
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
    lock_threads().iter_mut().filter_map(last).collect()
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
    if let Some(thread) = lock_threads().enrolled(Thread::new) {
        thread.remember(site, message);
    }
}

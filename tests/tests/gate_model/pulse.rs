//! What the pulse does with the gate: `harvest`, `hold`, `reopen`, `shut`, and the look at the path after a sleep.

use super::{
    explorer::Step,
    gate::{Gate, PULSE, Status, Value, WORKERS, gate_of, site_of},
    plan::{Act, Fault},
    worker,
};

/// How often `take` tries: in the code 16 times, but the fewer the harsher.
const TRIES: u8 = 2;

/// Where the pulse is in its first act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// What comes before the lock.
    Begin,
    /// `lock_threads`
    Lock,
    /// `bar`: `words.gate.store(SHUT)`
    Bar(usize),
    /// `take`: `words.site.get`
    Look(Take),
    /// `take`: `words.site.replace`
    Replace(Take, Value),
    /// `Barrier::fence`, on the core of this thread and of those after it.
    Fence(usize),
    Decide,
    /// `admit`: `is_unsure` and the status, for this thread and those after it.
    Admit(usize),
    /// `admit`: `words.gate.compare_exchange`
    Open(usize),
    End,
    LookAtPath,
    Looked,
}

/// A call of `take`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Take {
    thread: usize,
    tries: u8,
    after_fence: bool,
}

impl Gate {
    /// What the pulse may do.
    pub(crate) fn pulse_steps(&self) -> Vec<(Step, Self)> {
        let Some(&act) = self.acts.first() else {
            // It goes on looking whenever the process wakes up.
            let waits = self
                .workers
                .iter()
                .any(|worker| worker.at != worker::At::Done);
            let mut next = self.clone();
            next.acts = &[Act::Look];
            let again = (Step(PULSE, "sees that the process woke up"), next);
            return Vec::from_iter((waits && self.is_unsure()).then_some(again));
        };
        let mut next = self.clone();
        let step = match self.pulse {
            At::Begin => {
                next.begin(act);
                "begins"
            }
            At::Lock => {
                if self.locked.is_some() {
                    return Vec::new();
                }
                next.lock(PULSE);
                next.first(act);
                "locks the roster"
            }
            At::Bar(thread) => {
                next.memory.store(PULSE, gate_of(thread), Value::Shut);
                next.take(thread, false);
                "bars a thread"
            }
            At::Look(take) => return self.look(act, take),
            At::Replace(take, seen) => {
                next.replace(act, take, seen);
                "replaces a site"
            }
            At::Fence(thread) => {
                if self.fault != Some(Fault::NoBarrier) {
                    // The thread is interrupted between two of its instructions, and both sides fence.
                    next.memory.tell(PULSE, thread);
                    next.memory.tell(thread, PULSE);
                }
                next.pulse = At::Fence(thread + 1);
                if thread + 1 == WORKERS {
                    next.after_take(act, 0, self.fault != Some(Fault::NoSecondLook));
                }
                "fences on the core of a thread"
            }
            At::Decide => {
                if act == Act::Hold && self.passed {
                    next.set_status(Status::Open);
                    next.pulse = At::Admit(0);
                } else {
                    next.pulse = At::End;
                }
                "decides"
            }
            At::Admit(from) => {
                next.pulse = match self.enrolled_from(from) {
                    Some(thread) if self.may_admit() => At::Open(thread),
                    Some(thread) => At::Admit(thread + 1),
                    None => At::End,
                };
                if next.pulse == At::End {
                    return next.pulse_steps();
                }
                "looks whether it may admit a thread"
            }
            At::Open(thread) => {
                next.open_words(PULSE, thread);
                next.pulse = At::Admit(thread + 1);
                "opens the gate of a thread"
            }
            At::End => {
                next.unlock(PULSE);
                next.finish(act);
                "unlocks the roster"
            }
            At::LookAtPath => {
                next.told = false;
                for worker in &mut next.workers {
                    worker.unsure = false;
                }
                next.pulse = At::Looked;
                "looks at the path"
            }
            At::Looked => {
                next.looks = self.covered;
                next.go_on();
                "tells that it has looked"
            }
        };
        vec![(Step(PULSE, step), next)]
    }

    /// What an act does before it locks the roster.
    fn begin(&mut self, act: Act) {
        self.pulse = At::Lock;
        match act {
            Act::TakePassed => {
                self.passed = false;
                self.go_on();
            }
            Act::Hold if self.fault == Some(Fault::TellFirst) => self.told = true,
            // The permission comes before the opening.
            Act::Reopen => self.told = false,
            Act::Look => {
                self.wakes += 1;
                self.covered = self.wakes;
            }
            Act::Hold | Act::Harvest | Act::Shut => {}
        }
    }

    /// What an act does first under the lock.
    fn first(&mut self, act: Act) {
        match act {
            Act::Reopen => {
                self.set_status(Status::Open);
                self.pulse = At::Admit(0);
                return;
            }
            Act::Harvest => {
                self.after_take(act, 0, true);
                return;
            }
            Act::Hold => self.set_status(Status::Held),
            Act::Shut => self.set_status(Status::Shut),
            Act::Look | Act::TakePassed => {}
        }
        // With nobody on the roster there is nobody to bar.
        self.pulse = self.enrolled_from(0).map_or(At::Decide, At::Bar);
    }

    fn take(&mut self, thread: usize, after_fence: bool) {
        self.pulse = At::Look(Take {
            thread,
            tries: TRIES,
            after_fence,
        });
    }

    /// `take` looks at the site of a thread. What it finds is progress.
    fn look(&self, act: Act, take: Take) -> Vec<(Step, Self)> {
        let site = site_of(take.thread);
        let look = |(seen, memory)| {
            let mut next = Self {
                memory,
                ..self.clone()
            };
            if let Value::At(passed) = seen {
                next.note(take.thread, passed);
            }
            next.pulse = At::Replace(take, seen);
            if seen == Value::Shut && act == Act::Harvest {
                next.after_take(act, take.thread + 1, true);
            }
            (Step(PULSE, "looks at a site"), next)
        };
        self.memory
            .loads(PULSE, site)
            .into_iter()
            .map(look)
            .collect()
    }

    fn note(&mut self, thread: usize, site: u8) {
        self.passed = true;
        let worker = &mut self.workers[thread];
        // The site that was stored last speaks for those before it as well.
        if worker.shown.take_if(|shown| *shown == site).is_some() || worker.unproven == Some(site) {
            worker.unproven = None;
        }
    }

    fn replace(&mut self, act: Act, take: Take, seen: Value) {
        let harvest = act == Act::Harvest;
        let instead = if harvest { Value::Empty } else { Value::Shut };
        let site = site_of(take.thread);
        let blindly = harvest && self.fault == Some(Fault::HarvestBlindly);
        let replaced = self.memory.replace(PULSE, site, seen, instead);
        if blindly && !replaced {
            self.memory.store(PULSE, site, instead);
        }
        if let (true, Value::At(site)) = (replaced, seen) {
            // Perhaps it was passed again, and again after others, since it was looked at: that is what has been noted.
            self.note(take.thread, site);
        }
        let tries = take.tries - 1;
        if !replaced && !blindly && tries > 0 {
            self.pulse = At::Look(Take { tries, ..take });
        } else if harvest || take.after_fence {
            self.after_take(act, take.thread + 1, true);
        } else {
            let more = self.enrolled_from(take.thread + 1);
            self.pulse = more.map_or(At::Fence(0), At::Bar);
        }
    }

    /// Goes on to the next thread, if there is one and it is wanted.
    fn after_take(&mut self, act: Act, from: usize, wanted: bool) {
        match self.enrolled_from(from) {
            Some(thread) if wanted => self.take(thread, true),
            _ if act == Act::Harvest => self.pulse = At::End,
            _ => self.pulse = At::Decide,
        }
    }

    /// What an act does after the lock.
    fn finish(&mut self, act: Act) {
        let closed = match act {
            Act::Hold => self.status == Status::Held,
            Act::Shut | Act::Look => true,
            Act::Harvest | Act::TakePassed | Act::Reopen => false,
        };
        if closed || act == Act::Hold {
            self.told = closed;
        }
        if closed {
            if self.workers.iter().any(|worker| worker.unproven.is_some()) {
                self.wrong = Some("a checkpoint was passed and is lost as proof");
            }
            // Others learn of it by a system call at the earliest. By then all stores have reached the caches, and no load that is made
            // from then on finds what is older. (What was loaded before was passed before.)
            (0..WORKERS).for_each(|thread| self.memory.tell(PULSE, thread));
        }
        if act == Act::Look {
            self.pulse = At::LookAtPath;
        } else {
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        self.acts = &self.acts[1..];
        self.pulse = At::Begin;
    }

    /// The first thread on the roster from this one on. The roster does not change while the pulse goes through it.
    fn enrolled_from(&self, thread: usize) -> Option<usize> {
        (thread..WORKERS).find(|thread| self.workers[*thread].enrolled)
    }
}

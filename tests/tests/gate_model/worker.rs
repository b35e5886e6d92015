//! A thread that passes checkpoints: `is_here`, `pass`, `ask`, `admit`, and the handler of SIGCONT.

use super::{
    explorer::Step,
    gate::{Gate, Status, Value, gate_of, site_of},
    plan::Fault,
};

/// A thread and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) at: At,
    /// The checkpoints that it still has to pass.
    pub(crate) route: &'static [u8],
    /// On the roster.
    pub(crate) enrolled: bool,
    /// The site that it stored last, and the one that it passed last, until somebody has taken note of it.
    pub(crate) shown: Option<u8>,
    pub(crate) unproven: Option<u8>,
    /// How often it can still be stopped and continued.
    pub(crate) sleeps: u8,
    /// What is left to do of the handler of SIGCONT.
    waking: &'static [Waking],
    /// The process woke up on this thread and the pulse has not looked at the path since.
    pub(crate) unsure: bool,
}

/// The steps of the handler of SIGCONT (`continued`), which interrupts its own thread, wherever that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Waking {
    Count,
    HoldGate,
    ShutSite,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// `is_here`
    Here,
    /// `pass`: `words.site.set`
    Store,
    /// `pass`: `words.gate.load`
    Load,
    /// `ask`: `words.gate.store(SHUT)`
    Ask,
    /// `ask`: `wait_for_the_look`
    WaitForLook,
    /// `ask`: `lock_threads`
    Lock,
    /// `admit`: `is_unsure` and the status
    Admit,
    /// `admit`: `words.gate.compare_exchange`
    Open,
    /// `ask`: `words.site.set`
    Set,
    /// `ask`: `words.gate.load`
    LookAgain,
    /// `wait_for_verdict`
    Wait,
    /// In the condition variable of `wait_for_verdict`.
    Asleep,
    /// Through, or told to stop.
    Done,
}

impl Worker {
    pub(crate) fn new(route: &'static [u8], enrolled: bool, sleeps: u8) -> Self {
        Self {
            at: At::Here,
            route,
            enrolled,
            shown: None,
            unproven: None,
            sleeps,
            waking: &[],
            unsure: false,
        }
    }
}

impl Gate {
    /// What the worker `me` may do.
    pub(crate) fn worker_steps(&self, me: usize) -> Vec<(Step, Self)> {
        let worker = &self.workers[me];
        if worker.at == At::Done {
            return Vec::new();
        }
        if let [first, rest @ ..] = worker.waking {
            return vec![self.continued(me, *first, rest)];
        }
        let mut steps = match worker.at {
            At::Here => self.is_here(me),
            At::Load | At::LookAgain => self.load_gate(me),
            _ => Vec::from_iter(self.worker_step(me)),
        };
        if worker.sleeps > 0 {
            let mut next = self.clone();
            next.workers[me].sleeps -= 1;
            next.workers[me].waking = &[Waking::Count, Waking::HoldGate, Waking::ShutSite];
            steps.push((Step(me, "is stopped and continued"), next));
        }
        steps
    }

    fn is_here(&self, me: usize) -> Vec<(Step, Self)> {
        let here = Value::At(self.workers[me].route[0]);
        let checks_first = self.fault == Some(Fault::CheckThenStore);
        let step = |(seen, memory)| {
            let mut next = Self {
                memory,
                ..self.clone()
            };
            if seen == here {
                next.pass(me);
                next.arrive_at_next(me);
                return (Step(me, "is here"), next);
            }
            next.workers[me].at = if checks_first { At::Load } else { At::Store };
            (Step(me, "is not here"), next)
        };
        let loads = self.memory.loads(me, site_of(me));
        loads.into_iter().map(step).collect()
    }

    fn load_gate(&self, me: usize) -> Vec<(Step, Self)> {
        let at = self.workers[me].at;
        let checks_first = self.fault == Some(Fault::CheckThenStore);
        let step = |(seen, memory)| {
            let mut next = Self {
                memory,
                ..self.clone()
            };
            if at == At::LookAgain {
                next.unlock(me);
            }
            if seen != Value::Open {
                next.workers[me].at = self.asking();
                return (Step(me, "finds the gate not open"), next);
            }
            next.pass(me);
            if checks_first && at == At::Load {
                next.workers[me].at = At::Store;
            } else {
                next.arrive_at_next(me);
            }
            (Step(me, "finds the gate open"), next)
        };
        let loads = self.memory.loads(me, gate_of(me));
        loads.into_iter().map(step).collect()
    }

    /// Where `ask` begins.
    fn asking(&self) -> At {
        if self.fault == Some(Fault::WaitThenShut) {
            At::WaitForLook
        } else {
            At::Ask
        }
    }

    /// A step that has one outcome, if it can be taken.
    fn worker_step(&self, me: usize) -> Option<(Step, Self)> {
        let here = self.workers[me].route[0];
        let mut next = self.clone();
        let (step, at) = match self.workers[me].at {
            At::Store => {
                next.show(me, here);
                if self.fault == Some(Fault::CheckThenStore) {
                    next.arrive_at_next(me);
                    return Some((Step(me, "stores its site"), next));
                }
                ("stores its site", At::Load)
            }
            At::Ask => {
                next.memory.store(me, gate_of(me), Value::Shut);
                let waited = self.fault == Some(Fault::WaitThenShut);
                let then = if waited { At::Lock } else { At::WaitForLook };
                ("makes its gate shut", then)
            }
            At::WaitForLook if !self.is_unsure() => {
                let shuts = self.fault == Some(Fault::WaitThenShut);
                let then = if shuts { At::Ask } else { At::Lock };
                ("has waited for the look", then)
            }
            At::Lock if self.locked.is_none() => return Some(self.ask(me)),
            At::Admit => {
                let then = if self.may_admit() { At::Open } else { At::Set };
                ("looks whether it may admit itself", then)
            }
            At::Open => {
                next.workers[me].enrolled = true;
                next.open_words(me, me);
                ("opens its gate", At::Set)
            }
            At::Set => {
                next.show(me, here);
                if self.fault == Some(Fault::NoLookAgain) {
                    next.unlock(me);
                    next.pass(me);
                    next.arrive_at_next(me);
                    return Some((Step(me, "stores the site and passes"), next));
                }
                ("stores the site that it asked for", At::LookAgain)
            }
            At::Wait if self.status == Status::Held => {
                next.arrived = true;
                ("waits for the verdict", At::Asleep)
            }
            At::Wait => ("knows the verdict", self.asking()),
            _ => return None,
        };
        next.workers[me].at = at;
        Some((Step(me, step), next))
    }

    /// The decision of `ask`. All that it touches is only touched under the lock, so it is one step with the locking.
    fn ask(&self, me: usize) -> (Step, Self) {
        let mut next = self.clone();
        let outside = self.fault == Some(Fault::EnrolOutside) && !self.workers[me].enrolled;
        if !outside {
            next.lock(me);
            next.workers[me].enrolled = true;
        }
        let step = match self.status {
            Status::Open => {
                next.workers[me].at = At::Admit;
                "finds the status open"
            }
            Status::Held => {
                next.memory.store(me, site_of(me), Value::Shut);
                next.unlock(me);
                next.workers[me].at = At::Wait;
                "finds the status held"
            }
            Status::Shut => {
                next.memory.store(me, site_of(me), Value::Shut);
                next.unlock(me);
                next.end(me);
                "is told to stop"
            }
        };
        (Step(me, step), next)
    }

    fn show(&mut self, me: usize, site: u8) {
        self.memory.store(me, site_of(me), Value::At(site));
        self.workers[me].shown = Some(site);
    }

    /// The instant in which a checkpoint is passed. Its site may have been taken already: then it was proof an instant early.
    fn pass(&mut self, me: usize) {
        let worker = &mut self.workers[me];
        if self.told {
            self.wrong = Some("a checkpoint was passed behind a closed gate");
        } else if worker.unsure {
            self.wrong = Some("a checkpoint was passed before the pulse had looked");
        }
        worker.unproven = worker.shown.or(worker.unproven);
    }

    fn arrive_at_next(&mut self, me: usize) {
        let worker = &mut self.workers[me];
        worker.route = &worker.route[1..];
        worker.at = At::Here;
        if worker.route.is_empty() {
            self.end(me);
        }
    }

    fn end(&mut self, me: usize) {
        self.workers[me].at = At::Done;
        self.memory.tell_all(me);
    }

    fn continued(&self, me: usize, first: Waking, rest: &'static [Waking]) -> (Step, Self) {
        let mut next = self.clone();
        next.workers[me].waking = rest;
        let step = match first {
            Waking::Count => {
                next.wakes += 1;
                next.workers[me].unsure = true;
                "counts its waking"
            }
            Waking::HoldGate => {
                next.memory.store(me, gate_of(me), Value::Held);
                "holds its gate"
            }
            Waking::ShutSite => {
                if self.fault != Some(Fault::HandlerKeepsSite) {
                    next.memory.store(me, site_of(me), Value::Shut);
                    // It may wipe out what was passed just before the stop: the only proof that is ever lost.
                    next.workers[me].unproven = None;
                }
                "shuts its site"
            }
        };
        (Step(me, step), next)
    }
}

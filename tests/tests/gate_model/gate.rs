//! Everything that there is at one moment, and what threads and pulse do to it alike.

use super::{
    explorer::{Algorithm, Step},
    memory::Memory,
    plan::{Act, Fault},
    pulse::At as PulseAt,
    worker::{At, Worker},
};

/// How many threads pass checkpoints.
pub(crate) const WORKERS: usize = 2;
/// Who else there is: the pulse, and the roster's mutex, which hands on what its owners know.
pub(crate) const PULSE: usize = WORKERS;
pub(crate) const LOCK: usize = WORKERS + 1;

/// What the words hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    // `Words::site`, and `Shut` in both
    Empty,
    At(u8),
    Shut,
    // `Words::gate`
    Open,
    Held,
}

/// `Words::site` of a thread.
pub(crate) fn site_of(thread: usize) -> usize {
    thread
}

/// `Words::gate` of a thread.
pub(crate) fn gate_of(thread: usize) -> usize {
    WORKERS + thread
}

/// `State::status`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Open,
    Held,
    Shut,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gate {
    pub(crate) fault: Option<Fault>,
    pub(crate) memory: Memory<Value, 4>,
    pub(crate) workers: [Worker; WORKERS],
    /// Who has locked the roster.
    pub(crate) locked: Option<usize>,
    pub(crate) status: Status,
    pub(crate) passed: bool,
    pub(crate) arrived: bool,
    /// `WAKES` and `LOOKS`
    pub(crate) wakes: u8,
    pub(crate) looks: u8,
    /// Others may think that the gate is closed: `hold` or `shut` has returned, and nobody has reopened it.
    pub(crate) told: bool,
    pub(crate) wrong: Option<&'static str>,
    /// What the pulse still has to do, and where it is in the first of these.
    pub(crate) acts: &'static [Act],
    pub(crate) pulse: PulseAt,
    /// The number of wakes that its present look covers.
    pub(crate) covered: u8,
}

impl Gate {
    pub(crate) fn new(
        fault: Option<Fault>,
        workers: [Worker; WORKERS],
        acts: &'static [Act],
    ) -> Self {
        use Value::{Empty, Open, Shut};
        let gates = workers
            .each_ref()
            .map(|worker| if worker.enrolled { Open } else { Shut });
        let mut gate = Self {
            fault,
            memory: Memory::new([Empty, Empty, gates[0], gates[1]]),
            workers,
            locked: None,
            status: Status::Open,
            passed: false,
            arrived: false,
            wakes: 0,
            looks: 0,
            told: false,
            wrong: None,
            acts,
            pulse: PulseAt::Begin,
            covered: 0,
        };
        for worker in gate
            .workers
            .iter_mut()
            .filter(|worker| worker.route.is_empty())
        {
            worker.at = At::Done;
        }
        gate
    }

    pub(crate) fn is_unsure(&self) -> bool {
        self.wakes != self.looks
    }

    /// `Gate::set_status`
    pub(crate) fn set_status(&mut self, status: Status) {
        if self.status != Status::Shut {
            self.status = status;
        }
        if std::mem::take(&mut self.arrived) && self.fault != Some(Fault::NoNotification) {
            for worker in &mut self.workers {
                if worker.at == At::Asleep {
                    worker.at = At::Wait;
                }
            }
        }
    }

    pub(crate) fn lock(&mut self, who: usize) {
        self.locked = Some(who);
        self.memory.tell(LOCK, who);
    }

    pub(crate) fn unlock(&mut self, who: usize) {
        if self.locked == Some(who) {
            self.locked = None;
            self.memory.tell(who, LOCK);
        }
    }

    /// The first half of `admit`.
    pub(crate) fn may_admit(&self) -> bool {
        !self.is_unsure() && self.status == Status::Open
    }

    /// The second half, by the thread itself or by whoever opens the gate.
    pub(crate) fn open_words(&mut self, by: usize, thread: usize) {
        let (site, gate) = (site_of(thread), gate_of(thread));
        if self.fault == Some(Fault::AdmitBlindly) {
            self.memory.store(by, gate, Value::Open);
        } else if !self.memory.replace(by, gate, Value::Shut, Value::Open) {
            return;
        }
        self.memory.replace(by, site, Value::Shut, Value::Empty);
    }
}

impl Algorithm for Gate {
    fn steps(&self) -> Vec<(Step, Self)> {
        let mut steps = self.pulse_steps();
        for me in 0..WORKERS {
            steps.extend(self.worker_steps(me));
        }
        steps
    }

    fn wrong(&self) -> Option<&'static str> {
        self.wrong
    }

    fn is_over(&self) -> bool {
        self.acts.is_empty() && self.workers.iter().all(|worker| worker.at == At::Done)
    }
}

//! The pulse: the thread that turns observed progress into heartbeats, answers newcomers, and gives way for a hung job.
//!
//! One thread serves every lock of the process. It counts time in its own ticks, so that a suspended, stopped or starved machine
//! makes nobody look hung.

use std::{
    io, mem,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    exit_status,
    gate::{self, Gate, Passed},
    process::{self, Family},
    record::{Checkpoint, Record, State},
    report,
    stop::Stop,
    store::file::{FaultProtection, FileLease, Standing, omits},
    sys::{self, Barrier},
};

/// The longest tick.
const LONGEST_TICK: Duration = Duration::from_secs(1);
/// The shortest tick: below it the pulse would be work itself.
const SHORTEST_TICK: Duration = Duration::from_millis(2);

/// How often the pulse looks, for these times of a lock.
pub(crate) fn tick(stale: Duration, heartbeat: Duration, grace: Duration) -> Duration {
    LONGEST_TICK
        .min(stale / 10)
        .min(heartbeat)
        .min(grace / 2)
        .max(SHORTEST_TICK)
}

/// What the lock is for, which decides how a job that reaches no checkpoint is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The job is the process: it ends with it.
    Main,
    /// The job is a part of the process: it loses the lock and can pass no checkpoint any more.
    Function,
}

/// How a job ended that did not release its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// At a checkpoint, because it was told to.
    Stopped,
    Panicked,
}

/// A lock that this process holds, under the care of the pulse until it is released, lost or given up.
#[derive(Debug)]
pub(crate) struct Held {
    gate: Arc<Gate>,
    role: Role,
    path: PathBuf,
    tick: Duration,
    duty: Mutex<Option<Duty>>,
}

#[derive(Debug)]
struct Duty {
    lease: FileLease,
    record: Record,
    heartbeat: Duration,
    warn: Duration,
    /// Time without a checkpoint, counted in ticks.
    silence: Duration,
    /// Time since the last heartbeat, counted in ticks.
    since_heartbeat: Duration,
    /// Progress that no heartbeat has told yet.
    unwritten: bool,
    /// The silence was reported.
    warned: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Working,
    /// Found hung, the gate held: until it reaches a checkpoint, at most this much longer.
    Closing(Duration),
    /// Told to stop, the gate shut: until it has left, at most this much longer.
    Leaving(Duration),
}

impl Held {
    /// Puts a lock that was just acquired under the care of the pulse.
    pub(crate) fn new(
        gate: Arc<Gate>,
        role: Role,
        lease: FileLease,
        record: Record,
        heartbeat: Duration,
        warn: Duration,
    ) -> Result<Arc<Self>> {
        let path = lease.path().to_owned();
        let held = Arc::new(Self {
            gate,
            role,
            tick: record.tick(),
            duty: Mutex::new(Some(Duty {
                lease,
                record,
                heartbeat,
                warn,
                silence: Duration::ZERO,
                since_heartbeat: Duration::ZERO,
                unwritten: false,
                warned: false,
                phase: Phase::Working,
            })),
            path,
        });
        attach(held.clone()).map_err(|error| Error::io("start the pulse of", &held.path, error))?;
        Ok(held)
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn duty(&self) -> MutexGuard<'_, Option<Duty>> {
        self.duty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the hold and removes the file, if the lock is still ours. Whoever still works behind the gate passes no checkpoint.
    pub(crate) fn release(&self) -> Result<()> {
        if self.duty().is_none() {
            return Err(Error::lost(&self.path));
        }
        self.gate.shut(Stop::Released);
        let duty = self.duty().take();
        detach(self);
        let Some(duty) = duty else {
            return Err(Error::lost(&self.path));
        };
        duty.lease
            .release()
            .map_err(|error| Error::io("release the lock file", &self.path, error))
    }

    /// Ends the hold of a job that was stopped or has panicked, and leaves the record for whoever comes next. What it says is the result.
    pub(crate) fn abandon(&self, ended: Ended) -> Option<Record> {
        self.gate.shut(Stop::Released);
        gate::harvest();
        let duty = self.duty().take();
        detach(self);
        let mut duty = duty?;
        duty.note(self.gate.take_passed());
        if ended == Ended::Panicked {
            duty.record.state = State::Panicked;
        }
        if duty.lease.is_held() {
            duty.write();
        }
        let Duty { lease, record, .. } = duty;
        if self.role == Role::Main {
            // The process ends now, and the kernel frees the lock after its last thread: until then some may be in mid-unit.
            mem::forget(lease);
        }
        Some(record)
    }

    /// One tick.
    fn beat(&self) {
        let mut guard = self.duty();
        let Some(duty) = guard.as_mut() else {
            return;
        };
        duty.silence += self.tick;
        duty.since_heartbeat += self.tick;
        let progressed = duty.note(self.gate.take_passed());
        if !matches!(duty.phase, Phase::Leaving(_))
            && duty.lease.check(&duty.record) == Standing::Lost
        {
            report::say(&report::lost(&self.path, &duty.record));
            self.gate.shut(Stop::Lost);
            duty.phase = Phase::Leaving(duty.record.grace());
        }
        let asked = duty.lease.is_asked();
        match duty.phase {
            Phase::Working if asked && duty.silence > duty.record.stale() => self.close(duty),
            Phase::Working => {
                if asked {
                    duty.answer();
                } else if duty.is_heartbeat_due(progressed) {
                    duty.record.heartbeats += 1;
                    duty.write();
                }
                if duty.silence > duty.warn && !duty.warned {
                    duty.warned = true;
                    let threads = process::thread_states();
                    report::say(&report::silent(
                        &self.path,
                        &duty.record,
                        duty.silence,
                        &threads,
                    ));
                }
            }
            Phase::Closing(_) if self.gate.has_arrivals() => {
                if asked {
                    self.gate.shut(Stop::Lost);
                    duty.phase = Phase::Leaving(duty.record.grace());
                } else {
                    // Alive after all, and nobody wants the lock any more.
                    duty.phase = Phase::Working;
                    duty.silence = Duration::ZERO;
                    duty.answer();
                    self.gate.reopen();
                }
            }
            Phase::Closing(left) | Phase::Leaving(left) if left.is_zero() => {
                if self.role == Role::Main {
                    give_up(&self.path, duty);
                }
                self.gate.shut(Stop::Lost);
                *guard = None;
                drop(guard);
                detach(self);
            }
            Phase::Closing(left) => duty.phase = Phase::Closing(left.saturating_sub(self.tick)),
            Phase::Leaving(left) => duty.phase = Phase::Leaving(left.saturating_sub(self.tick)),
        }
    }

    /// A newcomer asks, and there is nothing to show.
    fn close(&self, duty: &mut Duty) {
        if !omits(FaultProtection::GATE) && !self.gate.hold() {
            // A checkpoint was passed at the last instant.
            duty.note(self.gate.take_passed());
            duty.answer();
            return;
        }
        report::say(&report::closing(&self.path, &duty.record, duty.silence));
        duty.record.state = State::Closing;
        duty.write();
        duty.phase = Phase::Closing(duty.record.grace());
    }
}

impl Duty {
    /// Takes note of progress; whether there was any.
    fn note(&mut self, passed: Option<Passed>) -> bool {
        let Some(passed) = passed else {
            return false;
        };
        self.record.checkpoint = Some(Checkpoint::new(
            passed.site,
            passed.message.as_deref(),
            passed.progress,
        ));
        self.record.progress_ns = sys::monotonic_ns();
        self.silence = Duration::ZERO;
        self.warned = false;
        self.unwritten = true;
        true
    }

    /// The first progress, then again after `heartbeat`, and once when the job goes quiet: so the record of a hung job is exact.
    fn is_heartbeat_due(&self, progressed: bool) -> bool {
        let first = self.record.heartbeats == 0;
        self.unwritten && (first || !progressed || self.since_heartbeat >= self.heartbeat)
    }

    fn answer(&mut self) {
        self.record.answers += 1;
        self.record.state = State::Working;
        self.write();
    }

    fn write(&mut self) {
        self.record.stamp();
        // What cannot be written now stays unwritten, and the next tick tries again; whether the lock is lost, `check` tells.
        if self.lease.write(&self.record).is_ok() {
            self.unwritten = false;
            self.since_heartbeat = Duration::ZERO;
        }
    }
}

/// Ends what the job has started: it must not go on working for a lock that is lost. How many processes there were.
pub(crate) fn end_descendants(record: &Record) -> usize {
    Family::of(record.process_id).end(record.grace().min(Duration::from_secs(2)))
}

/// Ends the process of a job that reaches no checkpoint, after saying where everything stands.
fn give_up(path: &std::path::Path, duty: &Duty) -> ! {
    let passes = gate::last_passes();
    let threads: Vec<_> = process::thread_states()
        .into_iter()
        .map(|thread| {
            let last = passes.iter().find(|pass| pass.thread == thread.id);
            let checkpoint = last.map(|pass| Checkpoint::new(pass.site, None, None));
            (thread, checkpoint)
        })
        .collect();
    let descendants = end_descendants(&duty.record);
    report::say(&report::given_up(path, &duty.record, &threads, descendants));
    sys::exit_now(exit_status::LOST)
}

/// The thread and the locks that it serves.
struct Pulse {
    beats: Mutex<Beats>,
    changed: Condvar,
}

struct Beats {
    list: Vec<Beat>,
    running: bool,
    /// When the thread wakes next; `None`: only when told.
    wakes: Option<Instant>,
}

struct Beat {
    held: Arc<Held>,
    next: Instant,
}

static PULSE: Pulse = Pulse {
    beats: Mutex::new(Beats {
        list: Vec::new(),
        running: false,
        wakes: None,
    }),
    changed: Condvar::new(),
};

impl Pulse {
    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attach(held: Arc<Held>) -> io::Result<()> {
    let next = Instant::now() + held.tick;
    let mut beats = PULSE.beats();
    if !beats.running {
        // As long as the process has one thread the kernel grants this at once; later it takes milliseconds.
        Barrier::of_this_process();
        thread::Builder::new()
            .name("livinglock".to_owned())
            .spawn(run)?;
        beats.running = true;
    } else if beats.wakes.is_none_or(|wakes| next < wakes) {
        PULSE.changed.notify_one();
    }
    beats.list.push(Beat { held, next });
    Ok(())
}

fn detach(held: &Held) {
    PULSE
        .beats()
        .list
        .retain(|beat| !std::ptr::eq(&raw const *beat.held, held));
}

fn run() {
    sys::block_signals();
    let mut beats = PULSE.beats();
    loop {
        let now = Instant::now();
        let mut due = Vec::new();
        for beat in &mut beats.list {
            if beat.next <= now {
                // From now, not from when it was due: a pulse that overslept has seen one tick, not many.
                beat.next = now + beat.held.tick;
                due.push(beat.held.clone());
            }
        }
        if due.is_empty() {
            beats.wakes = beats.list.iter().map(|beat| beat.next).min();
            beats = match beats.wakes {
                Some(wakes) => {
                    PULSE
                        .changed
                        .wait_timeout(beats, wakes.saturating_duration_since(now))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => PULSE
                    .changed
                    .wait(beats)
                    .unwrap_or_else(PoisonError::into_inner),
            };
            continue;
        }
        drop(beats);
        gate::harvest();
        for held in due {
            held.beat();
        }
        beats = PULSE.beats();
    }
}

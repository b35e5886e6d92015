//! The operations of the protocol, one a line.

use std::{fs, fs::File};

use livinglock_tests::{Call, Job, Running, Scene, Signal, ask, ask_to_stop, wait_until};

use crate::performance::{Cast, Others};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

/// An operation of the protocol.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// Sets the scene up to where the operation begins: there whoever is struck in it is stopped.
    pub(crate) stage: fn(&Scene) -> Cast,
    /// What happens while it is stopped; what that holds is let go when it has ended.
    pub(crate) cue: fn(&Scene) -> Option<File>,
    /// The first call after the operation, by a part of its place and the how manieth that has it; otherwise it ends with its thread.
    until: Option<(&'static str, usize)>,
    pub(crate) course: Course,
}

/// What whoever is struck would do otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// It comes, and runs.
    Runs,
    /// It comes, replaces the file of a frozen holder, and runs; in the guard of its release it stops once more.
    Fences,
    /// It comes, and yields.
    Yields,
    /// It holds the lock and goes on working.
    Works,
    /// It holds the lock, puts its deleted file back, and goes on working.
    PutsBack,
    /// It works, and is asked to stop.
    Stops,
    /// It releases the lock.
    Releases,
    /// It is hung, and gives way.
    GivesWay,
}

/// Where the job itself begins: it tells the witness.
const AT_WORK: Option<(&str, usize)> = Some(("/owners\"", 1));
/// Two ticks: the pulse waits once after each.
const TWO_TICKS: Option<(&str, usize)> = Some(("futex(", 2));
/// Two turns of an asker's watch: it sleeps at the beginning of each.
const TWO_TURNS: Option<(&str, usize)> = Some(("clock_nanosleep(", 3));

#[rustfmt::skip]
pub(crate) const OPERATIONS: [Operation; 12] = [
    Operation { name: "acquire", stage: newcomer_alone, cue: nothing, until: AT_WORK, course: Course::Runs },
    Operation { name: "acquire after a crash", stage: newcomer_after_crash, cue: nothing, until: AT_WORK, course: Course::Runs },
    Operation { name: "yield", stage: newcomer_to_working, cue: nothing, until: None, course: Course::Yields },
    Operation { name: "ask", stage: newcomer_to_hung, cue: nothing, until: TWO_TURNS, course: Course::Runs },
    Operation { name: "take over", stage: asker, cue: see_the_lock_free, until: AT_WORK, course: Course::Runs },
    Operation { name: "fence", stage: fencer, cue: nothing, until: AT_WORK, course: Course::Fences },
    Operation { name: "heartbeat", stage: working, cue: nothing, until: TWO_TICKS, course: Course::Works },
    Operation { name: "answer", stage: working, cue: question, until: TWO_TICKS, course: Course::Works },
    Operation { name: "stop", stage: working, cue: demand, until: None, course: Course::Stops },
    Operation { name: "put back", stage: about_to_tick, cue: delete, until: TWO_TICKS, course: Course::PutsBack },
    Operation { name: "give way", stage: hung, cue: question, until: None, course: Course::GivesWay },
    Operation { name: "release", stage: leaving, cue: nothing, until: None, course: Course::Releases },
];

impl Operation {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "one of the names that `in_parallel` asks for"
    )]
    pub(crate) fn name(self: &&'static Self) -> String {
        self.name.to_owned()
    }

    /// The calls of the operation among those that were seen; `None` as long as it is not over.
    pub(crate) fn window<'a>(&self, calls: &'a [Call]) -> Option<&'a [Call]> {
        let calls = match self.until {
            None => calls,
            Some((text, nth)) => {
                let mut ends = (0..)
                    .zip(calls)
                    .filter(|(_, call)| call.place.contains(text));
                &calls[..ends.nth(nth - 1)?.0]
            }
        };
        // Up to here it is still the job that ends its work.
        let begins = calls
            .iter()
            .rposition(|call| call.place.contains("/marker>"));
        Some(&calls[begins.map_or(0, |last| last + 1)..])
    }
}

/// A job that is struck, or meets one that is, with short times.
pub(crate) fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(100)
        .heartbeat(20)
        .grace(40)
        .warn(120)
}

/// A job whose holder is not hung, however busy the machine.
fn patient(scene: &Scene, behaviour: &[&str]) -> Job {
    job(scene, behaviour).stale(60_000).warn(60_000)
}

/// A newcomer, stopped before it looks for the lock file.
pub(crate) fn newcomer(scene: &Scene) -> Running {
    stopped(patient(scene, &["work", "1", "0"]).stopped())
}

fn stopped(job: Job) -> Running {
    let running = job.spawn();
    running.wait_until_stopped();
    running
}

fn newcomer_alone(scene: &Scene) -> Cast {
    Cast::main(newcomer(scene), Others::Nobody)
}

fn newcomer_after_crash(scene: &Scene) -> Cast {
    let crashed = job(scene, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    newcomer_alone(scene)
}

fn newcomer_to_working(scene: &Scene) -> Cast {
    let holder = patient(scene, &["until", "end"]).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    Cast::main(newcomer(scene), Others::Working(holder))
}

fn newcomer_to_hung(scene: &Scene) -> Cast {
    let holder = hung_holder(scene);
    Cast::main(newcomer(scene), Others::Hung(holder))
}

/// A newcomer that has asked a hung holder, stopped before it looks what has become of that.
fn asker(scene: &Scene) -> Cast {
    let holder = hung_holder(scene);
    let asker = stopped(patient(scene, &["work", "1", "0"]).faults("stop@asked"));
    Cast::main(asker, Others::Hung(holder))
}

/// A newcomer that has found a frozen holder not to answer, stopped as soon as it has the guard.
fn fencer(scene: &Scene) -> Cast {
    // A function, which has no witness: while it is frozen it could not let go of the marker.
    let mut holder = scene.job(FUNCTION, &["late", "revive"]).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    let fencer = patient(scene, &["work", "1", "0"]).set("ON_STALE", "fence");
    Cast::main(
        stopped(fencer.faults("stop@guarded")),
        Others::Frozen(holder),
    )
}

fn hung_holder(scene: &Scene) -> Running {
    let holder = job(scene, &["sleep"]).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    holder
}

/// A holder that works, but is stopped.
fn working(scene: &Scene) -> Cast {
    let holder = patient(scene, &["until", "end"]).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    stop_the_pulse(holder)
}

/// A holder that has just had a tick, and has time until the next: one that was stopped would not put its file back, but stop.
fn about_to_tick(scene: &Scene) -> Cast {
    const TICK: u64 = 200;
    let holder = patient(scene, &["until", "end"])
        .heartbeat(TICK)
        .grace(2 * TICK);
    let holder = holder.spawn();
    scene.wait_for_record("\"heartbeats\":2,");
    Cast::awake_pulse(holder)
}

/// A holder that hangs, and is stopped besides.
fn hung(scene: &Scene) -> Cast {
    stop_the_pulse(hung_holder(scene))
}

fn stop_the_pulse(mut holder: Running) -> Cast {
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    Cast::pulse(holder)
}

/// A holder that is stopped where its work ends.
fn leaving(scene: &Scene) -> Cast {
    Cast::main(stopped(patient(scene, &["stop"])), Others::Nobody)
}

fn nothing(_scene: &Scene) -> Option<File> {
    None
}

fn question(scene: &Scene) -> Option<File> {
    let question = ask(&scene.lock());
    assert!(question.is_some(), "nobody else asks");
    question
}

fn demand(scene: &Scene) -> Option<File> {
    let demand = ask_to_stop(&scene.lock());
    assert!(demand.is_some(), "nobody else asks");
    demand
}

fn delete(scene: &Scene) -> Option<File> {
    fs::remove_file(scene.lock()).expect("delete the lock file");
    None
}

/// The holder has given way to the asker.
fn see_the_lock_free(scene: &Scene) -> Option<File> {
    wait_until("the lock is free", || {
        livinglock_tests::hold(&scene.lock()).is_some()
    });
    None
}

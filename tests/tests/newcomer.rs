//! A newcomer that is killed or stopped at any step of the protocol blocks nobody.
//!
//! With one exception, which is documented: stopped inside the guard, a stretch of microseconds, it blocks others until it is
//! continued or killed; but even then nobody waits for ever, and nobody else runs.

use livinglock_tests::{Ended, Job, Running, Scene, Tally, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

/// What a newcomer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    Nothing,
    CrashedRun,
    Working,
    Hung,
}

/// What the next newcomer does, while the one before is stopped or dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Runs,
    Yields,
}

use Next::{Runs, Yields};
use Situation::{CrashedRun, Hung, Nothing, Working};

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(400)
        .heartbeat(80)
        .warn(480)
        .grace(200)
}

/// A scene in this situation, with its holder.
fn set(situation: Situation) -> (Scene, Option<Running>) {
    let scene = Scene::new();
    let holder = match situation {
        Nothing => None,
        CrashedRun => {
            let crashed = job(&scene, &["crash"]).spawn().wait();
            assert_eq!(crashed.code, None, "{crashed:?}");
            None
        }
        Working => {
            let holder = job(&scene, &["until", "end"]).spawn();
            scene.wait_for_record("\"message\":\"working\"");
            Some(holder)
        }
        Hung => {
            let holder = job(&scene, &["sleep"]).spawn();
            holder.wait_until_it_says("made no checkpoint for");
            Some(holder)
        }
    };
    (scene, holder)
}

/// A newcomer that has time to see a hung holder end.
fn next(scene: &Scene, expected: Next) -> Ended {
    let patience = if expected == Runs { 30_000 } else { 0 };
    let next = job(scene, &["work", "3", "1"])
        .wait(patience)
        .spawn()
        .wait();
    let code = match expected {
        Runs => 0,
        Yields => 42,
    };
    assert_eq!(next.code, Some(code), "{next:?}");
    next
}

fn see_the_holder_end(situation: Situation, scene: &Scene, holder: Option<Running>) {
    let Some(holder) = holder else { return };
    scene.give("end");
    let holder = holder.wait();
    let expected = if situation == Hung { 75 } else { 0 };
    assert_eq!(holder.code, Some(expected), "{holder:?}");
}

#[test]
fn a_newcomer_killed_at_any_step_blocks_nobody() {
    let cases = [
        (Nothing, "created"),
        (Nothing, "guarded"),
        (Nothing, "held"),
        (Nothing, "compared"),
        (Nothing, "written"),
        (CrashedRun, "opened"),
        (CrashedRun, "guarded"),
        (CrashedRun, "held"),
        (CrashedRun, "compared"),
        (CrashedRun, "written"),
        (CrashedRun, "releasing"),
        (CrashedRun, "unlinking"),
        (CrashedRun, "unlinked"),
        (Working, "opened"),
        (Working, "judged"),
        (Hung, "opened"),
        (Hung, "judged"),
        (Hung, "asked"),
        (Hung, "watched"),
    ];
    let mut tally = Tally::default();
    for (situation, step) in cases {
        let (scene, holder) = set(situation);
        let newcomer = job(&scene, &["work", "1", "0"]).faults(&format!("kill@{step}"));
        let newcomer = newcomer.spawn().wait();
        assert_eq!(
            newcomer.signal,
            Some(9),
            "{situation:?}, {step}: {newcomer:?}"
        );
        let expected = if situation == Working { Yields } else { Runs };
        let next = next(&scene, expected);
        see_the_holder_end(situation, &scene, holder);
        assert_eq!(scene.overlaps(), 0, "{situation:?}, {step}");
        for ended in [newcomer, next] {
            tally.count(&ended);
        }
    }
    println!(
        "killed at a step: {} cases: {tally}, 0 overlaps",
        cases.len()
    );
}

#[test]
fn a_newcomer_stopped_outside_the_guard_blocks_nobody() {
    let cases = [
        (Nothing, "created", Runs),
        (CrashedRun, "opened", Runs),
        (Working, "opened", Yields),
        (Working, "judged", Yields),
        (Hung, "opened", Runs),
        (Hung, "judged", Runs),
        (Hung, "asked", Runs),
        (Hung, "watched", Runs),
    ];
    let mut tally = Tally::default();
    for (situation, step, expected) in cases {
        let (scene, holder) = set(situation);
        let newcomer = job(&scene, &["work", "1", "0"]).faults(&format!("stop@{step}"));
        let newcomer = newcomer.spawn();
        newcomer.wait_until_stopped();
        let next = next(&scene, expected);
        see_the_holder_end(situation, &scene, holder);
        let newcomer = newcomer.go_on();
        assert_eq!(scene.overlaps(), 0, "{situation:?}, {step}");
        for ended in [newcomer, next] {
            tally.count(&ended);
        }
    }
    println!(
        "stopped outside the guard: {} cases: {tally}, 0 overlaps",
        cases.len()
    );
}

#[test]
fn a_newcomer_stopped_inside_the_guard_is_named_and_harmless() {
    let cases = [
        (Nothing, "guarded"),
        (CrashedRun, "guarded"),
        (Nothing, "held"),
        (CrashedRun, "held"),
        (Nothing, "compared"),
        (CrashedRun, "compared"),
    ];
    let mut tally = Tally::default();
    for (situation, step) in cases {
        let (scene, _) = set(situation);
        let newcomer = job(&scene, &["work", "1", "0"]).faults(&format!("stop@{step}"));
        let newcomer = newcomer.spawn();
        newcomer.wait_until_stopped();
        let named = format!("continue or kill pid {} (job)", newcomer.id());
        let mut hindered = next(&scene, Yields);
        // As long as the record of a crashed run is fresh, it is that one which is said to work.
        wait_until(&format!("somebody says {named:?}, {step}"), || {
            tally.count(&hindered);
            let says_so = hindered.stderr.contains(&named);
            if !says_so {
                hindered = next(&scene, Yields);
            }
            says_so
        });
        // Continued, it goes on as if nothing had happened; killed, it is as if it had never been.
        let ended = if situation == Nothing {
            let ended = newcomer.go_on();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            ended
        } else {
            newcomer.kill()
        };
        let next = next(&scene, Runs);
        assert_eq!(scene.overlaps(), 0, "{situation:?}, {step}");
        for ended in [ended, next] {
            tally.count(&ended);
        }
    }
    println!(
        "stopped inside the guard: {} cases: {tally}, 0 overlaps",
        cases.len()
    );
}

/// Stopped when it has written its record but its job has not begun: a holder whose pulse does not answer.
#[test]
fn a_newcomer_stopped_as_the_owner_is_ended_once_it_is_stale() {
    let scene = Scene::new();
    let stopped = |stale| {
        let newcomer = job(&scene, &["work", "1", "0"]).stale(stale);
        let newcomer = newcomer.faults("stop@written").spawn();
        newcomer.wait_until_stopped();
        newcomer
    };
    let fresh = stopped(60_000);
    let early = next(&scene, Yields);
    assert!(early.stderr.contains("is busy: "), "{early:?}");
    drop(fresh.kill());

    let newcomer = stopped(400);
    scene.wait_until_stale();
    let next = next(&scene, Runs);
    assert!(next.stderr.contains("SIGTERM"), "{next:?}");
    let newcomer = newcomer.wait();
    assert_eq!(newcomer.code, None, "{newcomer:?}");
    assert_eq!((scene.owners().len(), scene.overlaps()), (1, 0));
}

/// A function has lost its lock, but its process lives on, and the record is still its own while the next owner is stopped before it
/// has written another: that process is not the holder any more.
#[test]
fn a_process_that_has_lost_its_lock_is_not_ended_for_the_next_owner() {
    let scene = Scene::new();
    let innocent = scene.job(FUNCTION, &["late", "revive"]).spawn();
    innocent.wait_until_it_says("made no checkpoint for");
    let owner = job(&scene, &["work", "1", "0"])
        .faults("stop@held")
        .wait(30_000);
    let owner = owner.spawn();
    owner.wait_until_stopped();
    let hindered = next(&scene, Yields);
    assert!(!hindered.stderr.contains("SIGTERM"), "{hindered:?}");
    let owner = owner.go_on();
    assert_eq!(owner.code, Some(0), "{owner:?}");
    scene.give("revive");
    let innocent = innocent.wait();
    assert_eq!(innocent.code, Some(0), "{innocent:?}");
}

//! Is the witness blind? Each protection is left out in turn, and then the same kinds of rounds must show what it protects from.

use livinglock_tests::{Guarded, Job, Running, Scene, Signal, Stay, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(400)
        .heartbeat(80)
        .warn(480)
        .grace(200)
}

/// No lock at all between them: two files.
#[test]
fn two_owners_of_two_files_are_seen() {
    let scene = Scene::new();
    let other = scene.file("other");
    let first = job(&scene, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    let second = job(&scene, &["until", "end"])
        .set("LOCK", &other.to_string_lossy())
        .spawn();
    scene.wait_for_owners(2);
    wait_until("the overlap is seen", || scene.overlaps() == 1);
    scene.give("end");
    assert_eq!((first.wait().code, second.wait().code), (Some(0), Some(0)));
}

/// And none is seen where a holder was killed in the middle of its work.
#[test]
fn an_owner_that_was_killed_is_no_overlap() {
    let scene = Scene::new();
    for owners in 1..=100 {
        let holder = job(&scene, &["until", "end"]).spawn();
        scene.wait_for_owners(owners);
        assert_eq!(holder.kill().signal, Some(9));
    }
    assert_eq!(scene.overlaps(), 0);
}

/// Without the comparison of the open file with the path, a file that was just released and removed can be owned.
///
/// No schedule is needed: the rounds of plain contention show it.
#[test]
fn without_the_comparison_owners_overlap() {
    const MOST: usize = 100;
    for round in 1..=MOST {
        let scene = Scene::new();
        let contender = |contender: usize| {
            let faults = ["omit=compare", "omit=compare,delay=500"][contender % 2];
            scene.job(FUNCTION, &["own", "25"]).faults(faults)
        };
        let running = scene.start_together((0..8).map(contender));
        for ended in running.into_iter().map(Running::wait) {
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        let (owners, overlaps) = (scene.owners().len(), scene.overlaps());
        if overlaps > 0 {
            println!("omit=compare: {overlaps} overlaps of {owners} owners in round {round}");
            return;
        }
    }
    panic!("the witness is blind: no overlap without the comparison in {MOST} rounds");
}

/// A newcomer is stopped between its comparison and its record, and somebody fences the lock meanwhile.
///
/// The guard keeps those two apart. (As long as nobody replaces a lock file, byte 0 alone would do: whoever unlinks a file holds it.)
fn claim_meets_fence(faults: &str) -> (bool, usize) {
    let scene = Scene::new();
    let crashed = job(&scene, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    let mut newcomer = job(&scene, &["until", "end"]).faults(faults).spawn();
    newcomer.wait_until_stopped();
    let Some(guarded) = Guarded::take(&scene.lock()) else {
        return (false, 0);
    };
    let _lock = guarded.replace();
    let _stay = Stay::begin(scene.folder());
    newcomer.signal(Signal::SIGCONT);
    let newcomer = newcomer.wait();
    assert_eq!(
        newcomer.code,
        Some(75),
        "it is stopped within a tick: {newcomer:?}"
    );
    (true, scene.overlaps())
}

#[test]
fn without_the_guard_a_claim_overlaps_with_a_fence() {
    let with = claim_meets_fence("stop@compared");
    assert_eq!(with, (false, 0), "the guard keeps the fence away");
    let held = claim_meets_fence("stop@compared,omit=guard-claim");
    assert_eq!(
        held,
        (true, 0),
        "its waking keeps it from work all the same"
    );
    let without = claim_meets_fence("stop@compared,omit=guard-claim,omit=hold");
    println!(
        "omit=guard-claim,omit=hold: {} overlaps in the first round; with the guard no fence",
        without.1
    );
    assert_eq!(without, (true, 1), "the witness is blind");
}

/// An owner is stopped between its look at the path and its unlinking, and somebody fences the lock meanwhile.
fn release_meets_fence(faults: &str) -> (bool, usize) {
    let scene = Scene::new();
    let mut owner = job(&scene, &["work", "1", "0"]).faults(faults).spawn();
    owner.wait_until_stopped();
    let Some(guarded) = Guarded::take(&scene.lock()) else {
        return (false, 0);
    };
    let _lock = guarded.replace();
    let _stay = Stay::begin(scene.folder());
    owner.signal(Signal::SIGCONT);
    let owner = owner.wait();
    assert_eq!(owner.code, Some(0), "{owner:?}");
    // While the one that has fenced the lock works.
    let next = job(&scene, &["work", "1", "0"]).spawn().wait();
    assert_eq!(
        next.code,
        Some(0),
        "its file is gone, so the lock is free: {next:?}"
    );
    (true, scene.overlaps())
}

#[test]
fn without_the_guard_a_release_removes_the_file_of_a_fence() {
    let with = release_meets_fence("stop@unlinking");
    assert_eq!(with, (false, 0), "the guard keeps the fence away");
    let without = release_meets_fence("stop@unlinking,omit=guard-unlink");
    println!(
        "omit=guard-unlink: {} overlaps in the first round; with the guard no fence",
        without.1
    );
    assert_eq!(without, (true, 1), "the witness is blind");
}

/// Without the gate, a hung job that revives passes checkpoints after it has given way.
#[test]
fn without_the_gate_late_checkpoints_pass() {
    let scene = Scene::new();
    let holder = job(&scene, &["late", "revive"])
        .grace(3000)
        .faults("omit=gate")
        .spawn();
    holder.wait_until_it_says("made no checkpoint for");
    let newcomer = job(&scene, &["work", "1", "0"]).spawn();
    scene.wait_for_record("\"state\":\"closing\"");
    scene.give("revive");
    wait_until("a late checkpoint passes (or the witness is blind)", || {
        !scene.lines("passed").is_empty()
    });
    println!(
        "omit=gate: {} late checkpoint in the first round",
        scene.lines("passed").len()
    );
    drop((holder, newcomer));
}

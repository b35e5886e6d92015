//! The file of a holder that does not answer is replaced: it wakes up into a closed gate, and its successor's file is left alone.

use std::{fs, os::unix::fs::symlink};

use livinglock_tests::{Ended, Freezer, Job, Running, Scene, Signal, wait_until};
use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const FUNCTION: &str = env!("CARGO_BIN_EXE_function");

const STALE: u64 = 300;

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene
        .job(JOB, behaviour)
        .stale(STALE)
        .heartbeat(60)
        .grace(200)
        .set("ON_STALE", "fence")
}

/// A holder that works.
fn working_holder(job: Job, scene: &Scene) -> Running {
    let holder = job.spawn();
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    scene.wait_for_record("\"checkpoint\":");
    holder
}

/// A holder that works, and is stopped for longer than `stale`.
fn stopped_holder(job: Job, scene: &Scene) -> Running {
    let mut holder = working_holder(job, scene);
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    scene.wait_until_stale();
    holder
}

/// The checkpoints that tireless holders passed in time, and too late.
fn passed(scene: &Scene) -> (u64, u64) {
    let count = |line: &String, index| -> u64 {
        let word = line.split(' ').nth(index).expect("two numbers");
        word.parse().expect("a number")
    };
    let lines = scene.lines("tireless");
    (
        lines.iter().map(|line| count(line, 0)).sum(),
        lines.iter().map(|line| count(line, 1)).sum(),
    )
}

/// Stops, fences and wakes a tireless holder.
fn wake_the_tireless(scene: &Scene, round: usize, threads: &str, faults: &str) {
    wake(
        scene,
        round,
        job(scene, &["tireless", threads]).faults(faults),
    );
}

fn wake(scene: &Scene, round: usize, holder: Job) {
    let holder = stopped_holder(holder, scene);
    wake_by(scene, round, holder, |holder| {
        holder.signal(Signal::SIGCONT);
    });
}

/// A newcomer replaces the file of a holder that stands still, which then wakes up.
fn wake_by(scene: &Scene, round: usize, mut holder: Running, waking: impl Fn(&mut Running)) {
    let newcomer = job(scene, &["until", &format!("end {round}")]).spawn();
    scene.wait_for_owners(round);
    waking(&mut holder);
    let woken = holder.wait();
    assert_eq!(woken.code, Some(75), "round {round}: {woken:?}");
    assert!(woken.stderr.contains("lost the lock"), "{woken:?}");
    // Neither written to nor removed.
    let id = newcomer.id();
    assert!(scene.record_says(&format!("\"process_id\":{id},")));
    scene.give(&format!("end {round}"));
    let newcomer = newcomer.wait();
    assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
    assert!(
        newcomer.stderr.contains("its lock file is replaced"),
        "{newcomer:?}"
    );
    assert!(!scene.lock().exists(), "released");
}

#[test]
fn a_holder_whose_file_was_replaced_wakes_into_a_closed_gate() {
    const ROUNDS: usize = 8;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        wake_the_tireless(&scene, round, "1", "");
    }
    let (passed, late) = passed(&scene);
    println!("fenced while stopped: {ROUNDS} rounds, {passed} checkpoints passed, {late} late");
    assert_eq!((late, scene.overlaps()), (0, 0));
    assert_eq!(scene.lines("predecessors").len(), ROUNDS);
    assert!(
        scene
            .lines("predecessors")
            .iter()
            .all(|line| line.starts_with("Frozen"))
    );
}

/// The signal that tells of the waking reaches one thread, and the others run already: each has its own alarm.
#[test]
fn of_many_threads_none_passes_a_late_checkpoint() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        wake_the_tireless(&scene, round, "4", "");
    }
    let (passed, late) = passed(&scene);
    println!("fenced while stopped, 4 threads: {ROUNDS} rounds, {passed} passed, {late} late");
    assert_eq!((late, scene.lines("tireless").len()), (0, ROUNDS));
}

/// Of a freezer no signal tells.
#[test]
fn a_holder_whose_file_was_replaced_thaws_into_a_closed_gate() {
    const ROUNDS: usize = 5;
    let Some(freezer) = Freezer::make("fence") else {
        return;
    };
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        let holder = working_holder(job(&scene, &["tireless", "4"]), &scene);
        freezer.freeze(&holder);
        scene.wait_until_stale();
        wake_by(&scene, round, holder, |_| freezer.thaw());
    }
    let (passed, late) = passed(&scene);
    println!("fenced while frozen: {ROUNDS} rounds, {passed} passed, {late} late");
    assert_eq!((late, scene.lines("tireless").len()), (0, ROUNDS));
}

/// The pulse waits in the kernel for a broken disk, say, and the job works on: not beside the next owner.
fn hold_the_pulse_of(scene: &Scene, holder: impl Fn() -> Job) {
    const ROUNDS: usize = 3;
    for round in 1..=ROUNDS {
        let holder = working_holder(holder(), scene);
        let pulse = Pid::from_raw(holder.thread("livinglock").cast_signed());
        ptrace::seize(pulse, ptrace::Options::empty()).expect("debug a thread");
        ptrace::interrupt(pulse).expect("hold a thread");
        waitpid(pulse, Some(WaitPidFlag::__WALL)).expect("wait until it is held");
        scene.wait_until_stale();
        wake_by(scene, round, holder, |_| {
            ptrace::detach(pulse, None).expect("let a thread go");
        });
    }
    let (passed, late) = passed(scene);
    println!("fenced while the pulse stood still: {ROUNDS} rounds, {passed} passed, {late} late");
    assert_eq!((late, scene.lines("tireless").len()), (0, ROUNDS));
}

#[test]
fn a_job_whose_pulse_alone_stands_still_waits_for_it() {
    let scene = Scene::new();
    hold_the_pulse_of(&scene, || job(&scene, &["tireless", "4"]));
}

#[test]
fn one_that_proves_its_work_by_calls_waits_for_it_too() {
    let scene = Scene::new();
    let caller = || scene.job(FUNCTION, &["calls"]).stale(STALE);
    hold_the_pulse_of(&scene, || caller().heartbeat(60).grace(200));
}

/// As after a pause of the machine.
#[test]
fn a_waking_without_a_signal_is_noticed_by_the_pulse() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        wake(
            &scene,
            round,
            job(&scene, &["tireless", "1"]).set("DEAF_TO_SIGCONT", "1"),
        );
    }
    let (passed, late) = passed(&scene);
    println!("fenced while stopped, no signal: {ROUNDS} rounds, {passed} passed, {late} late");
    assert_eq!((late, scene.lines("tireless").len()), (0, ROUNDS));
}

#[test]
fn without_the_hold_a_woken_holder_works_on() {
    const ROUNDS: usize = 20;
    let scene = Scene::new();
    for round in 1..=ROUNDS {
        // With only one processor the pulse is quicker than the job each time, unless its look is delayed.
        wake_the_tireless(&scene, round, "1", "omit=hold,delay=20000");
        let (_, late) = passed(&scene);
        if late > 0 {
            println!("without the hold: {late} late checkpoints in round {round}");
            return;
        }
    }
    panic!("no late checkpoint was seen in {ROUNDS} rounds");
}

/// A holder that wakes up at the very moment when its file is replaced: it is in the midst of a unit, which it may finish.
fn wake_at_the_fence(scene: &Scene, faults: &str) -> Ended {
    let mut holder = stopped_holder(job(scene, &["slow-units"]), scene);
    let newcomer = job(scene, &["work", "3", "1"])
        .faults(&format!("stop@fenced{faults}"))
        .spawn();
    newcomer.wait_until_stopped();
    holder.signal(Signal::SIGCONT);
    let newcomer = newcomer.go_on();
    let woken = holder.wait();
    assert_eq!(woken.code, Some(75), "{woken:?}");
    newcomer
}

#[test]
fn a_newcomer_waits_until_a_slow_holder_must_have_noticed() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let newcomer = wake_at_the_fence(&scene, "");
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
    }
    println!(
        "woken at the fence: {ROUNDS} rounds, {} overlaps",
        scene.overlaps()
    );
    assert_eq!(scene.overlaps(), 0);
}

/// The first newcomer dies when it has replaced the file, and the second finds a lock that nobody holds.
#[test]
fn whoever_takes_over_from_a_fence_that_died_waits_as_well() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let mut holder = stopped_holder(job(&scene, &["slow-units"]), &scene);
        let died = job(&scene, &["work", "3", "1"]).faults("kill@fenced");
        assert_eq!(died.spawn().wait().code, None);
        let next = job(&scene, &["work", "3", "1"]).faults("stop@written");
        let next = next.spawn();
        next.wait_until_stopped();
        holder.signal(Signal::SIGCONT);
        let next = next.go_on();
        assert_eq!(next.code, Some(0), "round {round}: {next:?}");
        let woken = holder.wait();
        assert_eq!(woken.code, Some(75), "{woken:?}");
    }
    assert_eq!(scene.overlaps(), 0);
}

/// It had the lock, but not yet a job: what it learns on waking holds for the start of the job too.
#[test]
fn a_newcomer_that_is_fenced_before_its_job_starts_does_not_start_it() {
    const ROUNDS: usize = 5;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let mut first = job(&scene, &["work", "3", "1"])
            .faults("stop@written")
            .spawn();
        first.wait_until_stopped();
        let newcomer = job(&scene, &["until", &format!("end {round}")])
            .wait(30_000)
            .spawn();
        scene.wait_for_owners(round + 1);
        first.signal(Signal::SIGCONT);
        let first = first.wait();
        assert_eq!(first.code, Some(75), "round {round}: {first:?}");
        assert!(first.stderr.contains("the lock is lost"), "{first:?}");
        scene.give(&format!("end {round}"));
        let newcomer = newcomer.wait();
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
    }
    assert_eq!(scene.owners().len(), ROUNDS);
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn without_the_probation_the_two_overlap() {
    let scene = Scene::new();
    for _ in 0..10 {
        let newcomer = wake_at_the_fence(&scene, ",omit=probation");
        assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
        if scene.overlaps() > 0 {
            return;
        }
    }
    panic!("no overlap was seen");
}

/// Stopped in the midst of replacing the file, with the guard: nobody else can.
#[test]
fn a_fence_that_is_killed_or_stopped_half_way_blocks_nobody_for_long() {
    for (fault, code) in [("kill@fencing", None), ("kill@fenced", None)] {
        let scene = Scene::new();
        let mut holder = stopped_holder(job(&scene, &["tireless", "1"]), &scene);
        let newcomer = job(&scene, &["work", "3", "1"])
            .faults(fault)
            .spawn()
            .wait();
        assert_eq!(newcomer.code, code, "{fault}: {newcomer:?}");
        let next = job(&scene, &["work", "3", "1"]).spawn().wait();
        assert_eq!(next.code, Some(0), "{fault}: {next:?}");
        holder.signal(Signal::SIGCONT);
        assert_eq!(holder.wait().code, Some(75));
        assert_eq!(passed(&scene).1, 0, "late");
        wait_until("nothing is left", || !scene.lock().exists());
        assert!(!scene.file("lock.fence").exists(), "{fault}");
    }
}

/// The holder is stopped in its release, when it has just seen that the path leads to its own file.
fn stopped_in_its_release(scene: &Scene) -> Running {
    let holder = job(scene, &["work", "3", "1"])
        .faults("stop@unlinking")
        .spawn();
    holder.wait_until_stopped();
    scene.wait_until_stale();
    holder
}

#[test]
fn nobody_fences_in_the_midst_of_a_release() {
    let scene = Scene::new();
    let holder = stopped_in_its_release(&scene);
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    let named = format!("continue or kill pid {} (job)", holder.id());
    assert!(newcomer.stderr.contains(&named), "{newcomer:?}");
    assert_eq!(holder.go_on().code, Some(0));
    assert!(!scene.lock().exists());
}

#[test]
fn without_the_guard_of_a_fence_a_release_removes_its_file() {
    let scene = Scene::new();
    let holder = stopped_in_its_release(&scene);
    let mut newcomer = job(&scene, &["until", "end"])
        .faults("omit=guard-fence")
        .spawn();
    scene.wait_for_owners(2);
    assert!(scene.record_says(&format!("\"process_id\":{},", newcomer.id())));
    // It would put the file back at its next tick, before anybody has seen that it is gone.
    newcomer.signal(Signal::SIGSTOP);
    newcomer.wait_until_stopped();
    drop(holder.go_on());
    assert!(!scene.lock().exists(), "the witness sees it");
    drop(newcomer.kill());
}

/// The new file is made beside the old one, under a name that somebody may use on purpose.
#[test]
fn whatever_is_in_the_way_of_a_fence_is_left_alone() {
    for is_a_link in [false, true] {
        let scene = Scene::new();
        let _holder = stopped_holder(job(&scene, &["tireless", "1"]), &scene);
        let (precious, way) = (scene.file("precious"), scene.file("lock.fence"));
        fs::write(&precious, "precious").expect("write a file");
        if is_a_link {
            symlink(&precious, &way).expect("make a link");
        } else {
            fs::copy(&precious, &way).expect("copy a file");
        }
        let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
        assert_eq!(newcomer.code, Some(73), "{newcomer:?}");
        assert!(newcomer.stderr.contains("lock.fence is "), "{newcomer:?}");
        for path in [&precious, &way] {
            assert_eq!(fs::read_to_string(path).expect("read it"), "precious");
        }
        assert_eq!(scene.owners(), [""; 0]);
    }
}

/// The new owner has come, worked and gone while the holder was stopped: then no file is there, and the lock is lost all the same.
#[test]
fn a_holder_that_slept_through_its_successors_run_does_not_go_on() {
    let scene = Scene::new();
    let mut holder = stopped_holder(job(&scene, &["tireless", "1"]), &scene);
    let newcomer = job(&scene, &["work", "3", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert!(!scene.lock().exists());
    holder.signal(Signal::SIGCONT);
    let woken = holder.wait();
    assert_eq!(woken.code, Some(75), "{woken:?}");
    assert_eq!(passed(&scene).1, 0, "late");
    assert!(!scene.lock().exists());
}

/// A short stop costs nothing: the pulse looks, and the job goes on.
#[test]
fn a_holder_that_was_stopped_for_a_moment_goes_on_at_once() {
    let scene = Scene::new();
    let mut holder = job(&scene, &["until", "end"]).stale(60_000).spawn();
    scene.wait_for_record("\"message\":\"working\"");
    for _ in 0..20 {
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        holder.signal(Signal::SIGCONT);
        wait_until("it goes on", || !holder.is_stopped());
    }
    scene.give("end");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

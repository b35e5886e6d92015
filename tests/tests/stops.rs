//! Stops: by a signal, by the longest run, by a run that replaces this one; and the shortest hold.

use std::{
    fs,
    time::{Duration, Instant},
};

use livinglock_tests::{Ended, Job, Running, Scene, Signal, is_running, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene.job(JOB, behaviour).grace(300).heartbeat(50)
}

fn graceful(scene: &Scene, behaviour: &[&str]) -> Job {
    job(scene, behaviour).set("GRACEFUL", "1")
}

fn working(scene: &Scene, job: Job) -> Running {
    let holder = job.spawn();
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    scene.wait_for_record("\"checkpoint\":");
    holder
}

/// What the next run learns of this one, which left its record.
fn fate_of_the_last(scene: &Scene) -> String {
    let next = job(scene, &["work", "1", "1"]).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    scene.lines("predecessors").pop().expect("a predecessor")
}

#[test]
fn a_signal_stops_a_graceful_job_at_its_next_checkpoint() {
    for (signal, status) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGINT, 130),
        (Signal::SIGHUP, 129),
    ] {
        let scene = Scene::new();
        let mut holder = working(&scene, graceful(&scene, &["until", "never"]));
        holder.signal(signal);
        let ended = holder.wait();
        assert_eq!(ended.code, Some(status), "{ended:?}");
        assert!(ended.stderr.contains(signal.as_str()), "{ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        assert!(fate_of_the_last(&scene).starts_with("Stopped working"));
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let scene = Scene::new();
    let mut holder = working(&scene, graceful(&scene, &["deaf"]).grace(60_000));
    holder.signal(Signal::SIGTERM);
    holder.wait_until_it_says("was sent SIGTERM");
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.signal, Some(Signal::SIGTERM as i32), "{ended:?}");
}

#[test]
fn without_graceful_a_signal_ends_the_process_as_ever() {
    let scene = Scene::new();
    let mut holder = working(&scene, job(&scene, &["until", "never"]));
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.signal, Some(Signal::SIGTERM as i32), "{ended:?}");
    assert!(fate_of_the_last(&scene).starts_with("Crashed working"));
}

#[test]
fn a_job_that_does_not_mind_a_stop_is_ended_after_grace() {
    let scene = Scene::new();
    let mut holder = working(&scene, graceful(&scene, &["deaf"]));
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    assert!(
        ended.stderr.contains("did not finish stopping within 0.3s"),
        "{ended:?}"
    );
}

#[test]
fn a_loop_may_finish_its_unit_first() {
    let scene = Scene::new();
    let mut holder = working(&scene, graceful(&scene, &["polite"]));
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    assert_eq!(scene.lines("finished").len(), 1, "its last lines were run");
    assert!(fate_of_the_last(&scene).starts_with("Stopped"));
}

#[test]
fn a_run_longer_than_at_most_is_stopped() {
    for behaviour in [["until", "never"], ["throng", "1000"]] {
        let scene = Scene::new();
        let ended = job(&scene, &behaviour)
            .set("AT_MOST_MS", "300")
            .spawn()
            .wait();
        assert_eq!(ended.code, Some(124), "{behaviour:?}: {ended:?}");
        assert!(ended.stderr.contains("longer than `at_most`"), "{ended:?}");
        assert!(fate_of_the_last(&scene).starts_with("Stopped"));
    }
    let scene = Scene::new();
    let ended = job(&scene, &["sleep"])
        .set("AT_MOST_MS", "300")
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(
        ended.stderr.contains("so its process ends now"),
        "{ended:?}"
    );
    assert!(fate_of_the_last(&scene).starts_with("Stopped about to hang"));
}

#[test]
fn a_stop_reaches_every_thread() {
    let scene = Scene::new();
    let ended = job(&scene, &["throng", "10000"])
        .set("AT_MOST_MS", "300")
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(124), "{ended:?}");
    let line = scene.lines("throng").pop().expect("it has counted");
    let [passed, tried, late] = line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("three numbers: {line}");
    };
    println!("four threads: {passed} passed, {tried} tried after the stop, {late} late");
    assert_eq!(late, "0");
}

#[test]
fn a_stop_reaches_the_threads_of_a_pool_and_the_tasks_of_a_runtime() {
    for behaviour in ["pool", "tasks"] {
        let scene = Scene::new();
        let mut holder = working(&scene, graceful(&scene, &[behaviour]));
        holder.signal(Signal::SIGTERM);
        let ended = holder.wait();
        assert_eq!(ended.code, Some(143), "{behaviour}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        if behaviour == "tasks" {
            let stops = scene.lines("tasks");
            assert_eq!(stops.len(), 3, "{stops:?}");
            assert!(stops.iter().all(|stop| stop.contains("signal 15")));
        }
    }
}

/// A locked function in a locked `main` loses its own lock, and nobody catches that.
#[test]
fn a_stop_of_a_function_ends_its_main_with_the_same_status() {
    let scene = Scene::new();
    let holder = working(&scene, job(&scene, &["nested"]));
    let inner = scene.file("inner");
    wait_until("the function works", || {
        fs::read_to_string(&inner).is_ok_and(|text| text.contains("\"message\":\"nested\""))
    });
    fs::write(scene.file("other"), "precious").expect("write a file");
    fs::rename(scene.file("other"), &inner).expect("replace the function's lock file");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_eq!(fs::read_to_string(&inner).expect("read it"), "precious");
    assert!(fate_of_the_last(&scene).starts_with("Stopped"));
}

/// The stop of `main` unwinds through a locked function as well, which has not panicked for that.
#[test]
fn a_stop_of_main_is_one_of_the_function_within() {
    for (setting, value, status) in [("AT_MOST_MS", "500", 124), ("GRACEFUL", "1", 143)] {
        let scene = Scene::new();
        let mut holder = job(&scene, &["nested"]).set(setting, value).spawn();
        let inner = scene.file("inner");
        let says = |text: &str| fs::read_to_string(&inner).is_ok_and(|it| it.contains(text));
        wait_until("the function works", || says("\"message\":\"nested\""));
        if setting == "GRACEFUL" {
            holder.signal(Signal::SIGTERM);
        }
        let ended = holder.wait();
        assert_eq!(ended.code, Some(status), "{ended:?}");
        assert!(says("\"state\":\"stopped\""), "{setting}");
        assert!(fate_of_the_last(&scene).starts_with("Stopped"));
    }
}

#[test]
fn the_first_signal_does_not_cut_another_stop_short() {
    let scene = Scene::new();
    let mut holder = graceful(&scene, &["deaf"])
        .grace(2000)
        .set("AT_MOST_MS", "200")
        .spawn();
    holder.wait_until_it_says("longer than `at_most`");
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.code, Some(124), "{ended:?}");
}

#[test]
fn a_short_run_keeps_its_lock_for_at_least_so_long() {
    let short = |scene, least| job(scene, &["work", "1", "1"]).set("AT_LEAST_MS", least);
    let scene = Scene::new();
    assert_eq!(short(&scene, "1800000").spawn().wait().code, Some(0));
    // The process is gone, and the lock is kept all the same: for so long that no next one comes too late.
    let next = short(&scene, "1800000").spawn().wait();
    assert_eq!(next.code, Some(42), "{next:?}");
    assert!(next.stderr.contains("by `at_least`"), "{next:?}");

    let scene = Scene::new();
    let begun = Instant::now();
    assert_eq!(short(&scene, "1500").spawn().wait().code, Some(0));
    let waiting = short(&scene, "1500").wait(30_000).spawn().wait();
    assert_eq!(waiting.code, Some(0), "{waiting:?}");
    assert!(begun.elapsed() >= Duration::from_millis(1500));
    assert_eq!(waiting.stderr, "", "its predecessor has released the lock");
    assert_eq!(scene.lines("predecessors"), [""; 0]);
}

#[test]
fn a_crash_is_not_kept() {
    let scene = Scene::new();
    let crashed = job(&scene, &["crash"]).set("AT_LEAST_MS", "60000");
    assert_eq!(crashed.spawn().wait().code, None);
    assert!(fate_of_the_last(&scene).starts_with("Crashed"));
}

#[test]
fn a_run_longer_than_at_least_releases_as_ever() {
    let scene = Scene::new();
    let ended = job(&scene, &["work", "20", "10"])
        .set("AT_LEAST_MS", "100")
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!scene.lock().exists());
}

fn replacing(scene: &Scene) -> Ended {
    job(scene, &["work", "3", "1"])
        .set("REPLACE", "1")
        .spawn()
        .wait()
}

#[test]
fn a_working_holder_is_replaced_at_its_next_checkpoint() {
    const ROUNDS: usize = 10;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let holder = working(&scene, job(&scene, &["until", "never"]));
        let newcomer = replacing(&scene);
        assert_eq!(newcomer.code, Some(0), "round {round}: {newcomer:?}");
        let ended = holder.wait();
        assert_eq!(ended.code, Some(75), "round {round}: {ended:?}");
        assert!(
            ended.stderr.contains("was asked to stop by a new run"),
            "{ended:?}"
        );
    }
    println!("replaced: {ROUNDS} rounds, {} overlaps", scene.overlaps());
    assert_eq!(scene.overlaps(), 0);
    assert!(scene.lines("predecessors")[0].starts_with("Stopped working"));
}

#[test]
fn of_many_that_replace_one_runs() {
    const CROWD: usize = 6;
    let scene = Scene::new();
    let holder = working(&scene, job(&scene, &["until", "never"]));
    let crowd = (0..CROWD).map(|_| job(&scene, &["until", "end"]).set("REPLACE", "1"));
    let mut crowd = scene.start_together(crowd);
    assert_eq!(holder.wait().code, Some(75));
    // Each may replace the one before it, but whoever asks second yields to whoever asked first.
    wait_until("one is left", || {
        crowd.retain_mut(|job| !job.has_ended());
        crowd.len() == 1
    });
    scene.give("end");
    for last in crowd {
        let last = last.wait();
        assert_eq!(last.code, Some(0), "{last:?}");
    }
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn a_holder_that_does_not_mind_being_replaced_is_ended_after_grace() {
    let scene = Scene::new();
    let holder = working(&scene, job(&scene, &["sleep"]));
    let newcomer = replacing(&scene);
    assert_eq!(newcomer.code, Some(0), "{newcomer:?}");
    assert!(newcomer.stderr.contains("gave way after"), "{newcomer:?}");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn the_children_of_a_stopped_job_end_with_it() {
    let scene = Scene::new();
    let mut holder = graceful(&scene, &["children"]).spawn();
    wait_until("the holder has children", || {
        scene.lines("children").len() == 2
    });
    holder.signal(Signal::SIGTERM);
    assert_eq!(holder.wait().code, Some(143));
    for child in scene.lines("children") {
        assert!(!is_running(&child), "{child} outlived its job");
    }
}

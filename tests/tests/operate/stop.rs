//! `livinglock stop`: the holder is asked, and goes by itself.

use std::{fs, time::SystemTime};

use livinglock_tests::{Running, Scene, is_asked_to_stop, wait_until};

use crate::{
    DONE, HELD, PATIENT, REFUSED, assert_says, fate_of_the_last, holder, job, run, start,
    wait_until_it_watches,
};

#[test]
fn a_working_job_stops_at_its_next_checkpoint() {
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["until", "never"]));
    let stop = run(&scene, &PATIENT);
    assert_eq!(stop.code, DONE, "{stop:?}");
    let id = holder.id();
    assert_says(
        &stop,
        &[
            &format!("pid {id} (job) stopped after "),
            "; last checkpoint tests/src/bin/job.rs:",
            "\"working\"",
        ],
    );
    let ended = holder.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert_says(&ended, &["was asked to stop by a new run or an operator"]);
    assert!(scene.record_says("\"state\":\"stopped\""));
    assert_eq!(scene.owners().len(), 1, "nobody has taken the lock");
    assert!(fate_of_the_last(&scene).starts_with("Stopped working"));
}

#[test]
fn a_hung_job_and_a_deaf_one_are_ended_by_their_own_pulse() {
    for (behaviour, message) in [("sleep", "about to hang"), ("deaf", "deaf")] {
        let scene = Scene::new();
        let holder = holder(&scene, job(&scene, &[behaviour]));
        let stop = run(&scene, &PATIENT);
        assert_eq!(stop.code, DONE, "{behaviour}: {stop:?}");
        assert_says(
            &stop,
            &[
                "reached no checkpoint within its grace, and was ended by its own pulse after",
                message,
                "; silent for ",
            ],
        );
        let ended = holder.wait();
        assert_eq!(ended.code, Some(75), "{behaviour}: {ended:?}");
    }
}

#[test]
fn a_hung_job_that_revives_stops_at_its_late_checkpoint() {
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["late", "go"]).grace(120_000));
    let stop = start(&scene, &["stop"]);
    holder.wait_until_it_says("was asked to stop");
    scene.give("go");
    let stop = stop.wait();
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["stopped after", "\"about to hang\""]);
    assert_eq!(holder.wait().code, Some(75));
    assert_eq!(scene.lines("passed"), [""; 0]);
}

/// The holder has promised to stop, but may take its time.
#[test]
fn whoever_is_impatient_learns_that_the_job_is_stopping() {
    let scene = Scene::new();
    let mut holder = holder(&scene, job(&scene, &["late", "go"]).grace(120_000));
    let patient = start(&scene, &["stop"]);
    holder.wait_until_it_says("was asked to stop");
    let stop = run(&scene, &["stop", "--grace", "100ms"]);
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(
        &stop,
        &[
            "is stopping, but has not ended within",
            "wait for it with `livinglock wait`",
        ],
    );
    assert!(!holder.has_ended());
    scene.give("go");
    assert_eq!(patient.wait().code, DONE);
    assert_eq!(holder.wait().code, Some(75));
}

/// A holder that reaches no checkpoint yet, and two operators that ask it to stop.
fn asked_twice(scene: &Scene) -> (Running, Running, Running) {
    let holder = holder(scene, job(scene, &["late", "go"]).grace(120_000));
    let first = start(scene, &["stop"]);
    holder.wait_until_it_says("was asked to stop");
    let second = start(scene, &["stop"]);
    wait_until_it_watches(scene, &second);
    (holder, first, second)
}

#[test]
fn two_operators_both_see_it_end() {
    let scene = Scene::new();
    let (holder, first, second) = asked_twice(&scene);
    scene.give("go");
    for stop in [first.wait(), second.wait()] {
        assert_eq!(stop.code, DONE, "{stop:?}");
        assert_says(&stop, &["stopped after"]);
    }
    assert_eq!(holder.wait().code, Some(75));
}

#[test]
fn an_operator_outlasts_another_one_that_dies() {
    let scene = Scene::new();
    let (holder, first, second) = asked_twice(&scene);
    drop(first.kill());
    scene.give("go");
    let second = second.wait();
    assert_eq!(second.code, DONE, "{second:?}");
    assert_eq!(holder.wait().code, Some(75));
}

#[test]
fn where_nobody_holds_the_lock_there_is_nothing_to_stop() {
    let scene = Scene::new();
    let stop = run(&scene, &["stop", "--force"]);
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["is not held; there is nothing to stop"]);
    assert!(!scene.lock().exists(), "it was created");

    let crashed = job(&scene, &["crash"]).spawn().wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    let left = fs::read(scene.lock()).expect("read it");
    let stop = run(&scene, &["stop", "--force"]);
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["left behind by a run that is gone"]);
    assert_eq!(fs::read(scene.lock()).expect("read it"), left);
}

#[test]
fn a_kept_lock_is_left_as_it_is() {
    let scene = Scene::new();
    let short = job(&scene, &["work", "1", "1"]).set("AT_LEAST_MS", "1800000");
    assert_eq!(short.spawn().wait().code, Some(0));
    let kept = fs::read(scene.lock()).expect("read it");
    let stop = run(&scene, &["stop", "--force"]);
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["is not held, but kept for", "by `at_least`"]);
    assert_eq!(fs::read(scene.lock()).expect("read it"), kept);
}

#[test]
fn what_is_no_lock_of_ours_is_left_alone() {
    let scene = Scene::new();
    fs::write(scene.lock(), "precious").expect("write a file");
    let stop = run(&scene, &["stop", "--force"]);
    assert_eq!(stop.code, REFUSED, "{stop:?}");
    assert_says(&stop, &["is not a lock file"]);
    assert_eq!(fs::read(scene.lock()).expect("read it"), b"precious");

    // The record of another library, which names this very process.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let year = 1970 + now.expect("after 1970").as_secs() / 31_557_600 + 1;
    let id = std::process::id();
    let record = format!("{{\"process_id\":{id},\"timestamp\":\"{year}-06-01T00:00:00Z\"}}");
    fs::write(scene.lock(), &record).expect("write a record");
    let stop = run(&scene, &["stop", "--force"]);
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(&stop, &["another library's record", "end that process"]);
    assert_eq!(
        fs::read(scene.lock()).expect("read it"),
        record.into_bytes()
    );
}

/// The pulse of a holder puts its deleted file back, and is asked by that.
#[test]
fn a_holder_whose_file_was_deleted_is_asked_all_the_same() {
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["late", "go"]).grace(120_000));
    let stop = start(&scene, &["stop"]);
    holder.wait_until_it_says("was asked to stop");
    fs::remove_file(scene.lock()).expect("delete the lock file");
    scene.wait_for_record(&format!("\"process_id\":{},", holder.id()));
    // Whoever asks has to find the new file first, or all that it knows is that the holder has gone.
    wait_until("the holder is asked once more", || {
        is_asked_to_stop(&scene.lock())
    });
    scene.give("go");
    let stop = stop.wait();
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["stopped after"]);
    assert_eq!(holder.wait().code, Some(75));
}

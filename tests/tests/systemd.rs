//! What `unit.rs` shows on a socket, before a real systemd: what it makes of what a batch tells it.

use std::time::Duration;

use livinglock_tests::{Job, Scene, Systemd, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");

/// Longer than any of these takes: its own pulse finds none of the jobs hung.
const NEVER: u64 = 600_000;

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    scene.job(JOB, behaviour).stale(NEVER).heartbeat(40)
}

/// How long the process of a unit ran that has ended: as systemd saw it, since whoever asks comes late.
fn ran_for(systemd: &Systemd, unit: &str) -> Duration {
    let at = |event: &str| -> u64 {
        let shown = systemd.show(unit, &format!("ExecMain{event}TimestampMonotonic"));
        shown.parse().expect("microseconds")
    };
    Duration::from_micros(at("Exit") - at("Start"))
}

/// A unit is active from when its batch has the lock, and its status is the last checkpoint.
#[test]
fn a_unit_is_active_once_it_has_its_lock_and_says_where_it_is() {
    let scene = Scene::new();
    let Some(systemd) = Systemd::boot(&scene) else {
        return;
    };
    systemd.write(
        "first.service",
        &job(&scene, &["until", "end"]).as_service(),
    );
    scene.give("gate");
    let second = job(&scene, &["until", "never"]).set("GATE", "gate");
    let second = second.wait(NEVER);
    systemd.write("second.service", &second.as_service());

    assert!(systemd.start("first.service"));
    assert_eq!(systemd.show("first.service", "ActiveState"), "active");
    wait_until("its status is a checkpoint", || {
        let status = systemd.show("first.service", "StatusText");
        status.starts_with("tests/src/bin/job.rs:") && status.ends_with(" \"working\"")
    });

    systemd.begin("second.service");
    wait_until("the second one comes to the lock", || {
        !scene.lines("gate-ready").is_empty()
    });
    // One that gives up proves that the second one would have seen what it saw.
    let impatient = job(&scene, &["work", "1", "1"]).wait(300).spawn().wait();
    assert_eq!(impatient.code, Some(42), "{impatient:?}");
    assert_eq!(systemd.show("second.service", "ActiveState"), "activating");
    assert_eq!(systemd.show("second.service", "StatusText"), "");

    scene.give("end");
    systemd.wait_for("first.service", "ActiveState", "inactive");
    systemd.wait_for("second.service", "ActiveState", "active");
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
}

/// As the documentation says: who yields was never ready, and who heeds a stop ends with a status that the unit has to call a success.
#[test]
fn a_run_that_yields_has_failed_and_one_that_is_stopped_need_not_have() {
    let scene = Scene::new();
    let Some(systemd) = Systemd::boot(&scene) else {
        return;
    };
    let service = |behaviour: &[&str]| job(&scene, behaviour).set("GRACEFUL", "1").as_service();
    systemd.write("unprepared.service", &service(&["until", "never"]));
    for (unit, behaviour, status) in [
        ("nightly.service", &["until", "never"][..], 143),
        ("by-hand.service", &["work", "1", "1"], 42),
    ] {
        let service = service(behaviour);
        systemd.write(unit, &format!("{service}SuccessExitStatus={status}\n"));
    }

    assert!(systemd.start("nightly.service"));
    assert!(!systemd.start("by-hand.service"));
    assert_eq!(systemd.show("by-hand.service", "Result"), "protocol");
    assert_eq!(systemd.show("by-hand.service", "ExecMainStatus"), "42");

    wait_until("its last checkpoint is known", || {
        let status = systemd.show("nightly.service", "StatusText");
        status.ends_with(" \"working\"")
    });
    // What has not failed is forgotten at once, its status as well.
    systemd.stop("nightly.service");
    assert_eq!(systemd.show("nightly.service", "ActiveState"), "inactive");

    assert!(systemd.start("unprepared.service"));
    wait_until("it knows of the one before", || {
        !scene.lines("predecessors").is_empty()
    });
    let before = &scene.lines("predecessors")[0];
    assert!(before.starts_with("Stopped working"), "{before}");
    systemd.stop("unprepared.service");
    assert_eq!(systemd.show("unprepared.service", "ActiveState"), "failed");
    assert_eq!(systemd.show("unprepared.service", "ExecMainStatus"), "143");
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
}

/// It is fed as long as there are checkpoints, and by nothing else: and that it may take its time does not keep the watchdog waiting.
#[test]
fn its_watchdog_ends_a_job_that_hangs_and_none_that_works() {
    let scene = Scene::new();
    let Some(systemd) = Systemd::boot(&scene) else {
        return;
    };
    // Three times as long as the watchdog waits, and then it hangs.
    let service = job(&scene, &["paced", "120", "50"]).as_service();
    systemd.write("nightly.service", &format!("{service}WatchdogSec=2s\n"));
    assert!(systemd.start("nightly.service"));
    systemd.wait_for("nightly.service", "ActiveState", "failed");
    assert_eq!(systemd.show("nightly.service", "Result"), "watchdog");
    let last = systemd.show("nightly.service", "StatusText");
    assert!(last.ends_with(" \"unit 120\" (120/120)"), "{last}");
    let ran = ran_for(&systemd, "nightly.service");
    assert!(ran >= Duration::from_secs(6 + 2), "{ran:?}");
    assert_eq!(scene.overlaps(), 0);
}

/// Whatever limits its time, as here `RuntimeMaxSec`: with each checkpoint it has `stale` and `grace` more.
#[test]
fn a_job_that_works_has_its_time_extended() {
    let scene = Scene::new();
    let Some(systemd) = Systemd::boot(&scene) else {
        return;
    };
    let limit = "RuntimeMaxSec=1s\n";
    systemd.write(
        "silent.service",
        &format!("[Service]\nExecStart=sleep 600\n{limit}"),
    );
    let service = job(&scene, &["paced", "80", "50"]).stale(2000).grace(100);
    systemd.write(
        "nightly.service",
        &format!("{}{limit}", service.as_service()),
    );

    assert!(systemd.start("silent.service"));
    systemd.wait_for("silent.service", "Result", "timeout");

    assert!(systemd.start("nightly.service"));
    systemd.wait_for("nightly.service", "ActiveState", "failed");
    assert_eq!(systemd.show("nightly.service", "Result"), "timeout");
    let last = systemd.show("nightly.service", "StatusText");
    assert!(last.ends_with(" \"unit 80\" (80/80)"), "{last}");
    // Its work, and then `stale`.
    let ran = ran_for(&systemd, "nightly.service");
    assert!(ran >= Duration::from_secs(4 + 2), "{ran:?}");
}

/// Each run hangs and is ended by the watchdog; each takes over from the one before.
#[test]
fn a_timer_starts_the_run_that_takes_over() {
    let scene = Scene::new();
    let Some(systemd) = Systemd::boot(&scene) else {
        return;
    };
    let service = job(&scene, &["sleep"]).as_service();
    systemd.write("nightly.service", &format!("{service}WatchdogSec=1s\n"));
    let timer = "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=100ms\nAccuracySec=1ms\n";
    systemd.write("nightly.timer", timer);
    assert!(systemd.start("nightly.timer"));
    scene.wait_for_owners(3);
    wait_until("the third one knows of the second", || {
        scene.lines("predecessors").len() >= 2
    });
    for line in scene.lines("predecessors") {
        assert!(line.starts_with("Crashed about to hang"), "{line}");
    }
    systemd.stop("nightly.timer");
    assert_eq!(scene.overlaps(), 0);
}

//! With `panic = "abort"` a stop cannot unwind: it ends the process, with the same exit status and the same words to the next run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use livinglock_tests::{Job, Running, Scene, Signal};

/// The job of the other tests, compiled once more.
static JOB: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abort");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--offline", "--quiet"])
        .args([
            "--profile",
            "abort",
            "--package",
            "livinglock-tests",
            "--bin",
            "job",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .expect("start cargo");
    assert!(built.success(), "the job does not compile");
    target.join("abort").join("job")
});

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    let program = JOB.to_str().expect("a path that is text");
    scene
        .job(program, behaviour)
        .grace(300)
        .heartbeat(50)
        .set("GRACEFUL", "1")
}

fn working(scene: &Scene, behaviour: &[&str]) -> Running {
    let holder = job(scene, behaviour).spawn();
    scene.wait_for_record("\"checkpoint\":");
    holder
}

/// What the next run learns of the last one.
fn fate_of_the_last(scene: &Scene) -> String {
    let next = job(scene, &["work", "1", "1"]).wait(30_000).spawn().wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    scene.lines("predecessors").pop().expect("a predecessor")
}

#[test]
fn a_signal_ends_the_process_at_the_next_checkpoint() {
    let scene = Scene::new();
    let mut holder = working(&scene, &["until", "never"]);
    holder.signal(Signal::SIGTERM);
    let ended = holder.wait();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("stopped, because it was sent SIGTERM"),
        "{ended:?}"
    );
    assert!(fate_of_the_last(&scene).starts_with("Stopped working"));
}

#[test]
fn the_longest_run_ends_the_process_whichever_thread_learns_of_it() {
    let scene = Scene::new();
    let ended = job(&scene, &["throng", "10"])
        .set("AT_MOST_MS", "300")
        .spawn()
        .wait();
    // Its threads use `try_checkpoint!`, and count to the end.
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(fate_of_the_last(&scene).starts_with("Stopped"));
}

#[test]
fn a_lost_lock_ends_the_process() {
    let scene = Scene::new();
    let holder = working(&scene, &["until", "never"]);
    std::fs::write(scene.file("other"), "precious").expect("write a file");
    std::fs::rename(scene.file("other"), scene.lock()).expect("replace the lock file");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let kept = std::fs::read_to_string(scene.lock()).expect("read the file");
    assert_eq!(kept, "precious");
}

#[test]
fn a_hung_holder_gives_way_as_ever() {
    let scene = Scene::new();
    let holder = job(&scene, &["sleep"]).stale(400).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    assert!(fate_of_the_last(&scene).starts_with("Hung about to hang"));
    assert_eq!(holder.wait().code, Some(75));
}

//! A batch that is a unit of a service manager tells it what was proven, and no more.

use std::{os::unix::net::UnixDatagram, time::Duration};

use livinglock_tests::{Job, Running, Scene, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");

/// The socket that systemd would listen at, and what has come.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn of(scene: &Scene) -> Self {
        let socket = UnixDatagram::bind(scene.file("notify")).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a limit");
        Self {
            socket,
            heard: Vec::new(),
        }
    }

    /// What has come by now.
    fn heard(&mut self) -> &[String] {
        let mut message = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut message) {
            let text = String::from_utf8(message[..length].to_vec()).expect("UTF-8");
            self.heard.push(text);
        }
        &self.heard
    }

    fn wait_for(&mut self, text: &str) -> String {
        wait_until(&format!("the service manager hears {text}"), || {
            self.heard().iter().any(|message| message.contains(text))
        });
        let found = self.heard.iter().find(|message| message.contains(text));
        found.expect("as waited for").clone()
    }

    fn feedings(&mut self) -> usize {
        let of_watchdog = |message: &&String| message.contains("WATCHDOG=1");
        self.heard().iter().filter(of_watchdog).count()
    }
}

fn job(scene: &Scene, behaviour: &[&str]) -> Job {
    let socket = scene.file("notify");
    scene
        .job(JOB, behaviour)
        .set("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"))
        .stale(2000)
        .heartbeat(40)
        .warn(60_000)
        .grace(100)
}

fn end(running: Running) -> Option<i32> {
    running.wait().code
}

#[test]
fn it_is_ready_works_and_stops() {
    let scene = Scene::new();
    let mut manager = Manager::of(&scene);
    let running = job(&scene, &["until", "end"]).spawn();
    let working = manager.wait_for("STATUS=");
    assert_eq!(manager.heard[0], "READY=1");
    assert!(
        working
            .starts_with("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=2100000\nSTATUS=tests/src/bin/job.rs:"),
        "{working}"
    );
    assert!(working.ends_with(" \"working\""), "{working}");
    let before = manager.feedings();
    wait_until("it is fed time and again", || {
        manager.feedings() > before + 5
    });
    scene.give("end");
    assert_eq!(end(running), Some(0));
    manager.wait_for("STOPPING=1");
}

/// Its pulse is awake, but has nothing to tell: so the service manager's own watchdog ends it.
#[test]
fn a_hung_job_feeds_no_watchdog() {
    let scene = Scene::new();
    let mut manager = Manager::of(&scene);
    let running = job(&scene, &["sleep"]).spawn();
    manager.wait_for("about to hang");
    scene.wait_until_stale();
    let fed = manager.feedings();
    assert_eq!(fed, 1, "for the one checkpoint: {:?}", manager.heard);
    drop(running.kill());
}

/// What yields was never ready.
#[test]
fn a_run_that_yields_says_nothing() {
    let scene = Scene::new();
    let holder = scene.job(JOB, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    let mut manager = Manager::of(&scene);
    assert_eq!(end(job(&scene, &["work", "1", "1"]).spawn()), Some(42));
    assert!(manager.heard().is_empty(), "{:?}", manager.heard);
    scene.give("end");
    assert_eq!(end(holder), Some(0));
}

/// Nobody reads: the pulse waits for nobody.
#[test]
fn a_service_manager_that_stands_still_keeps_no_job_waiting() {
    let scene = Scene::new();
    let _manager = Manager::of(&scene);
    let running = job(&scene, &["work", "300", "5"]).heartbeat(2).spawn();
    assert_eq!(end(running), Some(0));
}

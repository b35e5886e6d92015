//! Nothing that a command has started outlives the lock, however the run ends.

use livinglock_tests::{Running, Scene, Signal, wait_until};

use super::{UNIT, assert_none_outlives_the_lock, children, has, job, keeper};

/// A shell that works with a child, a child in a session of its own, and a daemon whose parent has ended.
const TREE: &str = r#"
note() { echo "$1" >> "$SCENE/tree"; }
sleep 600 & note $!
setsid sleep 600 & note $!
(setsid sh -c 'echo $$ >> "$SCENE/tree"; exec sleep 600' &)
until [ "$(grep -c . "$SCENE/tree")" = 3 ]; do sleep 0.01; done
note $$
"#;

/// Starts a command that goes on after its tree stands as this script says.
fn start(scene: &Scene, options: &[&str], then: &str) -> Running {
    let script = format!("{TREE}{then}");
    let running = job(scene, options, &["sh", "-c", &script]).spawn();
    wait_until("the tree stands", || scene.lines("tree").len() == 4);
    running
}

/// The next run finds the lock free at once.
fn assert_the_next_runs(scene: &Scene) {
    let next = job(scene, &["--busy=42"], &[UNIT, "work", "0"])
        .spawn()
        .wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    assert_eq!(scene.overlaps(), 0);
}

#[test]
fn what_a_command_leaves_behind_is_ended() {
    let scene = Scene::new();
    let ended = start(&scene, &[], "exit 3").wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains(": sh has ended, but not all that it had started; ended 3 processes before"),
        "{ended:?}"
    );
    assert_none_outlives_the_lock(&scene, "tree", 4);
    assert_the_next_runs(&scene);
}

/// One that minds no SIGTERM, and goes on making children.
#[test]
fn what_does_not_want_to_end_is_killed() {
    let scene = Scene::new();
    let then = "(trap '' TERM; while :; do sleep 0.01; done) & note $!; exit 0";
    let script = format!("{TREE}{then}");
    let ended = job(&scene, &["--grace=200ms"], &["sh", "-c", &script])
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_none_outlives_the_lock(&scene, "tree", 5);
    assert_the_next_runs(&scene);
}

#[test]
fn a_killed_runner_takes_its_tree_along() {
    for trap in ["", "trap '' TERM; "] {
        let scene = Scene::new();
        let running = start(&scene, &[], &format!("{trap}while :; do sleep 0.01; done"));
        assert_eq!(running.kill().signal, Some(9));
        assert_none_outlives_the_lock(&scene, "tree", 4);
        assert_the_next_runs(&scene);
    }
}

#[test]
fn a_killed_keeper_does_not_free_its_tree() {
    let scene = Scene::new();
    let running = start(&scene, &[], "while :; do sleep 0.01; done");
    kill(keeper(running.id()), Signal::SIGKILL);
    let ended = running.wait();
    assert_eq!(ended.code, Some(137), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains(" together was killed, and the command with it"),
        "{ended:?}"
    );
    assert_none_outlives_the_lock(&scene, "tree", 4);
    assert_the_next_runs(&scene);
}

#[test]
fn a_runner_killed_together_with_its_command_takes_the_tree_along() {
    let scene = Scene::new();
    let running = start(&scene, &[], "while :; do sleep 0.01; done");
    let command = children(keeper(running.id()));
    for process in command {
        kill(process, Signal::SIGKILL);
    }
    let ended = running.kill();
    assert!(
        matches!(
            (ended.code, ended.signal),
            (None, Some(9)) | (Some(137), None)
        ),
        "{ended:?}"
    );
    assert_none_outlives_the_lock(&scene, "tree", 4);
    assert_the_next_runs(&scene);
}

/// Of those in between nobody is left to do it but the kernel, for the command itself.
#[test]
fn a_command_does_not_outlive_both_of_its_keepers() {
    let scene = Scene::new();
    let mut running = job(&scene, &[], &[UNIT, "sleep"]).spawn();
    scene.wait_for_owners(1);
    let keeper = keeper(running.id());
    // So that neither can do anything between the two blows.
    kill(keeper, Signal::SIGSTOP);
    running.signal(Signal::SIGKILL);
    kill(keeper, Signal::SIGKILL);
    assert_eq!(running.wait().signal, Some(9));
    wait_until("the command has ended", || {
        !scene
            .owners()
            .iter()
            .any(|id| livinglock_tests::is_running(id))
    });
    assert_the_next_runs(&scene);
}

#[test]
fn a_signal_stops_the_command_in_its_own_way() {
    for (signal, name, status) in [
        (Signal::SIGTERM, "TERM", 143),
        (Signal::SIGINT, "INT", 130),
        (Signal::SIGHUP, "HUP", 129),
    ] {
        let scene = Scene::new();
        let then = format!("trap 'note cleaned; exit 0' {name}; while :; do sleep 0.01; done");
        let mut running = start(&scene, &[], &then);
        running.signal(signal);
        let ended = running.wait();
        assert_eq!(ended.code, Some(status), "{ended:?}");
        assert!(
            ended.stderr.contains(&format!("was sent SIG{name}")),
            "{ended:?}"
        );
        let mut tree = scene.lines("tree");
        assert_eq!(tree.pop().as_deref(), Some("cleaned"));
        assert!(
            tree.iter().all(|id| !livinglock_tests::is_running(id)),
            "{tree:?}"
        );
        assert_the_next_runs(&scene);
    }
}

#[test]
fn a_command_that_minds_no_signal_is_killed_after_the_grace() {
    let scene = Scene::new();
    let mut running = start(
        &scene,
        &["--grace=200ms"],
        "trap '' TERM; while :; do sleep 0.01; done",
    );
    running.signal(Signal::SIGTERM);
    let ended = running.wait();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    assert_none_outlives_the_lock(&scene, "tree", 4);
    assert_the_next_runs(&scene);
}

#[test]
fn other_signals_are_passed_on() {
    let scene = Scene::new();
    let then = "for s in USR1 USR2 QUIT ALRM WINCH; do trap \"echo $s >> $SCENE/signals\" $s; done; note ready; while :; do sleep 0.01; done";
    let mut running = job(&scene, &[], &["sh", "-c", &format!("{TREE}{then}")]).spawn();
    wait_until("the traps are set", || scene.lines("tree").len() == 5);
    for (signal, name) in [
        (Signal::SIGUSR1, "USR1"),
        (Signal::SIGUSR2, "USR2"),
        (Signal::SIGQUIT, "QUIT"),
        (Signal::SIGALRM, "ALRM"),
        (Signal::SIGWINCH, "WINCH"),
    ] {
        running.signal(signal);
        wait_until(name, || {
            scene.lines("signals").iter().any(|line| line == name)
        });
    }
    running.signal(Signal::SIGTERM);
    assert_eq!(running.wait().code, Some(143));
}

/// A daemon by the book: two forks and a session of its own.
#[test]
fn a_daemon_of_python_is_ended() {
    if !has("python3", "python3") {
        return;
    }
    let scene = Scene::new();
    let script = r"
import os, sys, time
def note():
    with open(os.environ['SCENE'] + '/tree', 'a') as tree:
        tree.write(f'{os.getpid()}\n')
note()
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir('/')
        note()
        os.write(write, b'.')
        time.sleep(600)
    os._exit(0)
os.wait()
os.read(read, 1)
sys.exit(5)
";
    let ended = job(&scene, &[], &["python3", "-c", script]).spawn().wait();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stderr.contains("; ended 1 process before"),
        "{ended:?}"
    );
    assert_none_outlives_the_lock(&scene, "tree", 2);
}

fn kill(process: u32, signal: Signal) {
    let process = nix::unistd::Pid::from_raw(process.cast_signed());
    nix::sys::signal::kill(process, signal).expect("send a signal");
}

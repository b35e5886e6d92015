//! `livinglock stop --force`: what does not go by itself is ended, once it is proven to be the holder.

use std::fs::{self, File};

use livinglock_tests::{Innocent, Scene, Signal, hold, is_running, wait_until};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
};

use crate::{
    DONE, HELD, JOB, assert_says, holder, job, run, start, stopped_holder, wait_until_it_watches,
};

const FORCE: [&str; 4] = ["stop", "--force", "--grace", "300ms"];

#[test]
fn a_stopped_holder_is_left_alone_without_force() {
    let scene = Scene::new();
    let mut holder = stopped_holder(&scene, job(&scene, &["until", "end"]));
    let before = fs::read(scene.lock()).expect("read it");
    let stop = run(&scene, &["stop"]);
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(
        &stop,
        &[
            "does not answer: it is stopped by a signal; last checkpoint",
            "continue it, or end it with `livinglock stop --force`",
        ],
    );
    assert!(holder.is_stopped());
    assert_eq!(fs::read(scene.lock()).expect("read it"), before);
    holder.signal(Signal::SIGCONT);
    scene.give("end");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(0), "the request went with us: {ended:?}");
}

#[test]
fn a_stopped_holder_is_ended_with_its_descendants() {
    let scene = Scene::new();
    let holder = holder(&scene, job(&scene, &["children"]));
    wait_until("the holder has children", || {
        scene.lines("children").len() == 2
    });
    let mut holder = holder;
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    let stop = run(&scene, &FORCE);
    assert_eq!(stop.code, DONE, "{stop:?}");
    let id = holder.id();
    assert_says(
        &stop,
        &[
            &format!("pid {id} (job) has not stopped; sending SIGTERM, and SIGKILL after 0.3s"),
            &format!("pid {id} (job) was ended after"),
            "\"about to hang\"",
            "; ended the ",
        ],
    );
    // A stopped process does not act on SIGTERM.
    assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
    for child in scene.lines("children") {
        assert!(!is_running(&child), "{child} outlived its job");
    }
    assert_eq!(scene.owners().len(), 1, "nobody has taken the lock");
}

#[test]
fn a_stopped_holder_whose_file_was_deleted_is_ended_only_with_force() {
    const ASKED: [&str; 4] = ["stop", "--grace", "3s", "--force"];
    for (arguments, status) in [(&ASKED[..3], HELD), (&ASKED, DONE)] {
        let scene = Scene::new();
        // With a slow pulse, of which nobody despairs so soon.
        let mut holder = stopped_holder(&scene, scene.job(JOB, &["until", "never"]));
        let mut stop = start(&scene, arguments);
        wait_until_it_watches(&scene, &stop);
        // So that the file goes before it has given up.
        stop.signal(Signal::SIGSTOP);
        stop.wait_until_stopped();
        fs::remove_file(scene.lock()).expect("delete the lock file");
        stop.signal(Signal::SIGCONT);
        let stop = stop.wait();
        assert_eq!(stop.code, status, "{stop:?}");
        if status == HELD {
            assert!(holder.is_stopped());
            assert_says(&stop, &["does not answer: it is stopped by a signal"]);
        } else {
            assert!(holder.has_ended(), "{stop:?}");
            assert_says(&stop, &["was ended after"]);
        }
        assert!(!scene.lock().exists());
    }
}

/// Somebody shares the byte of the request, so that nobody can ask by it.
#[test]
fn a_holder_that_cannot_be_asked_is_ended_only_with_force() {
    let scene = Scene::new();
    let mut holder = holder(&scene, job(&scene, &["until", "never"]));
    let squatter = share_the_stop_byte(&scene);
    let stop = run(&scene, &["stop"]);
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(&stop, &["works on, and its pulse takes no notice"]);
    assert!(!holder.has_ended());
    let stop = run(&scene, &FORCE);
    assert_eq!(stop.code, DONE, "{stop:?}");
    assert_says(&stop, &["was ended after"]);
    assert_eq!(holder.wait().signal, Some(Signal::SIGTERM as i32));
    drop(squatter);
}

#[test]
fn a_process_that_a_forged_record_names_is_never_signalled() {
    const ROUNDS: usize = 3;
    let scene = Scene::new();
    for round in 0..ROUNDS {
        let holder = stopped_holder(&scene, job(&scene, &["until", "never"]));
        let mut innocent = Innocent::start();
        scene.rename_holder(holder.id(), innocent.id());
        let stop = run(&scene, &FORCE);
        assert_eq!(stop.code, HELD, "round {round}: {stop:?}");
        let id = holder.id();
        assert_says(
            &stop,
            &[
                "which cannot be ended: its process id belongs to another process now",
                &format!("the lock is in the hands of pid {id} (job); end that"),
            ],
        );
        innocent.assert_alive();
        assert!(holder.is_stopped(), "and so does the holder");
        drop(holder.kill());
    }
    println!("innocent processes: {ROUNDS} rounds, none was signalled");
}

/// The job has crashed, but a child that it forked has the lock still: we play the child.
#[test]
fn whoever_has_inherited_a_lock_is_named_and_not_ended() {
    let scene = Scene::new();
    assert_eq!(job(&scene, &["crash"]).spawn().wait().code, None);
    let inherited = hold(&scene.lock()).expect("the lock is free");
    let stop = run(&scene, &FORCE);
    assert_eq!(stop.code, HELD, "{stop:?}");
    assert_says(
        &stop,
        &[
            "cannot be ended: its process",
            &format!("the lock is in the hands of pid {} (", std::process::id()),
        ],
    );
    drop(inherited);
}

/// A shared lock on the byte by which holders are asked to stop: the right to read the file is enough for one.
fn share_the_stop_byte(scene: &Scene) -> File {
    let file = File::open(scene.lock()).expect("open the lock file");
    let short = |constant: libc::c_int| constant.try_into().expect("a small constant");
    let byte = libc::flock {
        l_type: short(libc::F_RDLCK),
        l_whence: short(libc::SEEK_SET),
        l_start: 3,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&byte)).expect("share the byte");
    file
}

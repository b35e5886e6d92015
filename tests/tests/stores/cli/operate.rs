//! `livinglock wait`, `watch` and `stop` on locks in stores.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use livinglock_tests::{Running, Scene, Server, Signal, wait_until};

use super::{CLI, assert_says, assert_the_next_runs, holder, lock, shown};
use crate::{job, on_each_engine, short};

fn start(scene: &Scene, server: &Server, arguments: &[&str]) -> Running {
    scene
        .job(CLI, &[arguments, &[&lock(server)]].concat())
        .spawn()
}

on_each_engine! {
    fn who_waits_learns_of_the_release(server) {
        let scene = Scene::new();
        let free = start(&scene, &server, &["wait"]).wait();
        assert_eq!((free.code, &*free.stderr), (Some(0), ""));

        let holder = holder(&scene, &server, job(&scene, &server, &["until", "end"]));
        let mut waits = start(&scene, &server, &["wait"]);
        let begun = Instant::now();
        let gave_up = start(&scene, &server, &["wait", "--timeout", "1s"]).wait();
        assert_eq!(gave_up.code, Some(124), "{gave_up:?}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        let who = format!("{} is busy: pid {} (leased) ", shown(&server), holder.id());
        assert_says(&gave_up, &[&who, "\"working\"", "; gave up after 1s"]);
        assert!(!waits.has_ended());
        scene.give("end");
        assert_eq!(holder.wait().code, Some(0));
        let waits = waits.wait();
        assert_eq!((waits.code, &*waits.stderr), (Some(0), ""));
    }

    /// Its lease would last for an hour.
    fn who_waits_learns_of_a_crash(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, job(&scene, &server, &["until", "never"]).stale(3_600_000));
        let mut waits = start(&scene, &server, &["wait"]);
        let gave_up = start(&scene, &server, &["wait", "--timeout", "200ms"]).wait();
        assert_eq!(gave_up.code, Some(124), "{gave_up:?}");
        assert!(!waits.has_ended());
        drop(holder.kill());
        let waits = waits.wait();
        assert_eq!((waits.code, &*waits.stderr), (Some(0), ""));
    }

    /// By `at_least`, which `wait` waits for and `stop` does not.
    fn a_kept_lock_is_waited_for(server) {
        let scene = Scene::new();
        let run = |least| job(&scene, &server, &["work", "1", "1"]).set("AT_LEAST_MS", least);
        let begun = Instant::now();
        assert_eq!(run("3000").spawn().wait().code, Some(0));
        let wait = start(&scene, &server, &["wait"]).wait();
        assert_eq!((wait.code, &*wait.stderr), (Some(0), ""));
        assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());

        assert_eq!(run("1800000").spawn().wait().code, Some(0));
        let wait = start(&scene, &server, &["wait", "--timeout", "1ms"]).wait();
        assert_eq!(wait.code, Some(124), "{wait:?}");
        assert_says(&wait, &["has ended, but keeps it for", "by `at_least`; gave up after"]);
        let stop = start(&scene, &server, &["stop"]).wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        assert_says(&stop, &["is not held, but kept for", "there is nothing to stop"]);
    }

    /// A line for each change, by lock and by store, and an end when nobody holds it any more.
    fn a_lock_is_watched_until_its_release(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, job(&scene, &server, &["until", "end"]));
        let watches = [lock(&server), server.url()].map(|url| {
            let lines = scene.file(&format!("lines-{}", url.len()));
            let child = Command::new(CLI)
                .args(["watch", &url])
                .stdin(Stdio::null())
                .stdout(File::create(&lines).expect("make a file"))
                .spawn()
                .expect("start the command line");
            (child, lines)
        });
        let first = format!("{}: held and working; pid {} (leased)", shown(&server), holder.id());
        for (_, lines) in &watches {
            wait_until("the holder was seen", || {
                fs::read_to_string(lines).is_ok_and(|lines| lines.contains(&first))
            });
        }
        scene.give("end");
        assert_eq!(holder.wait().code, Some(0));
        for (mut child, lines) in watches {
            let mut status = None;
            wait_until("it ends", || {
                status = child.try_wait().expect("look at it");
                status.is_some()
            });
            assert_eq!(status.and_then(|status| status.code()), Some(3));
            let lines = fs::read_to_string(lines).expect("read them");
            assert!(lines.ends_with(&format!("{}: free\n", shown(&server))), "{lines}");
            assert!(lines.lines().all(|line| line.starts_with(&shown(&server))), "{lines}");
        }
    }

    /// At its next checkpoint.
    fn a_working_job_stops_when_it_is_asked(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, job(&scene, &server, &["until", "never"]));
        let stop = start(&scene, &server, &["stop", "--grace", "50s"]).wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        let who = format!("{}: pid {} (leased) stopped after ", shown(&server), holder.id());
        assert_says(&stop, &[&who, "; last checkpoint ", "\"working\""]);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
        assert_says(&holder, &["was asked to stop"]);
        let next = assert_the_next_runs(&scene, &server);
        assert_says(&next, &["was stopped"]);
    }

    fn where_nobody_is_there_is_nothing_to_stop(server) {
        let scene = Scene::new();
        let stop = || start(&scene, &server, &["stop"]).wait();
        let never = stop();
        assert_eq!(never.code, Some(0), "{never:?}");
        assert_says(&never, &[&shown(&server), " is not held; there is nothing to stop"]);
        assert_eq!(job(&scene, &server, &["crash"]).stale(3_600_000).spawn().wait().code, None);
        let left = stop();
        assert_eq!(left.code, Some(0), "{left:?}");
        assert_says(&left, &[" is not held, but left behind by a run that is gone; there is nothing to stop"]);
        // The request was not left for whoever comes.
        drop(assert_the_next_runs(&scene, &server));
    }

    /// By its own pulse, once its grace is over.
    fn a_job_that_reaches_no_checkpoint_is_ended(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, job(&scene, &server, &["spin"]).stale(3_600_000));
        let stop = start(&scene, &server, &["stop", "--grace", "50s"]).wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        assert_says(&stop, &["reached no checkpoint within its grace, and was ended by its own pulse after", "about to spin"]);
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{holder:?}");
        drop(assert_the_next_runs(&scene, &server));
    }

    /// From outside, but only with `--force`, and nobody waits for the hour that its lease would last.
    fn a_stopped_holder_is_ended_with_force(server) {
        let scene = Scene::new();
        let mut holder = holder(&scene, &server, job(&scene, &server, &["until", "never"]).stale(3_600_000));
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        let stop = start(&scene, &server, &["stop"]).wait();
        assert_eq!(stop.code, Some(1), "{stop:?}");
        assert_says(&stop, &["does not answer: it is stopped by a signal", "`livinglock stop --force`"]);
        assert!(holder.is_stopped());
        let stop = start(&scene, &server, &["stop", "--force", "--grace", "300ms"]).wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        assert_says(&stop, &["has not stopped; sending SIGTERM, and SIGKILL after 0.3s", "was ended after"]);
        assert_eq!(holder.wait().signal, Some(Signal::SIGKILL as i32));
        drop(assert_the_next_runs(&scene, &server));
        assert_eq!(scene.owners().len(), 2);
    }

    /// Nobody has the lock then, but its holder has neither stopped nor let go of it.
    fn a_stopped_holder_may_let_its_lease_run_out(server) {
        let scene = Scene::new();
        let mut holder = holder(&scene, &server, short(&scene, &server, &["until", "never"]));
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        let stop = start(&scene, &server, &["stop", "--grace", "50s"]).wait();
        assert_eq!(stop.code, Some(0), "{stop:?}");
        let who = format!("the lease of pid {} (leased) has run out after ", holder.id());
        assert_says(&stop, &[&who, ", in which it has not answered; last checkpoint ", "\"working\""]);
        assert!(holder.is_stopped());
        holder.signal(Signal::SIGCONT);
        assert_eq!(holder.wait().code, Some(75));
    }

    /// And says why it could not ask.
    fn an_unreachable_server_is_an_error(server) {
        let mut server = server;
        let scene = Scene::new();
        server.kill();
        for command in ["stop", "wait"] {
            let ended = start(&scene, &server, &[command]).wait();
            assert_eq!(ended.code, Some(73), "{ended:?}");
            assert_says(&ended, &["livinglock: failed to look at ", &shown(&server), "refused"]);
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        }
    }
}

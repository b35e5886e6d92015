//! Whoever is pinged hears of every run: that it begins, and how it ends. Whatever becomes of the pings, the job is not affected.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use livinglock_tests::{
    Answer, Check, Ended, Job, PATIENCE, Proxy, SECRET, Scene, Signal, wait_until,
};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const PINGED: &str = env!("CARGO_BIN_EXE_pinged");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

fn pinging(url: &str, job: Job) -> Job {
    // Whatever proxy there is where the tests run.
    job.set("NO_PROXY", "127.0.0.1").set("PING_URL", url)
}

fn job(scene: &Scene, url: &str, behaviour: &[&str]) -> Job {
    pinging(url, scene.job(JOB, behaviour)).heartbeat(50)
}

fn pinged(scene: &Scene, url: &str, behaviour: &[&str]) -> Job {
    pinging(url, scene.job(PINGED, behaviour))
}

/// That a job has said this one line, which does not show what nobody may see.
#[track_caller]
fn assert_says_one_line(ended: &Ended, line: &str) {
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{ended:?}");
    assert!(lines[0].contains(line), "{ended:?}");
    assert!(!ended.stderr.contains(SECRET), "{ended:?}");
}

#[test]
fn a_run_tells_that_it_begins_and_that_it_has_ended_well() {
    let (scene, check) = (Scene::new(), Check::start());
    let running = job(&scene, &check.url(), &["work", "7", "1"]).spawn();
    let id = running.id();
    let ended = running.wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(check.events(), ["/start", ""]);
    let [start, end] = &check.pings()[..] else {
        unreachable!("there are two");
    };
    let run = start.run.as_deref().expect("the number of the run");
    let lengths: Vec<_> = run.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{run}");
    assert_eq!(end.run.as_deref(), Some(run));
    let who = format!("pid {id} (job)");
    assert!(
        start.body.starts_with(&format!("{who} has begun\n")),
        "{start:?}"
    );
    assert!(
        end.body
            .starts_with(&format!("{who} has ended well after ")),
        "{end:?}"
    );
    assert!(end.body.contains("\" (6/7) "), "{end:?}");
    for ping in [start, end] {
        assert!(ping.body.contains("\njob: job\nhost: "), "{ping:?}");
        assert!(
            ping.body.contains(&format!("\npid: {id}\nfencing token: ")),
            "{ping:?}"
        );
    }
}

#[test]
fn a_failing_exit_status_is_told() {
    for (behaviour, status) in [(&["status", "7"][..], 7), (&["error"], 1)] {
        let (scene, check) = (Scene::new(), Check::start());
        let ended = pinged(&scene, &check.url(), behaviour).spawn().wait();
        assert_eq!(ended.code, Some(status), "{ended:?}");
        assert_eq!(check.events(), ["/start".to_owned(), format!("/{status}")]);
        let told = &check.pings()[1].body;
        assert!(
            told.contains(&format!("has ended with exit status {status} after ")),
            "{told}"
        );
        assert!(told.contains("\"unit 3\" (3/7)"), "{told}");
    }
}

#[test]
fn a_panic_is_a_failure() {
    let (scene, check) = (Scene::new(), Check::start());
    let ended = job(&scene, &check.url(), &["panic"]).spawn().wait();
    assert_eq!(ended.code, Some(101), "{ended:?}");
    assert_eq!(check.events(), ["/start", "/fail"]);
    let told = &check.pings()[1].body;
    assert!(told.contains(" (job) panicked after "), "{told}");
    assert!(told.contains("\"before the panic\""), "{told}");
}

/// At once, since its process has to go soon; and the next run tells of it once more.
#[test]
fn a_hang_is_a_failure_as_soon_as_somebody_asks_for_the_lock() {
    let (scene, check) = (Scene::new(), Check::start());
    let quick = |behaviour: &[&str]| {
        job(&scene, &check.url(), behaviour)
            .stale(600)
            .heartbeat(60)
            .warn(700)
            // So much longer than a ping takes that its own comes before that of the next run.
            .grace(1500)
    };
    let holder = quick(&["sleep"]).spawn();
    holder.wait_until_it_says("made no checkpoint for");
    let newcomer = quick(&["until", "end"]).spawn();
    check.wait_for(3);
    scene.give("end");
    let ended = holder.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let ended = newcomer.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(check.events(), ["/start", "/fail", "/start", ""]);
    let pings = check.pings();
    assert_eq!(pings[0].run, pings[1].run);
    assert_ne!(pings[1].run, pings[2].run);
    let hung = &pings[1].body;
    assert!(
        hung.contains(" (job) is hung: it made no checkpoint for "),
        "{hung}"
    );
    assert!(hung.contains("\"about to hang\" (3/7)"), "{hung}");
    let told = &pings[2].body;
    assert!(
        told.contains(" gave way after ") && told.contains("\"about to hang\" (3/7)"),
        "{told}"
    );
}

/// What is told of a job that is sent SIGTERM, once it is somewhere.
fn told_of_a_stop(behaviour: &[&str]) -> String {
    let (scene, check) = (Scene::new(), Check::start());
    // It is also the time that the ping has.
    let job = job(&scene, &check.url(), behaviour).grace(2000);
    let mut running = job.set("GRACEFUL", "1").spawn();
    scene.wait_for_record("\"checkpoint\":");
    running.signal(Signal::SIGTERM);
    let ended = running.wait();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    check.wait_for(2);
    assert_eq!(check.events(), ["/start", "/fail"]);
    check.pings().remove(1).body
}

#[test]
fn a_stop_is_a_failure_with_a_reason() {
    let told = told_of_a_stop(&["until", "never"]);
    assert!(
        told.contains(", because it was sent SIGTERM\nlast checkpoint "),
        "{told}"
    );
}

/// A process that reaches no checkpoint has time to say so, as long as nobody waits for its lock.
#[test]
fn a_job_that_does_not_stop_in_time_is_a_failure() {
    let told = told_of_a_stop(&["sleep"]);
    assert!(
        told.contains(" did not stop within 2s, because it was sent SIGTERM; silent for "),
        "{told}"
    );
}

#[test]
fn a_lock_that_cannot_be_had_is_a_failure() {
    let (scene, check) = (Scene::new(), Check::start());
    let nowhere = scene.file("nowhere/lock");
    let behaviour = job(&scene, &check.url(), &["work", "1", "1"]);
    let ended = behaviour
        .set("LOCK", nowhere.to_str().expect("UTF-8"))
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(73), "{ended:?}");
    let pings = check.pings();
    assert_eq!(
        (pings.len(), &*pings[0].event, &pings[0].run),
        (1, "/fail", &None)
    );
    let told = &pings[0].body;
    assert!(told.starts_with("job cannot run: failed to "), "{told}");
    assert!(
        told.contains("nowhere/lock; create its folder first"),
        "{told}"
    );
}

#[test]
fn a_run_that_yields_pings_nobody() {
    let (scene, check) = (Scene::new(), Check::start());
    let holder = job(&scene, &check.url(), &["until", "end"]).spawn();
    check.wait_for(1);
    scene.wait_for_owners(1);
    let yielding = job(&scene, &check.url(), &["work", "1", "1"])
        .spawn()
        .wait();
    assert_eq!(yielding.code, Some(42), "{yielding:?}");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    assert_eq!(check.events(), ["/start", ""]);
}

/// Whether it does not listen, or says no: one line, and the exit status is the job's own.
#[test]
fn a_server_that_is_out_of_order_does_not_affect_the_job() {
    // Its port stays its own, so that nobody else listens there meanwhile.
    let nobody = Proxy::to(0);
    nobody.refuse();
    let nobody = format!("http://127.0.0.1:{}/{SECRET}", nobody.port());
    let broken = Check::start();
    broken.answer(Answer::Status(500));
    for (url, why) in [
        (nobody, "Connection refused"),
        (broken.url(), "it answered 500"),
    ] {
        let scene = Scene::new();
        let begun = Instant::now();
        let ended = pinged(&scene, &url, &["status", "7"]).spawn().wait();
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        assert_eq!(ended.code, Some(7), "{ended:?}");
        let server = url.strip_suffix(&format!("/{SECRET}")).expect("a URL");
        assert_says_one_line(
            &ended,
            &format!("could not ping {server} for livinglock-tests: {why}"),
        );
        assert!(ended.stderr.ends_with("; the job goes on\n"), "{ended:?}");
    }
}

/// The lock is free while the job that had it still waits for an answer.
#[test]
fn a_server_that_does_not_answer_keeps_nobody_from_the_lock() {
    let (scene, check) = (Scene::new(), Check::start());
    let first = job(&scene, &check.url(), &["until", "end"]).spawn();
    check.wait_for(1);
    check.answer(Answer::Never);
    scene.give("end");
    check.wait_for(2);
    let mut first = first;
    let next = job(&scene, "", &["work", "1", "1"]).spawn().wait();
    assert_eq!((next.code, &*next.stderr), (Some(0), ""));
    assert!(!first.has_ended(), "it waits for the server");
    let begun = Instant::now();
    let ended = first.wait();
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(&ended, "s; nobody there knows of it");
    assert_eq!(check.events()[..2], ["/start", ""]);
}

/// A lock that is free only once its process has gone is waited for by others.
#[test]
fn a_panic_waits_no_longer_for_a_server_than_for_anything() {
    let (scene, check) = (Scene::new(), Check::start());
    check.answer(Answer::Never);
    let panics = job(&scene, &check.url(), &["panic"]).grace(300).spawn();
    // Unlike that of a job that has returned, its lock is kept until then, and waited for so long.
    panics.wait_until_it_says("on purpose");
    let next = job(&scene, "", &["work", "1", "1"]).wait(60_000).spawn();
    let begun = Instant::now();
    let ended = panics.wait();
    let waited = begun.elapsed();
    assert_eq!(ended.code, Some(101), "{ended:?}");
    assert!(waited.as_millis() < 3_000, "{waited:?}");
    assert_eq!(next.wait().code, Some(0));
}

#[test]
fn the_end_is_told_even_if_the_beginning_could_not_be() {
    let (scene, check) = (Scene::new(), Check::start());
    check.answer_once(Answer::Never);
    let running = job(&scene, &check.url(), &["until", "end"]).spawn();
    check.wait_for(1);
    scene.give("end");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(&ended, "it did not answer within 4s; the job goes on");
    assert_eq!(check.events(), ["/start", ""]);
}

#[test]
fn an_end_that_does_not_arrive_is_told_again() {
    let (scene, check) = (Scene::new(), Check::start());
    for answer in [Answer::Ok, Answer::Status(503), Answer::Status(429)] {
        check.answer_once(answer);
    }
    let ended = job(&scene, &check.url(), &["work", "1", "1"])
        .spawn()
        .wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(check.events(), ["/start", "", "", ""]);
}

/// As healthchecks.io does, with a status of success.
#[test]
fn a_check_that_is_unknown_there_is_told_here() {
    let (scene, check) = (Scene::new(), Check::start());
    check.answer(Answer::Words("OK (not found)"));
    let ended = job(&scene, &check.url(), &["work", "1", "1"])
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(
        &ended,
        "for job: it answered \"OK (not found)\"; the job goes on",
    );
    assert_eq!(check.events(), ["/start", ""], "it is no use to try again");
}

#[test]
fn a_user_and_a_password_are_sent_and_not_shown() {
    let (scene, check) = (Scene::new(), Check::start());
    check.answer(Answer::Status(401));
    let url = check.url_of("ann", "s3cret");
    let ended = job(&scene, &url, &["work", "1", "1"]).spawn().wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(
        &ended,
        &format!("could not ping {} for job: it answered 401", check.server()),
    );
    assert!(
        !ended.stderr.contains("s3cret") && !ended.stderr.contains("ann"),
        "{ended:?}"
    );
    let sent = check.pings()[0].authorization.clone();
    assert_eq!(sent.as_deref(), Some("Basic YW5uOnMzY3JldA=="));
}

#[test]
fn a_url_that_cannot_be_pinged_is_told_and_not_shown() {
    for (url, why) in [
        (
            format!("ftp://ann:s3cret@hc.example/{SECRET}"),
            "begins neither with http://",
        ),
        (
            format!("https://ann:s3/cret@hc.example/{SECRET}"),
            "a port that is no number",
        ),
        (
            format!("https://hc.example/{SECRET}?s3"),
            "has a `?` or `#`",
        ),
        (SECRET.to_owned(), "is none; write it like https://"),
    ] {
        let scene = Scene::new();
        let ended = job(&scene, &url, &["work", "1", "1"]).spawn().wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_says_one_line(&ended, "nobody is pinged for job: the URL of `ping` ");
        assert!(ended.stderr.contains(why), "{ended:?}");
        assert!(!ended.stderr.contains("s3"), "{ended:?}");
    }
}

/// Whoever starts a set-uid program chooses its environment, and with it the proxy.
#[test]
fn a_set_uid_program_pings_nobody() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("** SKIPPED: no file may be given away; remedy: run as root **");
        return;
    }
    let (scene, check) = (Scene::new(), Check::start());
    let program = scene.file("pinged");
    fs::copy(PINGED, &program).expect("copy the program");
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("change a mode");
    };
    allow(scene.folder(), 0o777);
    allow(&program, 0o4755);
    let program = program.to_str().expect("UTF-8");
    let arguments = "--reuid 65534 --regid 65534 --clear-groups --";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.extend([program, "status", "0"]);
    let ended = pinging(&check.url(), scene.job("setpriv", &arguments))
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(&ended, "the URL of `ping` is not for a set-uid program");
    assert_eq!(check.events(), [""; 0]);
}

/// A caller that serves others does not wait for long, and the ping is delivered all the same.
#[test]
fn a_function_does_not_wait_for_a_server() {
    let (scene, check) = (Scene::new(), Check::start());
    for answer in [Answer::Ok, Answer::Never] {
        check.answer_once(answer);
    }
    let running = pinged(&scene, "", &["function", "end"])
        .set("PING_URL_OF_THE_FUNCTION", &check.url())
        .spawn();
    wait_until("the function has returned", || {
        !scene.lines("function").is_empty()
    });
    let waited: u64 = scene.lines("function")[0].parse().expect("milliseconds");
    assert!(waited < 3_500, "{waited}");
    check.wait_for(3);
    scene.give("end");
    let ended = running.wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(check.events(), ["/start", "", ""]);
}

#[test]
fn a_command_tells_its_exit_status() {
    let (scene, check) = (Scene::new(), Check::start());
    let (url, lock) = (check.url(), scene.lock());
    let lock = lock.to_str().expect("UTF-8");
    for (ping, script, status) in [
        (&*url, "exit 3", 3),
        (&*url, "exit 0", 0),
        ("", "exit 0", 0),
    ] {
        let arguments = [
            "run", "--ping", ping, "--name", "nightly", lock, "--", "sh", "-c", script,
        ];
        let ended = pinging("", scene.job(CLI, &arguments)).spawn().wait();
        assert_eq!((ended.code, &*ended.stderr), (Some(status), ""));
    }
    assert_eq!(check.events(), ["/start", "/3", "/start", ""]);
    let told = &check.pings()[1].body;
    assert!(
        told.contains(" (nightly) has ended with exit status 3 after "),
        "{told}"
    );
}

/// Makes an authority of this name, and a certificate of its own for a server on loopback: both, and the key.
fn certify(scene: &Scene, authority: &str) -> [PathBuf; 3] {
    let file = |end: &str| scene.file(&format!("{authority}.{end}"));
    let (root, root_key, server, key) = (file("ca"), file("ca.key"), file("crt"), file("key"));
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    let shown = |path: &Path| path.display().to_string();
    for arguments in [
        format!(
            "req -x509 {new} -subj /CN={authority} -keyout {} -out {}",
            shown(&root_key),
            shown(&root)
        ),
        format!(
            "req -x509 {new} -subj /CN=hc -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
             -CA {} -CAkey {} -keyout {} -out {}",
            shown(&root),
            shown(&root_key),
            shown(&key),
            shown(&server)
        ),
    ] {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .output();
        let made = made.expect("openssl");
        assert!(made.status.success(), "{made:?}");
    }
    [root, server, key]
}

#[test]
fn a_server_with_tls_is_pinged_if_it_can_be_trusted() {
    if Command::new("openssl").arg("version").output().is_err() {
        let why = "openssl is not installed; remedy: apt-get install openssl";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("** SKIPPED: {why} **");
        return;
    }
    let scene = Scene::new();
    let [root, certificate, key] = certify(&scene, "trusted");
    let [other, ..] = certify(&scene, "other");
    let check = Check::start_encrypted(&certificate, &key);
    let run = |root: &Path| {
        let behaviour = job(&scene, &check.url(), &["work", "1", "1"]);
        let root = root.to_str().expect("UTF-8");
        behaviour.set("SSL_CERT_FILE", root).spawn().wait()
    };
    let ended = run(&root);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(check.events(), ["/start", ""]);
    let ended = run(&other);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_says_one_line(
        &ended,
        &format!(
            "could not ping {} for job: it cannot be trusted: ",
            check.server()
        ),
    );
    assert!(ended.stderr.contains("`SSL_CERT_FILE`"), "{ended:?}");
    assert_eq!(
        check.events(),
        ["/start", ""],
        "nothing was told to a stranger"
    );
}

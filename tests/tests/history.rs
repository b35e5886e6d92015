//! The journal of real runs, and what `livinglock history` makes of it.

use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Command, Output},
};

use livinglock_tests::{Job, Scene, Signal, wait_until, work_for};
use rustix::process::geteuid;
use serde_json::Value;

const OBSERVED: &str = env!("CARGO_BIN_EXE_observed");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

fn observed(scene: &Scene, behaviour: &[&str]) -> Job {
    scene.job(OBSERVED, behaviour)
}

#[track_caller]
fn run(scene: &Scene, behaviour: &[&str], status: i32) {
    let ended = observed(scene, behaviour).spawn().wait();
    assert_eq!(ended.code, Some(status), "{}", ended.stderr);
    assert!(!ended.stderr.contains("journal"), "{}", ended.stderr);
}

/// The lines of the journal, each of them whole.
fn journal(scene: &Scene) -> Vec<Value> {
    let text = fs::read_to_string(scene.file("runs.jsonl")).unwrap_or_default();
    let parse = |line| serde_json::from_str(line).expect("one object a line");
    text.lines().map(parse).collect()
}

fn outcomes(scene: &Scene) -> Vec<String> {
    let outcome = |line: &Value| line["outcome"].as_str().expect("a text").to_owned();
    journal(scene).iter().map(outcome).collect()
}

/// Starts one that works and kills it. Its process id.
fn kill_one(scene: &Scene) -> u32 {
    let mut running = observed(scene, &["until", "never"]).spawn();
    scene.wait_for_record("\"total\":1000000");
    running.signal(Signal::SIGKILL);
    let id = running.id();
    drop(running.wait());
    id
}

fn history(path: &Path, arguments: &[&str]) -> Output {
    Command::new(CLI)
        .arg("history")
        .args(arguments)
        .arg(path)
        .output()
        .expect("run the command line")
}

#[track_caller]
fn printed(path: &Path, arguments: &[&str]) -> String {
    let output = history(path, arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_run_has_a_line_that_says_how_it_went() {
    let scene = Scene::new();
    run(&scene, &["exit", "0"], 0);
    run(&scene, &["exit", "3"], 3);
    run(&scene, &["panic"], 101);
    run(&scene, &["exit", "0"], 0);
    let lines = journal(&scene);
    assert_eq!(
        outcomes(&scene),
        ["succeeded", "failed", "panicked", "succeeded"]
    );
    let statuses: Vec<_> = lines
        .iter()
        .map(|line| line["exit_status"].as_u64())
        .collect();
    assert_eq!(statuses, [Some(0), Some(3), Some(101), Some(0)]);
    let failed = &lines[1];
    assert_eq!(failed["name"], "observed");
    assert_eq!(failed["owner"].as_str().map(str::len), Some(32));
    assert_eq!(failed["checkpoint"]["message"], "about to end");
    assert_eq!(failed["checkpoint"]["done"], 1);
    assert_eq!(failed["checkpoint"]["total"], 2);
    assert_eq!(failed["predecessor"], Value::Null);
    assert_eq!(lines[3]["predecessor"], "panicked");
    let time = |key: &str| {
        let text = failed[key].as_str().expect("a time");
        humantime::parse_rfc3339(text).expect("RFC 3339")
    };
    assert!(time("started") <= time("ended"));
    let tokens: Vec<_> = lines
        .iter()
        .map(|line| line["fencing_token"].as_u64())
        .collect();
    assert!(tokens.is_sorted(), "{tokens:?}");
    // It has places in the source and messages, as the lock file has.
    let mode = fs::metadata(scene.file("runs.jsonl"))
        .expect("a file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn the_next_run_writes_the_line_of_one_that_was_killed() {
    let scene = Scene::new();
    let killed = kill_one(&scene);
    assert!(journal(&scene).is_empty());
    run(&scene, &["exit", "0"], 0);
    let lines = journal(&scene);
    assert_eq!(outcomes(&scene), ["crashed", "succeeded"]);
    assert_eq!(lines[0]["process_id"], killed);
    assert_eq!(lines[0]["checkpoint"]["total"], 1_000_000);
    assert_eq!(lines[0]["exit_status"], Value::Null);
    assert_eq!(lines[1]["predecessor"], "crashed");
    run(&scene, &["exit", "0"], 0);
    assert_eq!(outcomes(&scene), ["crashed", "succeeded", "succeeded"]);
}

#[test]
fn a_hung_run_has_one_line_though_two_know_of_its_end() {
    let scene = Scene::new();
    scene.take_over_from_a_hung_run(OBSERVED);
    assert_eq!(outcomes(&scene), ["hung", "succeeded"]);
    let lines = journal(&scene);
    assert_eq!(lines[0]["checkpoint"]["message"], "about to hang");
    assert_eq!(lines[0]["exit_status"], 75);
    assert_eq!(lines[1]["predecessor"], "hung");
}

/// It would be most of the journal of a job that cron starts every minute.
#[test]
fn a_run_that_yields_has_no_line_and_one_that_cannot_lock_has() {
    let scene = Scene::new();
    let holder = observed(&scene, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    run(&scene, &["exit", "0"], 42);
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    let nowhere = scene.file("none/lock");
    let job = observed(&scene, &["exit", "0"]).set("LOCK", nowhere.to_str().expect("UTF-8"));
    assert_eq!(job.spawn().wait().code, Some(73));
    assert_eq!(outcomes(&scene), ["succeeded", "refused"]);
    let reason = journal(&scene)[1]["reason"].clone();
    let reason = reason.as_str().expect("a text");
    assert!(reason.contains("create its folder first"), "{reason}");
    let table = printed(&scene.file("runs.jsonl"), &[]);
    assert!(table.contains("refused"), "{table}");
    assert!(table.contains("create its folder first"), "{table}");
}

#[test]
fn a_journal_does_not_grow_beyond_its_bound() {
    const BOUND: u64 = 1 << 20;
    let scene = Scene::new();
    run(&scene, &["exit", "3"], 3);
    let path = scene.file("runs.jsonl");
    let line = fs::read_to_string(&path).expect("a journal");
    let count = usize::try_from(BOUND).expect("a size") / line.len();
    fs::write(&path, line.repeat(count)).expect("a long journal");
    run(&scene, &["exit", "0"], 0);
    let size = fs::metadata(&path).expect("a journal").len();
    assert!(size > BOUND / 4 && size <= BOUND / 2 + 1000, "{size}");
    let outcomes = outcomes(&scene);
    assert_eq!(outcomes.iter().filter(|it| *it == "succeeded").count(), 1);
    assert_eq!(outcomes.last().map(String::as_str), Some("succeeded"));
    let mode = fs::metadata(&path).expect("a journal").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn the_command_line_shows_a_table_with_bars_and_a_summary() {
    let scene = Scene::new();
    let path = scene.file("runs.jsonl");
    let slow = observed(&scene, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    work_for(300);
    scene.give("end");
    assert_eq!(slow.wait().code, Some(0));
    run(&scene, &["exit", "3"], 3);
    kill_one(&scene);
    run(&scene, &["exit", "0"], 0);
    let mut file = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("a journal");
    file.write_all(b"nobody's \x1b[2J line\n{\"livinglock\":1,\"na")
        .expect("write");
    let table = printed(&path, &[]);
    println!("{table}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 1 + 4 + 2, "{table}");
    let bars = |line: &str| line.matches('#').count();
    assert!(lines[0].starts_with("started (UTC)"), "{table}");
    let longest = lines[1..5].iter().map(|line| bars(line)).max();
    assert_eq!(longest, Some(20), "a quarter of 80 columns: {table}");
    assert!(lines[1..5].iter().all(|line| bars(line) > 0), "{table}");
    assert!(lines[1].contains("succeeded"), "{table}");
    assert!(lines[2].contains("failed (3)"), "{table}");
    assert!(lines[2].ends_with("\"about to end\" (1/2)"), "{table}");
    assert!(lines[3].contains("crashed"), "{table}");
    assert!(
        lines[6].starts_with("4 runs, 2 failures; median "),
        "{table}"
    );
    let table = printed(&path, &["--last", "2"]);
    assert_eq!(table.lines().count(), 1 + 2 + 2, "{table}");
    assert!(
        table.contains("the last 2 of 4 runs, 1 failure; "),
        "{table}"
    );

    let json = printed(&path, &["--json", "--last", "3"]);
    let journal = fs::read(&path).expect("a journal");
    let journal = String::from_utf8_lossy(&journal).into_owned();
    let whole = journal.lines().filter(|line| line.ends_with('}'));
    let whole: Vec<&str> = whole.skip(1).collect();
    assert_eq!(json.lines().collect::<Vec<_>>(), whole);
}

#[test]
fn what_is_no_journal_says_so() {
    let scene = Scene::new();
    let output = history(&scene.file("none"), &[]);
    assert_eq!(output.status.code(), Some(73));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with("livinglock: failed to read the journal "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1);
    let output = history(scene.folder(), &[]);
    assert_eq!(output.status.code(), Some(73));
    scene.note("empty", "");
    assert_eq!(printed(&scene.file("empty"), &[]), "no runs\n");
    assert_eq!(
        history(&scene.file("empty"), &["--last", "x"])
            .status
            .code(),
        Some(64)
    );
}

/// It would be given messages of the job, which are nobody else's business.
#[test]
fn the_journal_of_another_user_is_refused() {
    const NOBODY: u32 = 65534;
    if !geteuid().is_root() {
        assert!(env::var("CI").as_deref() != Ok("true"), "needs root");
        // Past what the test harness keeps to itself of a test that passes.
        let _ = writeln!(io::stderr(), "** SKIPPED: needs root **");
        return;
    }
    let scene = Scene::new();
    let path = scene.file("runs.jsonl");
    fs::write(&path, "").expect("a file");
    chown(&path, Some(NOBODY), Some(NOBODY)).expect("give it away");
    let ended = observed(&scene, &["exit", "3"]).spawn().wait();
    assert_eq!(ended.code, Some(3));
    let line = ended.stderr.lines().next().unwrap_or_default();
    assert!(
        line.contains("belongs to user 65534, not to us (user 0)"),
        "{line}"
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_eq!(fs::read(&path).expect("the file"), b"");
}

/// Those who write it take turns, and each line is written in one piece.
#[test]
fn many_jobs_share_a_journal() {
    let scene = Scene::new();
    let jobs = (0..8).map(|number| {
        let lock = scene.file(&format!("lock-{number}"));
        observed(&scene, &["exit", "0"])
            .set("LOCK", lock.to_str().expect("UTF-8"))
            .set("NAME", &format!("job-{number}"))
    });
    for running in scene.start_together(jobs) {
        assert_eq!(running.wait().code, Some(0));
    }
    let mut names: Vec<String> = journal(&scene)
        .iter()
        .map(|line| line["name"].as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [0, 1, 2, 3, 4, 5, 6, 7].map(|number| format!("job-{number}"))
    );
    let table = printed(&scene.file("runs.jsonl"), &[]);
    assert!(table.contains("job-7"), "{table}");
}

#[test]
fn any_command_has_a_journal_under_run() {
    let scene = Scene::new();
    for script in ["exit 0", "exit 3", "kill -KILL $$"] {
        let ran = Command::new(CLI)
            .args(["run", "--history", "runs.jsonl", "lock", "--", "sh", "-c"])
            .arg(script)
            .current_dir(scene.folder())
            .status();
        assert!(ran.expect("run the command line").code().is_some());
    }
    assert_eq!(outcomes(&scene), ["succeeded", "failed", "failed"]);
    assert_eq!(journal(&scene)[2]["exit_status"], 137);
    wait_until("nobody is left", || !scene.lock().exists());
}

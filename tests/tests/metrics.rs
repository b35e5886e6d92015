//! Metrics of real runs: what the file says, and that Prometheus' own tools understand it.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use livinglock_tests::{Job, Scene, Signal, wait_until};
use nix::{
    fcntl::{Flock, FlockArg},
    sys::stat::Mode,
    unistd::mkfifo,
};

const OBSERVED: &str = env!("CARGO_BIN_EXE_observed");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

fn observed(scene: &Scene, behaviour: &[&str]) -> Job {
    scene.job(OBSERVED, behaviour)
}

/// The value of a sample of the job `observed`; more labels begin with a comma.
fn find(text: &str, metric: &str, more: &str) -> Option<f64> {
    let begin = format!("livinglock_{metric}{{name=\"observed\"{more}}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&begin))?;
    Some(value.parse().expect("a number"))
}

fn value(scene: &Scene, metric: &str) -> Option<f64> {
    let text = fs::read_to_string(scene.file("job.prom")).ok()?;
    find(&text, metric, "")
}

#[track_caller]
fn expect(scene: &Scene, metric: &str, expected: f64) {
    let found = value(scene, metric).unwrap_or_else(|| panic!("there is no {metric}"));
    assert!((found - expected).abs() < 1e-9, "{metric}: {found}");
}

fn runs(scene: &Scene, outcome: &str) -> f64 {
    let text = fs::read_to_string(scene.file("job.prom")).expect("a file");
    let label = format!(",outcome=\"{outcome}\"");
    find(&text, "runs_total", &label).expect("a counter for each outcome")
}

/// How often each outcome was counted, of those that were.
fn outcomes(scene: &Scene) -> Vec<(&'static str, u32)> {
    const ALL: [&str; 9] = [
        "succeeded",
        "failed",
        "panicked",
        "stopped",
        "hung",
        "frozen",
        "crashed",
        "rebooted",
        "lapsed",
    ];
    let count = |outcome| -> u32 { format!("{}", runs(scene, outcome)).parse().expect("whole") };
    let counted = ALL.map(|outcome| (outcome, count(outcome)));
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Runs it to its end.
#[track_caller]
fn run(scene: &Scene, behaviour: &[&str], status: i32) {
    let ended = observed(scene, behaviour).spawn().wait();
    assert_eq!(ended.code, Some(status), "{}", ended.stderr);
    assert!(!ended.stderr.contains("metrics"), "{}", ended.stderr);
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock").as_secs_f64()
}

#[test]
fn a_run_that_ended_well_and_one_that_failed() {
    let scene = Scene::new();
    let before = now() - 0.002;
    run(&scene, &["exit", "0"], 0);
    let (start, end) = (
        value(&scene, "last_start_timestamp_seconds").expect("a start"),
        value(&scene, "last_completion_timestamp_seconds").expect("an end"),
    );
    let duration = value(&scene, "last_duration_seconds").expect("a duration");
    assert!(
        before <= start && start <= end + 0.002 && end <= now(),
        "{start} {end}"
    );
    assert!((0.0..60.0).contains(&duration), "{duration}");
    assert_eq!(value(&scene, "last_success_timestamp_seconds"), Some(end));
    expect(&scene, "last_exit_code", 0.0);
    expect(&scene, "running", 0.0);
    expect(&scene, "stale_seconds", 3600.0);
    let while_it_runs = [
        "last_checkpoint_timestamp_seconds",
        "units_done",
        "units_expected",
    ];
    for gone in while_it_runs {
        assert_eq!(value(&scene, gone), None, "{gone}");
    }
    run(&scene, &["exit", "3"], 3);
    expect(&scene, "last_exit_code", 3.0);
    assert_eq!(value(&scene, "last_success_timestamp_seconds"), Some(end));
    assert!(value(&scene, "last_completion_timestamp_seconds") > Some(end));
    assert_eq!(outcomes(&scene), [("succeeded", 1), ("failed", 1)]);
    let mode = fs::metadata(scene.file("job.prom"))
        .expect("a file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o644, "the collector has to read it");
    check_by_promtool(&scene);
}

#[test]
fn a_panic_and_a_crash_which_the_next_run_counts() {
    let scene = Scene::new();
    run(&scene, &["panic"], 101);
    expect(&scene, "last_exit_code", 101.0);
    assert_eq!(outcomes(&scene), [("panicked", 1)]);

    let mut running = observed(&scene, &["until", "never"]).spawn();
    wait_until("it counts", || value(&scene, "units_done") > Some(0.0));
    let checkpoint = value(&scene, "last_checkpoint_timestamp_seconds").expect("a time");
    assert!((now() - checkpoint).abs() < 60.0, "{checkpoint}");
    expect(&scene, "units_expected", 1e6);
    running.signal(Signal::SIGKILL);
    drop(running.wait());
    expect(&scene, "running", 1.0);
    assert_eq!(outcomes(&scene), [("panicked", 1)]);
    check_by_promtool(&scene);

    run(&scene, &["exit", "0"], 0);
    assert_eq!(
        outcomes(&scene),
        [("succeeded", 1), ("panicked", 1), ("crashed", 1)]
    );
    // It crashed by itself: nobody took anything from it.
    expect(&scene, "takeovers_total", 0.0);
    expect(&scene, "running", 0.0);
}

#[test]
fn a_hung_run_that_is_taken_over() {
    let scene = Scene::new();
    scene.take_over_from_a_hung_run(OBSERVED);
    assert_eq!(outcomes(&scene), [("succeeded", 1), ("hung", 1)]);
    expect(&scene, "takeovers_total", 1.0);
    expect(&scene, "stalls_total", 1.0);
    expect(&scene, "last_exit_code", 0.0);
}

/// Each of them reads what the others have written, while the holder rewrites the file too.
#[test]
fn whoever_yields_is_counted_while_the_holder_runs() {
    const CONTENDERS: u32 = 8;
    const ROUNDS: u32 = 5;
    let scene = Scene::new();
    let holder = observed(&scene, &["until", "end"]).spawn();
    wait_until("it counts", || value(&scene, "units_done") > Some(0.0));
    for round in 1..=ROUNDS {
        let contenders = (0..CONTENDERS).map(|_| observed(&scene, &["exit", "0"]));
        for contender in scene.start_together(contenders) {
            let ended = contender.wait();
            assert_eq!(ended.code, Some(42), "{}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        }
        expect(&scene, "busy_total", f64::from(round * CONTENDERS));
        expect(&scene, "running", 1.0);
    }
    let before = value(&scene, "units_done");
    wait_until("the holder goes on to tell", || {
        value(&scene, "units_done") > before
    });
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    expect(&scene, "busy_total", f64::from(ROUNDS * CONTENDERS));
    assert_eq!(outcomes(&scene), [("succeeded", 1)]);
    let litter = fs::read_dir(scene.folder()).expect("the folder").flatten();
    let litter = litter.filter(|entry| entry.path().extension().is_some_and(|it| it == "new"));
    assert_eq!(litter.count(), 0);
}

#[test]
fn what_cannot_be_written_is_told_once_and_changes_nothing() {
    let scene = Scene::new();
    symlink("elsewhere", scene.file("link.prom")).expect("a link");
    fs::create_dir(scene.file("folder.prom")).expect("a folder");
    fs::write(scene.file("other.prom"), "node_load1 0.5\n").expect("a file");
    mkfifo(&scene.file("fifo.prom"), Mode::S_IRWXU).expect("a FIFO");
    let huge = File::create(scene.file("huge.prom")).expect("a file");
    huge.set_len(1 << 40).expect("make it huge");
    // Where the new file is made before it gets its name.
    fs::create_dir(scene.file(".aside.prom.new")).expect("a folder");
    for (file, remedy) in [
        ("none/job.prom", "create its folder first"),
        (
            "link.prom",
            "is a symbolic link; use the path that it leads to",
        ),
        ("folder.prom", "use another path"),
        ("fifo.prom", "is not a regular file"),
        ("huge.prom", "more than ours ever have"),
        ("aside.prom", "failed to write"),
        ("other.prom", "is left as it is; use another path"),
    ] {
        let path = scene.file(file);
        for (behaviour, status) in [(["exit", "0"], 0), (["exit", "3"], 3)] {
            let job = observed(&scene, &behaviour).set("METRICS", path.to_str().expect("UTF-8"));
            let ended = job.spawn().wait();
            assert_eq!(ended.code, Some(status), "{file}: {}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{file}: {}", ended.stderr);
            assert!(ended.stderr.contains(file), "{}", ended.stderr);
            assert!(ended.stderr.contains(remedy), "{}", ended.stderr);
        }
    }
    let other = fs::read_to_string(scene.file("other.prom")).expect("the file");
    assert_eq!(other, "node_load1 0.5\n");
    assert!(!scene.file("elsewhere").exists());
}

/// Whatever was put there before is removed, and not written through.
#[test]
fn a_symlink_in_the_place_of_the_new_file_leads_nowhere() {
    let scene = Scene::new();
    fs::write(scene.file("precious"), "precious").expect("a file");
    symlink("precious", scene.file(".job.prom.new")).expect("a link");
    run(&scene, &["exit", "0"], 0);
    expect(&scene, "last_exit_code", 0.0);
    let precious = fs::read_to_string(scene.file("precious")).expect("the file");
    assert_eq!(precious, "precious");
    assert!(scene.file(".job.prom.new").symlink_metadata().is_err());
}

/// Whoever may read the folder can keep its lock.
#[test]
fn whoever_keeps_the_folder_locked_costs_the_metrics_and_no_more() {
    let scene = Scene::new();
    run(&scene, &["exit", "3"], 3);
    let folder = File::open(scene.folder()).expect("the folder");
    let locked = Flock::lock(folder, FlockArg::LockExclusive).map_err(|(_, error)| error);
    let locked = locked.expect("a lock");
    let running = observed(&scene, &["until", "end"]).spawn();
    let told = |said: &str, file: &str| {
        let of_it = |line: &&str| line.contains(file) && line.contains("fuser(1)");
        said.lines().filter(of_it).count()
    };
    running.wait_until_it_says("fuser(1)");
    scene.give("end");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // The journal is written at the end, and nobody waits for long to hear that it is not.
    let (metrics, history) = (
        told(&ended.stderr, "job.prom"),
        told(&ended.stderr, "runs.jsonl"),
    );
    assert!(metrics == 1 && history <= 1, "{}", ended.stderr);
    assert_eq!(
        ended.stderr.lines().count(),
        metrics + history,
        "{}",
        ended.stderr
    );
    expect(&scene, "last_exit_code", 3.0);
    drop(locked);
    run(&scene, &["exit", "4"], 4);
    expect(&scene, "last_exit_code", 4.0);
}

#[test]
fn a_name_for_no_metrics_file_is_refused() {
    let scene = Scene::new();
    let wrong = scene.file("job.txt");
    let job = observed(&scene, &["exit", "0"]).set("METRICS", wrong.to_str().expect("UTF-8"));
    let ended = job.spawn().wait();
    assert_eq!(ended.code, Some(73));
    assert!(
        ended.stderr.contains("must end in `.prom`"),
        "{}",
        ended.stderr
    );
    let output = Command::new(CLI)
        .args(["run", "--metrics", "job.txt", "lock", "--", "true"])
        .current_dir(scene.folder())
        .output()
        .expect("run the command line");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("must end in `.prom`"));
    assert!(!wrong.exists() && !scene.lock().exists());
}

/// A name that is empty is that of no file: it may come from a variable that is not set.
#[test]
fn where_no_file_is_named_none_is_written() {
    let scene = Scene::new();
    let job = observed(&scene, &["exit", "3"]);
    let ended = job.set("METRICS", "").set("HISTORY", "").spawn().wait();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.stderr, "");
    assert!(!scene.file("job.prom").exists() && !scene.file("runs.jsonl").exists());
}

#[test]
fn any_command_has_metrics_under_run() {
    let scene = Scene::new();
    for status in ["0", "3"] {
        let ran = Command::new(CLI)
            .args(["run", "--name", "observed", "--metrics", "job.prom", "lock"])
            .args(["--", "sh", "-c", &format!("exit {status}")])
            .current_dir(scene.folder())
            .status();
        let code = ran.expect("run the command line").code();
        assert_eq!(code, status.parse().ok());
    }
    expect(&scene, "last_exit_code", 3.0);
    assert_eq!(outcomes(&scene), [("succeeded", 1), ("failed", 1)]);
}

/// Jobs may share a file, and have names of any kind.
#[test]
fn a_real_node_exporter_tells_what_the_file_says() {
    const NAMES: [&str; 3] = ["observed", "tenant \"a\\b\"", "毎晩"];
    let scene = Scene::new();
    for name in NAMES {
        let job = observed(&scene, &["exit", "3"]).set("NAME", name);
        assert_eq!(job.spawn().wait().code, Some(3));
    }
    let holder = observed(&scene, &["until", "end"]).spawn();
    wait_until("it counts", || value(&scene, "units_done") > Some(0.0));
    check_by_promtool(&scene);
    let Some(exporter) = Exporter::start(&scene) else {
        return;
    };
    let page = exporter.page();
    let load_error = find_any(&page, "node_textfile_scrape_error ");
    assert_eq!(load_error, Some("0"), "{page}");
    for name in NAMES {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("livinglock_runs_total{{name=\"{name}\",outcome=\"failed\"}} ");
        assert_eq!(find_any(&page, &line), Some("1"), "{page}");
    }
    assert_eq!(find(&page, "running", ""), Some(1.0));
    assert_eq!(find(&page, "units_expected", ""), Some(1e6));
    assert_eq!(find(&page, "last_exit_code", ""), Some(3.0));
    let file = fs::read_to_string(scene.file("job.prom")).expect("the file");
    let token = find(&file, "fencing_token", "");
    assert!(
        token.is_some() && token == find(&page, "fencing_token", ""),
        "{page}"
    );
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    // It looks at the file anew.
    assert_eq!(find(&exporter.page(), "running", ""), Some(0.0));
}

fn find_any<'a>(page: &'a str, begin: &str) -> Option<&'a str> {
    page.lines().find_map(|line| line.strip_prefix(begin))
}

/// Whether a program is here; says so if not, and fails where everything must be tested.
fn has(program: &str, package: &str) -> bool {
    let has = Command::new(program).arg("--version").output().is_ok();
    if !has {
        let why = format!("{program} is not installed; remedy: apt-get install {package}");
        assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
        // Past what the test harness keeps to itself of a test that passes.
        let _ = writeln!(io::stderr(), "** SKIPPED: {why} **");
    }
    has
}

fn check_by_promtool(scene: &Scene) {
    if !has("promtool", "prometheus") {
        return;
    }
    let file = File::open(scene.file("job.prom")).expect("the file");
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(file)
        .output()
        .expect("run promtool");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// A `node_exporter` with the textfile collector alone.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(scene: &Scene) -> Option<Self> {
        const PROGRAM: &str = "prometheus-node-exporter";
        if !has(PROGRAM, PROGRAM) {
            return None;
        }
        let log = scene.file("exporter");
        let mut folder = std::ffi::OsString::from("--collector.textfile.directory=");
        folder.push(scene.folder());
        let child = Command::new("setpriv")
            .args(["--pdeathsig=KILL", PROGRAM])
            // The kernel finds the port, and the log tells it.
            .arg("--web.listen-address=127.0.0.1:0")
            .args(["--collector.disable-defaults", "--collector.textfile"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("start node_exporter");
        let mut exporter = Self {
            child,
            address: String::new(),
        };
        wait_until("node_exporter listens", || {
            exporter.address = listens_at(&log).unwrap_or_default();
            !exporter.address.is_empty()
        });
        Some(exporter)
    }

    /// What it tells Prometheus.
    fn page(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connect to node_exporter");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        // In this version it ends with its answer.
        write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").expect("ask");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("the answer");
        assert!(page.starts_with("HTTP/1.0 200"), "{page}");
        page
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `... msg="Listening on" address=127.0.0.1:40321`
fn listens_at(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once("address=127.0.0.1:")?;
    let port = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let is_whole = rest.len() > port.len();
    is_whole.then(|| format!("127.0.0.1:{port}"))
}

//! `livinglock status` tells the truth of locks in stores, and disturbs nobody.

use std::fs;

use livinglock_tests::{Engine, Scene, Server, Signal, wait_until};
use serde_json::{Value, json as value};

use super::{holder, json, lock, shown, status};
use crate::{job, on_each_engine, short};

on_each_engine! {
    /// By its record and the clock of the store.
    fn a_working_holder_is_shown(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, short(&scene, &server, &["work", "1000000", "5"]));
        let token = scene.lines("tokens").remove(0);
        let told = status(&[&lock(&server)]);
        let headline = format!("{}: held and working\n", shown(&server));
        let process = format!("    holder       pid {} (leased)\n", holder.id());
        let token_row = format!("    token        {token}\n");
        told.shows(0, &[&headline, &process, &token_row]);
        told.shows(0, &["    since        20", "leased.rs:", "\"unit ", "/1000000 (0%)"]);
        assert!(told.stdout.contains("s ago\n"), "its age by the clock of the store: {told:?}");

        let json = json(&lock(&server));
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("read the name of the machine");
        for (key, expected) in [
            ("path", value!(shown(&server))),
            ("condition", value!("working")),
            ("exit_status", value!(0)),
            ("error", Value::Null),
            ("clock", value!("store")),
            ("process_id", value!(holder.id())),
            ("name", value!("leased")),
            ("host", value!(host.trim_end())),
            ("stale_ms", value!(3000)),
            ("fencing_token", value!(token.parse::<u64>().expect("a number"))),
        ] {
            assert_eq!(json[key], expected, "{key}: {json}");
        }
        assert_eq!(json["checkpoint"]["total"], 1_000_000, "{json}");
        assert!(json["silence_ms"].as_u64().is_some_and(|silence| silence <= 3000), "{json}");
        drop(holder.kill());
    }

    /// Before anybody has had it, and after its release.
    fn a_free_lock_is_shown(server) {
        let scene = Scene::new();
        let free = format!("{}: free\n", shown(&server));
        for _ in 0..2 {
            let told = status(&[&lock(&server)]);
            assert_eq!((told.code, &*told.stdout), (Some(3), &*free), "{told:?}");
            assert_eq!(json(&lock(&server))["condition"], "free");
            let ended = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }

    /// With what is known of it.
    fn a_lock_that_a_crash_has_left_is_shown(server) {
        let scene = Scene::new();
        let crashed = job(&scene, &server, &["crash"]).stale(3_600_000).spawn().wait();
        assert_eq!(crashed.code, None, "{crashed:?}");
        let token = scene.lines("tokens").remove(0);
        let row = format!("    token        {token}\n");
        let told = status(&[&lock(&server)]);
        told.shows(1, &["left behind by a run that ended without releasing\n    last run     pid ", &row]);
        let json = json(&lock(&server));
        assert_eq!((&json["condition"], &json["fate"]), (&value!("left"), &value!("crashed")), "{json}");

        assert_eq!(job(&scene, &server, &["panic"]).spawn().wait().code, Some(101));
        // A process ends a moment after its lock is left; nobody is told that it works.
        wait_until("it has ended", || status(&[&lock(&server)]).code == Some(1));
        let json = self::json(&lock(&server));
        assert_eq!(json["fate"], "panicked", "{json}");
        assert_eq!(json["checkpoint"]["message"], "before the panic", "{json}");
    }

    /// As long as its lease lasts it is a holder that stands still; after that nobody waits for it.
    fn a_stopped_holder_is_shown(server) {
        let scene = Scene::new();
        let mut holder = holder(&scene, &server, job(&scene, &server, &["until", "end"]).stale(6000));
        holder.signal(Signal::SIGSTOP);
        holder.wait_until_stopped();
        let told = status(&[&lock(&server)]);
        told.shows(2, &["held, but its process is stopped; continue it or kill it\n    holder       pid "]);
        wait_until("its lease has run out", || status(&[&lock(&server)]).code != Some(2));
        let told = status(&[&lock(&server)]);
        told.shows(1, &["left behind by a run whose lease ran out: it crashed, hung or was cut off\n"]);
        let json = json(&lock(&server));
        assert_eq!((&json["condition"], &json["fate"]), (&value!("left"), &value!("lapsed")), "{json}");
        holder.signal(Signal::SIGCONT);
        assert_eq!(holder.wait().code, Some(75));
    }

    /// It has announced that it is about to go.
    fn a_hung_holder_is_shown(server) {
        let scene = Scene::new();
        let mut hung = job(&scene, &server, &["sleep"]).stale(12_000).grace(6000).spawn();
        scene.wait_for_owners(1);
        wait_until("it is closing", || {
            assert!(!hung.has_ended(), "it was never shown as hung");
            json(&lock(&server))["condition"] == "hung"
        });
        status(&[&lock(&server)]).shows(2, &["hung", "\"about to hang\"", "3/7 (42%)"]);
        drop(hung.kill());
    }

    /// The most serious one counts, and the blocks stand in the order of the arguments.
    fn several_locks_are_shown(server) {
        let scene = Scene::new();
        let holder = holder(&scene, &server, job(&scene, &server, &["until", "end"]));
        let left = format!("{}#left", server.url());
        let crashed = job(&scene, &server, &["crash"]).set("STORE", &left).spawn().wait();
        assert_eq!(crashed.code, None, "{crashed:?}");
        let file = scene.file("nowhere");
        let file = file.to_str().expect("UTF-8");
        let free = format!("{}#free", server.url());
        let told = status(&[&lock(&server), file, &left, &free]);
        told.shows(1, &["#leased: held and working\n", "nowhere: free\n", "#left: left behind", "#free: free\n"]);
        let at = |text: &str| told.stdout.find(text).expect(text);
        assert!(at("#leased") < at("nowhere") && at("nowhere") < at("#left") && at("#left") < at("#free"));
        status(&[&free, &lock(&server), file]).shows(0, &[]);
        status(&[file, &free]).shows(3, &[]);
        scene.give("end");
        assert_eq!(holder.wait().code, Some(0));
    }

    /// A URL without a name stands for all locks there, as a folder does.
    fn all_locks_of_a_store_are_listed(server) {
        let scene = Scene::new();
        let url = server.url();
        let none = status(&[&url]);
        let place = url.replace("postgres@", "");
        assert_eq!((none.code, &*none.stdout), (Some(3), &*format!("no lock in {place}\n")), "{none:?}");
        assert_eq!(status(&["--json", &url]).stdout, "[]\n");
        for (encoded, _) in NAMES {
            let crashed = job(&scene, &server, &["crash"])
                .set("STORE", &format!("{url}#{encoded}"))
                .spawn()
                .wait();
            assert_eq!(crashed.code, None, "{encoded}: {crashed:?}");
        }
        someone_elses_entries(&server);
        let told = status(&["--json", &url]);
        let all: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let mut paths: Vec<_> = all
            .as_array()
            .expect("an array")
            .iter()
            .map(|lock| {
                assert_eq!(lock["condition"], "left", "{lock}");
                lock["path"].as_str().expect("a text").to_owned()
            })
            .collect();
        // The order is that of the store.
        paths.sort();
        let mut expected: Vec<_> = NAMES.iter().map(|(_, name)| format!("{place}#{name}")).collect();
        expected.sort();
        assert_eq!((told.code, paths), (Some(1), expected));
        let text = status(&[&url]);
        text.shows(1, &["#a/b: left", "#with spaces: left", "#ключ: left", "#{x}: left"]);
        for (encoded, _) in NAMES {
            status(&[&format!("{url}#{encoded}")]).shows(1, &["left behind by a run that ended"]);
        }
    }

    /// It may be held: that is not known.
    fn an_unreachable_server_is_shown(server) {
        let mut server = server;
        server.kill();
        for url in [lock(&server), server.url()] {
            let told = status(&[&url]);
            told.shows(4, &["failed to ", &server.port().to_string(), "refused"]);
            assert_eq!(told.stdout.lines().count(), 1, "{told:?}");
            let json = json(&url);
            assert_eq!(json["condition"], "unknown", "{json}");
            assert!(json["error"].as_str().is_some_and(|error| error.contains("refused")), "{json}");
        }
        let scene = Scene::new();
        let file = scene.file("nowhere");
        let told = status(&[&lock(&server), file.to_str().expect("UTF-8")]);
        told.shows(4, &["nowhere: free\n"]);
    }

    /// Neither what is there nor that nothing is there.
    fn looking_changes_nothing(server) {
        const LOOKS: usize = 20;
        let scene = Scene::new();
        let empty = contents(&server);
        status(&[&lock(&server), &server.url()]).shows(3, &["free"]);
        assert_eq!(contents(&server), empty);
        let crashed = job(&scene, &server, &["crash"]).stale(3_600_000).spawn().wait();
        assert_eq!(crashed.code, None, "{crashed:?}");
        let before = contents(&server);
        assert_ne!(before, empty);
        for _ in 0..LOOKS {
            status(&[&lock(&server), &server.url()]).shows(1, &[]);
        }
        assert_eq!(contents(&server), before);

        let holder = holder(&scene, &server, job(&scene, &server, &["until", "end"]));
        let token = json(&lock(&server))["fencing_token"].clone();
        for _ in 0..LOOKS {
            let json = json(&lock(&server));
            assert_eq!((&json["condition"], &json["fencing_token"]), (&value!("working"), &token), "{json}");
        }
        scene.give("end");
        let ended = holder.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("its lease"), "{ended:?}");
    }
}

/// Names of locks, as URLs have them and as they are.
const NAMES: [(&str, &str); 7] = [
    ("a/b", "a/b"),
    ("with%20spaces", "with spaces"),
    ("%D0%BA%D0%BB%D1%8E%D1%87", "ключ"),
    ("{x}", "{x}"),
    ("100%", "100%"),
    ("a%23b", "a#b"),
    (
        "'; DROP TABLE livinglock; --",
        "'; DROP TABLE livinglock; --",
    ),
];

/// What a store may have that looks like ours, and cannot be a lock: it must not hide those that are.
fn someone_elses_entries(server: &Server) {
    let long = "x".repeat(201);
    match server.engine() {
        Engine::Postgres => {
            for name in ["", &long] {
                server.sql(&format!(
                    "INSERT INTO livinglock (name, token) VALUES ('{name}', 1)"
                ));
            }
        }
        Engine::Redis => {
            for name in ["", &long] {
                server.command(&["SET", &format!("livinglock:{{{name}}}"), "x"]);
            }
        }
        Engine::Etcd => {
            // livinglock//owner, and a name with a control character: livinglock/a<newline>/owner
            for key in ["bGl2aW5nbG9jay8vb3duZXI=", "bGl2aW5nbG9jay9hCi9vd25lcg=="] {
                server.post("/v3/kv/put", &format!(r#"{{"key": "{key}"}}"#));
            }
        }
    }
}

/// All that a server has, as far as locks may be in it.
fn contents(server: &Server) -> String {
    match server.engine() {
        Engine::Postgres => {
            let tables = server.sql(
                "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = 'public'",
            );
            if tables == "0" {
                tables
            } else {
                server.sql("SELECT livinglock::text FROM livinglock")
            }
        }
        Engine::Redis => {
            let key = "livinglock:{leased}";
            server.command(&["KEYS", "*"]) + &server.command(&["HGETALL", key])
        }
        // With the revision, which every change moves on.
        Engine::Etcd => server.post("/v3/kv/range", r#"{"key": "AA==", "range_end": "AA=="}"#),
    }
}

/// Its session was ended by somebody else, and it cannot make another one: which proves nothing of a process that is seen to be there.
#[test]
fn a_stopped_holder_without_its_session_is_not_gone() {
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let mut holder = holder(
        &scene,
        &server,
        job(&scene, &server, &["until", "end"]).stale(3_600_000),
    );
    holder.signal(Signal::SIGSTOP);
    holder.wait_until_stopped();
    server.sql("SELECT pg_terminate_backend(session_pid) FROM livinglock");
    wait_until("the session has ended", || {
        server.sql("SELECT count(*) FROM pg_stat_activity, livinglock WHERE pid = session_pid")
            == "0"
    });
    status(&[&lock(&server)]).shows(2, &["held, but its process is stopped"]);
    let newcomer = job(&scene, &server, &["work", "1", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    holder.signal(Signal::SIGCONT);
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    assert_eq!(scene.overlaps(), 0);
}

//! What goes wrong with a store is told in one line with its remedy, by every command, and never with the password.

use std::{
    fs,
    process::{Command, Stdio},
};

use livinglock_tests::{
    Direction, Engine, PASSWORD, Proxy, READER, Running, Scene, Server, USER, wait_until,
};
use serde_json::Value;

use crate::{
    JOB,
    cli::{CLI, UNIT, cli},
    job, job_at, on_each_engine,
};

/// Who asks a store: a job, and each command.
const ASKERS: [&str; 6] = ["job", "run", "stop", "wait", "status", "json"];

fn start(scene: &Scene, asker: &str, url: &str) -> (Running, String) {
    let output = format!("output-{asker}-{}", fastrand::u64(..));
    let script = r#"output="$1"; shift; exec "$@" > "$SCENE/$output""#;
    let behaviour: &[&str] = match asker {
        "job" => &[JOB, "work", "1", "1"],
        "run" => &[
            CLI,
            "run",
            "--stale=60s",
            "--margin=10s",
            "--grace=300ms",
            url,
            "--",
            UNIT,
            "work",
            "1",
        ],
        "stop" => &[CLI, "stop", url],
        "wait" => &[CLI, "wait", "--timeout=50s", url],
        "status" => &[CLI, "status", url],
        "json" => &[CLI, "status", "--json", url],
        _ => panic!("nobody is called {asker}"),
    };
    let job = scene.job("sh", &[&["-c", script, "sh", &output], behaviour].concat());
    (
        job.set("STORE", url)
            .stale(60_000)
            .set("MARGIN_MS", "10000")
            .spawn(),
        output,
    )
}

/// Has each of them ask, all at once, and insists on one line from each with all of these texts.
#[track_caller]
fn assert_all_refused(askers: &[&str], url: &str, texts: &[&str]) {
    let scene = Scene::new();
    let started: Vec<_> = askers
        .iter()
        .map(|asker| (*asker, start(&scene, asker, url)))
        .collect();
    for (asker, (running, output)) in started {
        let ended = running.wait();
        let output = fs::read_to_string(scene.file(&output)).expect("read what it said");
        let (code, line) = match asker {
            "status" => (4, output.clone()),
            "json" => {
                let all: Value = serde_json::from_str(&output).expect("JSON");
                assert_eq!(all[0]["condition"], "unknown", "{all}");
                (
                    4,
                    format!("{}\n", all[0]["error"].as_str().expect("a text")),
                )
            }
            _ => {
                assert_eq!(output, "", "{asker}");
                let line = ended.stderr.strip_prefix("livinglock: ");
                (
                    73,
                    line.unwrap_or_else(|| panic!("{asker}: {ended:?}"))
                        .to_owned(),
                )
            }
        };
        println!("{asker}: {}", line.trim_end());
        assert_eq!(ended.code, Some(code), "{asker}: {ended:?} {output}");
        assert_eq!(line.lines().count(), 1, "{asker}: {line}");
        assert!(
            line.starts_with(|first: char| first.is_lowercase()),
            "{asker}: {line}"
        );
        for text in texts {
            assert!(line.contains(text), "{asker}: no {text:?} in {line}");
        }
        for all in [&ended.stderr, &output] {
            assert!(!all.contains(PASSWORD), "{asker}: {all}");
        }
    }
    assert_eq!(scene.owners().len(), 0, "somebody works");
}

/// A URL of the lock for somebody with a password.
fn url_of(server: &Server, user: &str, password: &str, port: u16) -> String {
    format!("{}#leased", server.engine().url_of(user, password, port))
}

/// Puts something behind the authority and the path of a URL, before the name.
fn with(url: &str, more: &str) -> String {
    url.replace("#leased", &format!("{more}#leased"))
}

#[test]
fn a_url_that_cannot_be_is_refused() {
    for (url, texts) in [
        (
            format!("mysql://{USER}:{PASSWORD}@db1/app#nightly"),
            &[
                "mysql://db1/app#nightly has the unknown scheme `mysql://`",
                "use `postgres://`, `redis://` or `etcd://`",
            ][..],
        ),
        (
            format!("redis://{USER}:{PASSWORD}@db1#"),
            &["ends in `#`; write the name of the lock after it"],
        ),
        (
            format!("redis://{USER}:{PASSWORD}/x@db1#nightly"),
            &["write `%2F` for `/`"],
        ),
        (
            format!("postgres://{USER}:{PASSWORD}?x@db1/app#nightly"),
            &["write `%2F` for `/`"],
        ),
        (
            format!("etcd://{USER}:{PASSWORD}#x@db1#nightly"),
            &["write `%2F` for `/`"],
        ),
        (
            format!("etcd://{USER}:{PASSWORD}@db1,,db2#nightly"),
            &["etcd://db1,,db2#nightly names a server that cannot be; write host:port"],
        ),
        (
            format!("postgres://{USER}:{PASSWORD}@/app#nightly"),
            &["postgres:///app#nightly names no server; write its host"],
        ),
        (
            format!("redis://{USER}:{PASSWORD}@#nightly"),
            &["redis://#nightly has a host that cannot be understood; write `host`"],
        ),
        (
            format!("redis://{USER}:{PASSWORD}@db1?pw={PASSWORD}#nightly"),
            &["redis://db1#nightly has the unknown setting `pw`; remove it"],
        ),
        (
            format!("etcd://{USER}:{PASSWORD}@db1?pw={PASSWORD}#nightly"),
            &["etcd://db1#nightly has an unknown setting after the `?`"],
        ),
        (
            format!("postgres://{USER}:{PASSWORD}@db1/app?pw={PASSWORD}#nightly"),
            &[
                "postgres://db1/app#nightly is no URL of PostgreSQL: ",
                "`pw`",
                "; correct it",
            ],
        ),
        (
            format!("postgres://{USER}:{PASSWORD}@db1/app?sslmode={PASSWORD}#nightly"),
            &["has an unknown `sslmode`; use `disable`, or `require`"],
        ),
        (
            format!("postgres://{USER}@db1/app?connect_timeout={PASSWORD}#nightly"),
            &[
                "is no URL of PostgreSQL: ",
                "`connect_timeout`",
                "; correct it",
            ],
        ),
    ] {
        assert_all_refused(&ASKERS, &url, texts);
    }
}

/// It looks at places of files, and would take the URL for one, with all that is in it.
#[test]
fn the_doctor_has_nothing_to_do_in_a_store() {
    let told = cli(["doctor", &format!("redis://{USER}:{PASSWORD}@db1#nightly")]);
    assert_eq!((told.code, &*told.stdout), (Some(73), ""), "{told:?}");
    let line = "livinglock: redis://db1#nightly is a store, and places of files are checked here; see with `livinglock status` whether it can be reached\n";
    assert_eq!(told.stderr, line);
}

/// The command line would take these for paths of files; a program has said that it means a store.
#[test]
fn what_is_no_url_is_refused() {
    for (url, text) in [
        ("", "the URL of the store is empty; set it"),
        (
            "/run/nightly.lock",
            "the store is not a URL; write postgres://, redis:// or etcd:// before it, or use `path`",
        ),
    ] {
        assert_all_refused(&["job"], url, &[text]);
    }
}

#[test]
fn a_lock_has_to_have_a_name() {
    for engine in Engine::ALL {
        let url = engine.url_of(USER, PASSWORD, 1);
        // `status` would list them all, a job has a name of its own, and a run that of its command.
        let remedy = "the lock has no name; write it at the end of the URL, as in postgres://db1/app#nightly";
        assert_all_refused(&["stop", "wait"], &url, &[remedy]);
        let long = "x".repeat(201);
        for name in [&*long, "a\u{7}b", "a%0Ab", "%1b[31m"] {
            let remedy = "has a name that is longer than 200 bytes or has control characters; use another one";
            assert_all_refused(&ASKERS, &format!("{url}#{name}"), &[remedy]);
        }
    }
}

on_each_engine! {
    fn a_connection_that_is_refused(server) {
        let mut server = server;
        server.kill();
        let url = url_of(&server, USER, PASSWORD, server.port());
        assert_all_refused(&ASKERS, &url, &["failed to ", "#leased: ", "refused"]);
    }

    fn a_host_that_is_not_there(server) {
        let url = url_of(&server, USER, PASSWORD, server.port()).replace("127.0.0.1", "nowhere.invalid");
        assert_all_refused(&ASKERS, &url, &["failed to ", "nowhere.invalid", "#leased: ", "ame or service not known"]);
    }

    /// Within the time of one call.
    fn a_server_that_never_answers(server) {
        let proxy = Proxy::to(server.port());
        for direction in Direction::BOTH {
            proxy.black_hole(direction);
        }
        let url = url_of(&server, USER, PASSWORD, proxy.port());
        assert_all_refused(&ASKERS, &url, &["failed to ", "#leased: ", " not answer "]);
    }

    fn a_password_that_is_wrong(server) {
        if server.engine() == Engine::Etcd {
            server.enable_auth();
        }
        let refuses = match server.engine() {
            Engine::Postgres => &["refuses us: password authentication failed for user ", "correct the user and the password in the URL"][..],
            Engine::Redis => &["refuses this user or password; correct it in the URL"],
            Engine::Etcd => &["refuses this user or its password; correct them in the URL"],
        };
        // The password is the right one for somebody else.
        for (user, password) in [(USER, "secret-pw-77"), ("mallory", PASSWORD)] {
            let refuses = match (server.engine(), user) {
                // Whom it lets in without a password it asks for the role.
                (Engine::Postgres, "mallory") => &["refuses us: role \"mallory\" does not exist; correct the user"][..],
                _ => refuses,
            };
            assert_all_refused(&ASKERS, &url_of(&server, user, password, server.port()), refuses);
        }
        let scene = Scene::new();
        let right = url_of(&server, USER, PASSWORD, server.port());
        let ended = job(&scene, &server, &["work", "1", "1"]).set("STORE", &right).spawn().wait();
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    }

    fn a_password_that_is_missing(server) {
        let wants = match server.engine() {
            Engine::Postgres => "asks for a password, and the URL has none; write it there",
            Engine::Redis => {
                server.command(&["CONFIG", "SET", "requirepass", PASSWORD]);
                "wants a password; write it into the URL, as in redis://user:password@host"
            }
            Engine::Etcd => {
                server.enable_auth();
                "asks for a user and a password; write them in the URL, as in etcd://user:password@host"
            }
        };
        let url = match server.engine() {
            Engine::Postgres => format!("{}#leased", server.url()).replace("postgres@", &format!("{USER}@")),
            _ => format!("{}#leased", server.url()),
        };
        assert_all_refused(&ASKERS, &url, &[wants]);
    }

    /// Each engine at the ports of the others.
    fn a_server_of_another_kind(server) {
        for engine in Engine::ALL.into_iter().filter(|engine| *engine != server.engine()) {
            let url = format!("{}#leased", engine.url_of(USER, PASSWORD, server.port()));
            let remedy = match (engine, server.engine()) {
                // Both wait for the end of a line that never comes.
                (Engine::Postgres, _) => "does not answer in time; see whether it runs, and whether the host and port in the URL are those of PostgreSQL",
                (Engine::Redis, _) => "it has closed the connection; if it always does, it is no Redis, ",
                (Engine::Etcd, _) => "it closed the connection before it answered; if it always does, it is no etcd, ",
            };
            assert_all_refused(&ASKERS, &url, &[remedy]);
        }
    }

    /// Nor does it fall back to none.
    fn a_server_without_tls(server) {
        let url = url_of(&server, USER, PASSWORD, server.port());
        let (url, text) = match server.engine() {
            Engine::Postgres => (with(&url, "?sslmode=require"), "has no TLS, which `sslmode` in the URL asks for; turn it on there, or leave `sslmode` out"),
            Engine::Redis => (url.replace("redis://", "rediss://"), "if it never does, it may have no TLS (redis://)"),
            Engine::Etcd => (url.replace("etcd://", "etcds://"), "or one that wants TLS (etcds://) or none (etcd://)"),
        };
        assert_all_refused(&ASKERS, &url, &[text]);
    }

    /// With the password in the URL, in all that is written anywhere.
    fn the_password_is_nowhere(server) {
        if server.engine() == Engine::Etcd {
            server.enable_auth();
        }
        let scene = Scene::new();
        let url = url_of(&server, USER, PASSWORD, server.port());
        let log = scene.file("log");
        let mut holder = Command::new(CLI)
            .args(["run", "--stale=1h", "--name=unit", &url, "--", UNIT, "until", "end"])
            .env("SCENE", scene.folder())
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).expect("make a file"))
            .spawn()
            .expect("start it");
        scene.wait_for_owners(1);
        let contents = match server.engine() {
            Engine::Postgres => server.sql("SELECT livinglock::text FROM livinglock"),
            Engine::Redis => server.command(&["HGETALL", "livinglock:{leased}"]),
            // Everything is read there by its key; the record as the command line has it.
            Engine::Etcd => cli(["status", "--json", &url]).stdout,
        };
        assert!(contents.contains("unit"), "{contents}");
        let busy = job_at(&scene, server.engine(), server.port(), &["work", "1", "1"]).set("STORE", &url).spawn().wait();
        assert_eq!(busy.code, Some(42), "{busy:?}");
        let waited = cli(["wait", "--timeout=1ms", &url]);
        let shown = [cli(["status", &url]), cli(["status", "--json", &url]), cli(["status", url.trim_end_matches("#leased")]), waited];
        let mut all = contents;
        for told in &shown {
            all.push_str(&told.stdout);
            all.push_str(&told.stderr);
        }
        // What the job is given, but for the arguments of those that it is started by.
        let command = scene.owners().remove(0);
        let environment = fs::read(format!("/proc/{command}/environ")).expect("read its environment");
        all.push_str(&String::from_utf8_lossy(&environment));
        scene.give("end");
        let mut has_ended = false;
        wait_until("it ends", || {
            has_ended = has_ended || holder.try_wait().expect("look at it").is_some();
            has_ended
        });
        all.push_str(&fs::read_to_string(log).expect("read what it said"));
        all.push_str(&busy.stderr);
        assert!(!all.contains(PASSWORD), "{all}");
    }

    /// To the letter, and whatever they would mean elsewhere.
    fn names_may_be_awkward(server) {
        let scene = Scene::new();
        let longest = "x".repeat(200);
        for name in ["'; DROP TABLE livinglock; --", "a/b", "../x", "{x}", "}{", "*", "ключ", "a b", "%2F", "a\\nb", "\"", &longest] {
            let encoded = name.replace('%', "%25").replace('#', "%23");
            let url = format!("{}#{encoded}", server.url());
            let before = scene.owners().len();
            let end = format!("end-{before}");
            let holder = job(&scene, &server, &["until", &end]).set("STORE", &url).spawn();
            scene.wait_for_owners(before + 1);
            let told = cli(["status", &url]);
            told.shows(0, &[&format!("#{name}: held and working\n")]);
            let busy = job(&scene, &server, &["work", "1", "1"]).set("STORE", &url).spawn().wait();
            assert_eq!(busy.code, Some(42), "{name}: {busy:?}");
            scene.give(&end);
            let ended = holder.wait();
            assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{name}");
            cli(["status", &url]).shows(3, &[&format!("#{name}: free\n")]);
        }
        // None of them is another's.
        let others = ["a", "x", "b", "leased", "ab"];
        for other in others {
            cli(["status", &format!("{}#{other}", server.url())]).shows(3, &[]);
        }
        assert_eq!(scene.overlaps(), 0);
    }
}

#[test]
fn postgres_says_what_is_missing() {
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let port = server.port();
    let reader = format!("postgres://{READER}@127.0.0.1:{port}/postgres#leased");
    let table = "grant this user SELECT, INSERT and UPDATE on the table `livinglock`, and USAGE on its schema";

    let database = url_of(&server, USER, PASSWORD, port).replace("/postgres#", "/nothing#");
    assert_all_refused(
        &ASKERS,
        &database,
        &[
            "refuses us: database \"nothing\" does not exist; create that database, or correct the URL",
        ],
    );

    // Who only looks finds no table, and so no lock.
    let no_table = "has no table `livinglock`, and this user may not create one; run as its owner what `livinglock schema postgres` prints";
    assert_all_refused(&["job", "run"], &reader, &[no_table]);
    cli(["status", &reader]).shows(3, &[": free\n"]);

    let no_schema = with(&url_of(&server, USER, PASSWORD, port), "?schema=nothing");
    let remedy = "create that schema, or correct `schema` in the URL";
    assert_all_refused(
        &["job", "run"],
        &no_schema,
        &["refuses us: schema \"nothing\" does not exist; ", remedy],
    );

    server.sql(&cli(["schema", "postgres"]).stdout);
    assert_all_refused(
        &ASKERS,
        &reader,
        &[
            "refuses us: permission denied for table livinglock; ",
            table,
        ],
    );
    server.sql(&format!("GRANT SELECT ON livinglock TO {READER}"));
    assert_all_refused(
        &["job", "run"],
        &reader,
        &[
            "refuses us: permission denied for table livinglock; ",
            table,
        ],
    );
    cli(["status", &reader]).shows(3, &[": free\n"]);
    let scene = Scene::new();
    let holder = job(&scene, &server, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    assert_all_refused(
        &["stop"],
        &reader,
        &[
            "refuses us: permission denied for table livinglock; ",
            table,
        ],
    );
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));

    server.sql(&format!(
        "CREATE SCHEMA hidden; SET search_path = hidden; {}",
        cli(["schema", "postgres"]).stdout
    ));
    assert_all_refused(
        &ASKERS,
        &with(&reader, "?schema=hidden"),
        &["refuses us: permission denied for schema hidden; ", table],
    );
}

/// A table that somebody else calls so is left as it is.
#[test]
fn postgres_keeps_away_from_a_table_of_another_shape() {
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let url = url_of(&server, USER, PASSWORD, server.port());
    for (shape, text) in [
        ("name text PRIMARY KEY, what text", "does not exist; "),
        (
            "name text, token bigint, owner text, record text, previous text, acquired timestamptz, written timestamptz, expires timestamptz, stop text, session_pid integer, session_start timestamptz, server_start timestamptz",
            "no unique or exclusion constraint",
        ),
        (
            "name text PRIMARY KEY, token text, owner bigint, record text, previous text, acquired text, written text, expires text, stop text, session_pid text, session_start text, server_start text",
            "column \"owner\" is of type bigint",
        ),
    ] {
        server.sql(&format!("DROP TABLE IF EXISTS livinglock; CREATE TABLE livinglock ({shape}); GRANT ALL ON livinglock TO {USER}"));
        assert_all_refused(
            &["job", "run"],
            &url,
            &[
                "refuses us: ",
                text,
                "the table `livinglock` is not ours; use another schema with `?schema=`",
            ],
        );
        assert_eq!(server.sql("SELECT count(*) FROM livinglock"), "0");
    }
    server.sql("DROP TABLE livinglock; CREATE VIEW livinglock AS SELECT 1 AS one");
    server.sql(&format!("GRANT ALL ON livinglock TO {USER}"));
    assert_all_refused(
        &ASKERS,
        &url,
        &["the table `livinglock` is not ours; use another schema with `?schema=`"],
    );
}

/// It takes no writes from this user, as a standby takes none from anybody.
#[test]
fn postgres_may_be_read_only() {
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let url = url_of(&server, USER, PASSWORD, server.port());
    server.sql(&format!(
        "ALTER ROLE {USER} SET default_transaction_read_only = on"
    ));
    let remedy = "it takes no writes; name the primary, or look at `default_transaction_read_only` of the user and the database";
    assert_all_refused(
        &["job", "run"],
        &url,
        &["failed to acquire", "read-only transaction", remedy],
    );
    server.sql(&cli(["schema", "postgres"]).stdout);
    server.sql(&format!("GRANT ALL ON livinglock TO {USER}"));
    assert_all_refused(
        &["job", "run"],
        &url,
        &["failed to acquire", "read-only transaction", remedy],
    );
    cli(["status", &url]).shows(3, &[": free\n"]);
}

#[test]
fn redis_says_what_is_missing() {
    let Some(server) = Server::start(Engine::Redis) else {
        return;
    };
    let url = url_of(&server, USER, PASSWORD, server.port());
    assert_all_refused(
        &ASKERS,
        &with(&url, "/99"),
        &["has no database of this number; correct it in the URL"],
    );
    assert_all_refused(
        &ASKERS,
        &with(&url, "/app"),
        &["has a database that is not a number; write for example redis://host/0"],
    );
    server.command(&["SET", "livinglock:{leased}", "x"]);
    assert_all_refused(
        &ASKERS,
        &url,
        &["has something else in its key; use another name for the lock, or delete the key"],
    );
    server.command(&["DEL", "livinglock:{leased}"]);
    server.command(&["ACL", "SETUSER", USER, "-@all", "+get"]);
    assert_all_refused(
        &ASKERS,
        &url,
        &["does not let this user do what locks need; permit `~livinglock:* +eval "],
    );
    // And that is enough.
    server.command(&[
        "ACL",
        "SETUSER",
        USER,
        "resetkeys",
        "~livinglock:*",
        "+eval",
        "+time",
        "+hmget",
        "+hset",
        "+select",
        "+scan",
    ]);
    let scene = Scene::new();
    let crashed = job(&scene, &server, &["crash"])
        .set("STORE", &url)
        .spawn()
        .wait();
    assert_eq!(crashed.code, None, "{crashed:?}");
    let ended = job(&scene, &server, &["work", "1", "1"])
        .set("STORE", &url)
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    cli(["status", url.trim_end_matches("#leased")]).shows(3, &["#leased: free\n"]);
    let sentinel = url
        .replace("redis://", "redis+sentinel://")
        .replace('#', "/main#");
    server.command(&["ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all"]);
    assert_all_refused(
        &ASKERS,
        &sentinel,
        &["is no Sentinel; write redis:// for the server itself"],
    );
}

/// What it is told it would forget, so nobody is told that the lock is theirs.
#[test]
fn redis_may_be_a_replica() {
    let (Some(primary), Some(replica)) =
        (Server::start(Engine::Redis), Server::start(Engine::Redis))
    else {
        return;
    };
    let scene = Scene::new();
    let holder = job(&scene, &primary, &["until", "end"]).spawn();
    scene.wait_for_owners(1);
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    wait_until("it has what the primary has", || {
        replica
            .command(&["EXISTS", "livinglock:{leased}"])
            .starts_with(":1")
            && replica
                .command(&["INFO", "replication"])
                .contains("master_link_status:up")
    });
    let url = url_of(&replica, USER, PASSWORD, replica.port());
    let remedy = "it is a replica, which does not write; the URL has to lead to the primary";
    assert_all_refused(&["stop"], &url, &[remedy]);
    // Looking may be done here, and is enough to yield.
    cli(["status", &url]).shows(0, &["held and working"]);
    let newcomer = job(&scene, &replica, &["work", "1", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    scene.give("end");
    assert_eq!(holder.wait().code, Some(0));
    wait_until("the replica knows of the release", || {
        cli(["status", &url]).code == Some(3)
    });
    assert_all_refused(&["job", "run"], &url, &["failed to acquire", remedy]);
}

#[test]
fn etcd_says_what_is_missing() {
    let Some(server) = Server::start(Engine::Etcd) else {
        return;
    };
    let url = url_of(&server, USER, PASSWORD, server.port());
    assert_all_refused(
        &ASKERS,
        &url,
        &[
            "knows no users, as its authentication is off; leave user and password out of the URL, or turn it on",
        ],
    );
    server.post(
        "/v3/auth/user/add",
        &format!(r#"{{"name": "bob", "password": "{PASSWORD}"}}"#),
    );
    server.enable_auth();
    let nobody = url_of(&server, "bob", PASSWORD, server.port());
    assert_all_refused(
        &ASKERS,
        &nobody,
        &[
            "does not let bob read and write keys that begin with `livinglock/`; grant that to a role of it",
        ],
    );
    let scene = Scene::new();
    let ended = job(&scene, &server, &["work", "1", "1"])
        .set("STORE", &url)
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

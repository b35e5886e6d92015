//! What may be between a job and its server: a pool of connections, encryption, a network of two hosts.

use std::{
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use livinglock_tests::{Engine, Proxy, Running, Scene, Server, Tally, wait_until};

use crate::{OVER, contention::assert_tokens_grow, job, job_at};

/// Runs a command that the test needs to succeed.
fn run(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}"));
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {arguments:?}: {stderr}");
}

/// Whether a program is installed, without which a test skips itself where that is allowed.
fn is_installed(program: &str, package: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .env(
            "PATH",
            format!(
                "{}:/usr/sbin:/sbin",
                std::env::var("PATH").unwrap_or_default()
            ),
        )
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        let why = format!("{program} is not installed; remedy: apt-get install {package}");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
        eprintln!("** SKIPPED: {why} **");
    }
    found
}

/// A pgbouncer in transaction mode with two connections for everybody; killed when dropped.
struct Pool {
    child: Child,
    port: u16,
}

impl Pool {
    fn before(server: &Server, scene: &Scene) -> Self {
        // Let go, and taken at once.
        let port = Proxy::to(server.port()).port();
        let settings = scene.file("pgbouncer.ini");
        let text = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n",
            server.port()
        );
        fs::write(&settings, text).expect("write the settings");
        run("chmod", &["755", &scene.folder().display().to_string()]);
        let child = Command::new("setpriv")
            .args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ])
            .args(["/usr/sbin/pgbouncer", "--quiet"])
            .arg(&settings)
            .stderr(Stdio::null())
            .spawn()
            .expect("start pgbouncer");
        let pool = Self { child, port };
        wait_until("the pool answers", || {
            Engine::Postgres.answers(port, std::time::Duration::from_millis(500))
        });
        pool
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No statement needs the session of another one. That the holder's has ended proves nothing there, and is not taken for proof.
#[test]
fn a_pool_in_transaction_mode_may_stand_between() {
    if !is_installed("pgbouncer", "pgbouncer") {
        return;
    }
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let pool = Pool::before(&server, &scene);
    let job = |behaviour: &[&str]| job_at(&scene, Engine::Postgres, pool.port, behaviour);
    let contenders = (0..8).map(|_| job(&["work", "3", "20"]).wait(60_000));
    let running = scene.start_together(contenders);
    let ended: Vec<_> = running.into_iter().map(Running::wait).collect();
    let tally = Tally::of(&ended);
    println!("behind pgbouncer: {tally}, {} overlaps", scene.overlaps());
    assert_eq!((tally.ran, scene.overlaps()), (8, 0));
    assert_tokens_grow(&scene);

    let holder = job(&["until", "end"]).spawn();
    scene.wait_for_owners(9);
    let begun = Instant::now();
    while begun.elapsed() < OVER {
        let newcomer = job(&["work", "1", "1"])
            .stale(60_000)
            .faults("omit=process")
            .spawn()
            .wait();
        assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    }
    let sessions = server.sql("SELECT count(session_pid) FROM livinglock");
    assert_eq!(sessions, "0", "none that could prove anything");
    scene.give("end");
    let ended = holder.wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}

/// The server's certificate is checked against the authority that the URL names, and the job knows what to do about one that is not.
#[test]
fn a_connection_may_be_encrypted() {
    if !is_installed("openssl", "openssl") {
        return;
    }
    let Some(server) = Server::start(Engine::Postgres) else {
        return;
    };
    let scene = Scene::new();
    let file = |name: &str| scene.file(name).display().to_string();
    let certify = |arguments: &str| {
        let arguments: Vec<&str> = arguments
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect();
        run("openssl", &arguments);
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for authority in ["ca", "other"] {
        let (key_file, certificate) = (file("ca.key"), file(authority));
        certify(&format!(
            "req -x509 {key} -subj /CN={authority} -keyout {key_file}.{authority} -out {certificate}"
        ));
    }
    let data = server.sql("SHOW data_directory");
    certify(&format!(
        "req -x509 {key} -subj /CN=db -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
         -CA {} -CAkey {}.ca -keyout {data}/server.key -out {data}/server.crt",
        file("ca"),
        file("ca.key")
    ));
    if Path::new("/proc/self/status").exists() {
        run("chmod", &["600", &format!("{data}/server.key")]);
        run(
            "chown",
            &[
                "--reference",
                &data,
                &format!("{data}/server.key"),
                &format!("{data}/server.crt"),
            ],
        );
    }
    let plain = job(&scene, &server, &["work", "1", "1"]);
    let encrypted = |authority: &str| {
        let url = format!(
            "{}?sslmode=require&sslrootcert={}",
            server.url(),
            file(authority)
        );
        job(&scene, &server, &["work", "1", "1"])
            .set("STORE", &url)
            .spawn()
            .wait()
    };
    let refused = encrypted("ca");
    assert_eq!(
        refused.code,
        Some(73),
        "the server has no TLS yet: {refused:?}"
    );
    server.sql("ALTER SYSTEM SET ssl = on");
    server.sql("SELECT pg_reload_conf()");
    wait_until("the server has TLS", || server.sql("SHOW ssl") == "on");
    let ended = encrypted("ca");
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let refused = encrypted("other");
    assert_eq!(refused.code, Some(73), "{refused:?}");
    assert!(refused.stderr.contains("certificate"), "{refused:?}");
    let refused = encrypted("nowhere");
    assert_eq!(refused.code, Some(73), "{refused:?}");
    assert!(
        refused.stderr.contains("`sslrootcert` that cannot be read"),
        "{refused:?}"
    );
    assert_eq!(plain.spawn().wait().code, Some(0));
}

/// A host of its own: a network namespace with one cable to here. Removed when dropped.
struct Host {
    name: String,
    /// Our end of the cable.
    cable: String,
}

impl Host {
    /// The address of this machine on all cables of this process, whatever others are at.
    fn server() -> Ipv4Addr {
        Self::address(1)
    }

    fn address(last: u8) -> Ipv4Addr {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        Ipv4Addr::new(10, high, low, last)
    }

    /// The host with this number; `None` where we may make none.
    fn new(number: u8) -> Option<Self> {
        let unique = std::process::id();
        let host = Self {
            name: format!("ll-{unique}-{number}"),
            cable: format!("ll{unique}x{number}"),
        };
        let made = Command::new("ip")
            .args(["netns", "add", &host.name])
            .status();
        if !made.is_ok_and(|made| made.success()) {
            eprintln!(
                "** SKIPPED: no network namespaces may be made here; remedy: run as root, with CAP_NET_ADMIN **"
            );
            return None;
        }
        let (name, cable) = (&*host.name, &*host.cable);
        run(
            "ip",
            &[
                "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name,
            ],
        );
        run(
            "ip",
            &[
                "address",
                "add",
                &format!("{}/32", Self::server()),
                "peer",
                &Self::address(number + 1).to_string(),
                "dev",
                cable,
            ],
        );
        run("ip", &["link", "set", cable, "up"]);
        let inside = |arguments: &[&str]| run("ip", &[&["-n", name][..], arguments].concat());
        inside(&[
            "address",
            "add",
            &format!("{}/24", Self::address(number + 1)),
            "dev",
            "eth0",
        ]);
        inside(&["link", "set", "eth0", "up"]);
        inside(&["link", "set", "lo", "up"]);
        Some(host)
    }

    fn cut_the_cable(&self) {
        run("ip", &["link", "set", &self.cable, "down"]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.name])
            .status();
    }
}

/// Each on a host of its own, which sees the other's processes as little as another machine's. The cable of the holder is cut.
#[test]
fn of_two_hosts_the_one_that_is_cut_off_leaves_first() {
    if !is_installed("ip", "iproute2") {
        return;
    }
    let hosts = [Host::new(1), Host::new(2)];
    let [Some(first), Some(second)] = &hosts else {
        return;
    };
    for engine in Engine::ALL {
        let Some(server) = Server::start(engine) else {
            return;
        };
        let way = Proxy::at(Host::server(), server.port());
        let url = engine
            .url(way.port())
            .replace("127.0.0.1", &Host::server().to_string());
        let scene = Scene::new();
        let on = |host: &Host, behaviour: &[&str]| {
            let words = ["netns", "exec", &host.name, env!("CARGO_BIN_EXE_leased")];
            scene
                .job("ip", &[&words[..], behaviour].concat())
                .set("STORE", &url)
                .stale(crate::LEASE)
                .faults("omit=process")
        };
        let holder = on(first, &["until", "never"]).spawn();
        scene.wait_for_owners(1);
        let busy = on(second, &["work", "1", "1"]).spawn().wait();
        assert_eq!(busy.code, Some(42), "{engine}: {busy:?}");
        first.cut_the_cable();
        let next = on(second, &["work", "1", "1"]).wait(60_000).spawn().wait();
        assert_eq!(next.code, Some(0), "{engine}: {next:?}");
        let holder = holder.wait();
        assert_eq!(holder.code, Some(75), "{engine}: {holder:?}");
        println!("{engine}: two hosts, {} overlaps", scene.overlaps());
        assert_eq!((scene.owners().len(), scene.overlaps()), (2, 0));
        assert_tokens_grow(&scene);
        run("ip", &["link", "set", &first.cable, "up"]);
    }
}

/// The witness is not blind: a holder that does not leave in time works beside the next one.
#[test]
fn a_holder_that_does_not_heed_its_lease_overlaps() {
    let Some(server) = Server::start(Engine::Redis) else {
        return;
    };
    let scene = Scene::new();
    let proxy = Proxy::to(server.port());
    let holder = job_at(&scene, server.engine(), proxy.port(), &["until", "end"])
        .faults("omit=lease")
        .spawn();
    scene.wait_for_owners(1);
    proxy.refuse();
    proxy.cut();
    let next = job(&scene, &server, &["work", "1", "1"])
        .wait(60_000)
        .spawn()
        .wait();
    assert_eq!(next.code, Some(0), "{next:?}");
    assert_eq!((scene.owners().len(), scene.overlaps()), (2, 1));
    scene.give("end");
    drop(holder.wait());
}

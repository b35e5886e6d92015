//! The servers and the network that the tests of lock stores have for themselves do what those tests rely on.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use livinglock_tests::{
    Direction, Engine, PASSWORD, PATIENCE, Proxy, READER, Server, USER, is_running, wait_until,
};

/// No answer is one that has not come by then.
const SILENCE: Duration = Duration::from_millis(300);

fn start(engine: Engine) -> Option<Server> {
    let begun = Instant::now();
    let server = Server::start(engine)?;
    println!("{engine} was ready after {:?}", begun.elapsed());
    Some(server)
}

/// Has a server keep something.
fn keep(server: &Server) {
    match server.engine() {
        Engine::Postgres => {
            server.sql("CREATE TABLE kept (word text)");
            server.sql("INSERT INTO kept VALUES ('something')");
        }
        Engine::Redis => {
            assert_eq!(server.command(&["SET", "kept", "something"]), "+OK\r\n");
        }
        Engine::Etcd => {
            server.post(
                "/v3/kv/put",
                r#"{"key": "a2VwdA==", "value": "c29tZXRoaW5n"}"#,
            );
        }
    }
}

fn has_kept(server: &Server) -> bool {
    match server.engine() {
        Engine::Postgres => server.sql("SELECT word FROM kept") == "something",
        Engine::Redis => server.command(&["GET", "kept"]) == "$9\r\nsomething\r\n",
        Engine::Etcd => server
            .post("/v3/kv/range", r#"{"key": "a2VwdA=="}"#)
            .contains("c29tZXRoaW5n"),
    }
}

/// What a server goes through, with its data.
fn goes_through_everything(engine: Engine) {
    let Some(mut server) = start(engine) else {
        return;
    };
    assert!(
        server
            .url()
            .ends_with(&format!("127.0.0.1:{}", server.port()))
            || engine == Engine::Postgres
    );
    keep(&server);
    assert!(has_kept(&server));

    server.stop_still();
    assert!(
        !server.answers(SILENCE),
        "nothing answers that stands still"
    );
    server.go_on();
    assert!(server.answers(PATIENCE));
    assert!(has_kept(&server));

    let process = server.process_id();
    server.kill();
    assert!(!is_running(&process.to_string()));
    let refused = TcpStream::connect(("127.0.0.1", server.port()));
    assert_eq!(
        refused.expect_err("nobody listens").kind(),
        ErrorKind::ConnectionRefused
    );
    let begun = Instant::now();
    server.restart();
    println!("{engine} was ready again after {:?}", begun.elapsed());
    assert!(has_kept(&server), "SIGKILL loses nothing that was done");

    server.shut_down();
    assert!(!server.answers(SILENCE));
    server.restart();
    assert!(has_kept(&server));

    // Also from standing still.
    server.stop_still();
    server.restart();
    assert!(has_kept(&server));
}

#[test]
fn postgres_goes_through_everything() {
    goes_through_everything(Engine::Postgres);
}

#[test]
fn redis_goes_through_everything() {
    goes_through_everything(Engine::Redis);
}

#[test]
fn etcd_goes_through_everything() {
    goes_through_everything(Engine::Etcd);
}

#[test]
fn a_redis_without_persistence_forgets() {
    let Some(mut server) = Server::start_redis_without_persistence() else {
        return;
    };
    keep(&server);
    server.restart();
    assert!(!has_kept(&server));
}

#[test]
fn nothing_is_left_of_a_postgres_that_was_killed() {
    let Some(mut server) = start(Engine::Postgres) else {
        return;
    };
    let ids = server.sql("SELECT pid FROM pg_stat_activity");
    assert!(ids.lines().count() > 1, "{ids}");
    server.kill();
    assert!(!ids.lines().any(is_running));
}

#[test]
fn servers_of_one_kind_do_not_meet() {
    let servers: Vec<Server> = thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Server::start(Engine::Redis)))
            .collect();
        starts
            .into_iter()
            .filter_map(|start| start.join().expect("start a server"))
            .collect()
    });
    // The threads that have started them are gone, and they are not.
    for (i, server) in servers.iter().enumerate() {
        assert_eq!(server.command(&["GET", "kept"]), "$-1\r\n", "server {i}");
        keep(server);
    }
}

#[test]
fn servers_end_with_a_test_that_is_killed() {
    const BE_KILLED: &str = "LIVINGLOCK_TEST_BE_KILLED";
    let start_all = || Engine::ALL.into_iter().filter_map(Server::start);
    if env::var_os(BE_KILLED).is_some() {
        let servers: Vec<Server> = start_all().collect();
        for server in &servers {
            println!("\nserver {}", server.process_id());
        }
        println!("\nall");
        loop {
            thread::park();
        }
    }
    let folder = tempfile::tempdir().expect("make a folder");
    // PostgreSQL, which is somebody else, has to get through.
    fs::set_permissions(
        folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o711),
    )
    .expect("let everybody through");
    let mut test = Command::new(env::current_exe().expect("find this test"))
        .args([
            "--exact",
            "servers_end_with_a_test_that_is_killed",
            "--nocapture",
        ])
        .env(BE_KILLED, "1")
        // What it leaves behind is thrown away by us.
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start this test once more");
    let lines = BufReader::new(test.stdout.take().expect("a pipe")).lines();
    let servers: Vec<String> = lines
        .map(|line| line.expect("read what it says"))
        .take_while(|line| line != "all")
        .filter_map(|line| Some(line.strip_prefix("server ")?.to_owned()))
        .collect();
    assert!(servers.iter().all(|id| is_running(id)), "{servers:?}");
    test.kill().expect("kill the test");
    test.wait().expect("reap the test");
    wait_until("the servers end", || {
        !servers.iter().any(|id| is_running(id))
    });
}

#[test]
fn postgres_knows_passwords_and_rights() {
    let Some(server) = start(Engine::Postgres) else {
        return;
    };
    let hashed = format!(
        "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = '{USER}'"
    );
    assert_eq!(server.sql(&hashed), "t");
    let asks =
        format!("SELECT auth_method FROM pg_hba_file_rules WHERE '{USER}' = ANY (user_name)");
    assert_eq!(server.sql(&asks), "scram-sha-256");
    for (role, may) in [(USER, "t|t"), (READER, "f|f")] {
        let rights = format!(
            "SELECT has_schema_privilege('{role}', 'public', 'CREATE'), has_database_privilege('{role}', 'postgres', 'CREATE')"
        );
        assert_eq!(server.sql(&rights), may, "{role}");
    }
}

#[test]
fn redis_knows_passwords() {
    let Some(server) = start(Engine::Redis) else {
        return;
    };
    assert_eq!(server.command(&["AUTH", USER, PASSWORD]), "+OK\r\n");
    let refused = server.command(&["AUTH", USER, "another"]);
    assert!(refused.starts_with("-WRONGPASS"), "{refused}");
}

#[test]
fn etcd_knows_passwords() {
    let Some(server) = start(Engine::Etcd) else {
        return;
    };
    server.enable_auth();
    let token = server.post(
        "/v3/auth/authenticate",
        &format!(r#"{{"name": "{USER}", "password": "{PASSWORD}"}}"#),
    );
    assert!(token.contains("token"), "{token}");
    assert!(server.answers(PATIENCE), "its health needs no password");
    let key = r#"{"key": "a2VwdA=="}"#;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("connect");
    let request = format!(
        "POST /v3/kv/range HTTP/1.0\r\nContent-Length: {}\r\n\r\n{key}",
        key.len()
    );
    stream
        .write_all(request.as_bytes())
        .expect("ask without a token");
    let mut refused = String::new();
    stream.read_to_string(&mut refused).expect("receive");
    assert!(refused.contains("user name is empty"), "{refused}");
}

#[test]
fn every_server_answers_behind_a_proxy_and_not_in_a_hole() {
    for engine in Engine::ALL {
        let Some(server) = start(engine) else {
            continue;
        };
        let proxy = Proxy::to(server.port());
        assert!(engine.answers(proxy.port(), PATIENCE), "{engine}");
        for direction in Direction::BOTH {
            proxy.black_hole(direction);
            assert!(
                !engine.answers(proxy.port(), SILENCE),
                "{engine} {direction:?}"
            );
            proxy.pass();
            assert!(
                engine.answers(proxy.port(), PATIENCE),
                "{engine} {direction:?}"
            );
        }
    }
}

/// Both ends of a connection through a proxy.
struct Ends {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

impl Ends {
    fn connect() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let proxy = Proxy::to(listener.local_addr().expect("an address").port());
        let client = client(&proxy);
        let server = accept(&listener);
        Self {
            proxy,
            listener,
            client,
            server,
        }
    }

    /// The sender and the receiver.
    fn of(&self, direction: Direction) -> (&TcpStream, &TcpStream) {
        match direction {
            Direction::ToServer => (&self.client, &self.server),
            Direction::ToClient => (&self.server, &self.client),
        }
    }

    /// Sends, and waits until the proxy has it.
    fn send(&self, direction: Direction, text: &str) {
        let sent = self.proxy.arrived(direction) + u64::try_from(text.len()).expect("a length");
        self.of(direction)
            .0
            .write_all(text.as_bytes())
            .expect("send");
        wait_until("it has arrived", || self.proxy.arrived(direction) == sent);
    }

    #[track_caller]
    fn assert_comes(&self, direction: Direction, text: &str) {
        let mut bytes = vec![0; text.len()];
        self.of(direction)
            .1
            .read_exact(&mut bytes)
            .expect("receive");
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    #[track_caller]
    fn assert_silence(&self, direction: Direction) {
        let receiver = self.of(direction).1;
        patient_for(receiver, SILENCE);
        let error = receive(receiver).expect_err("nothing comes");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        patient_for(receiver, PATIENCE);
    }

    #[track_caller]
    fn assert_end(&self, direction: Direction) {
        assert_eq!(receive(self.of(direction).1).expect("the end comes"), 0);
    }
}

fn client(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(("127.0.0.1", proxy.port())).expect("connect");
    patient_for(&client, PATIENCE);
    client
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("block no more");
    let mut accepted = None;
    wait_until("a connection comes", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.expect("a connection has come");
    stream.set_nonblocking(false).expect("block again");
    patient_for(&stream, PATIENCE);
    stream
}

fn patient_for(stream: &TcpStream, time: Duration) {
    stream.set_read_timeout(Some(time)).expect("set a deadline");
}

fn receive(mut stream: &TcpStream) -> io::Result<usize> {
    stream.read(&mut [0])
}

#[test]
fn a_proxy_passes_bytes_and_ends_on() {
    let ends = Ends::connect();
    for direction in Direction::BOTH {
        ends.send(direction, "some bytes");
        ends.assert_comes(direction, "some bytes");
        assert_eq!(
            (ends.proxy.arrived(direction), ends.proxy.passed(direction)),
            (10, 10)
        );
    }
    ends.client.shutdown(Shutdown::Write).expect("send no more");
    ends.assert_end(Direction::ToServer);
    ends.send(Direction::ToClient, "the rest");
    ends.assert_comes(Direction::ToClient, "the rest");
    ends.server.shutdown(Shutdown::Write).expect("send no more");
    ends.assert_end(Direction::ToClient);
    wait_until("the connection is over", || {
        ends.proxy.open_connections() == 0
    });
    assert_eq!(ends.proxy.connections(), 1);
}

#[test]
fn a_proxy_passes_on_more_than_anybody_takes_at_once() {
    const SIZE: usize = 20_000_000;
    let ends = Ends::connect();
    let (mut client, mut server) = (&ends.client, &ends.server);
    thread::scope(|scope| {
        scope.spawn(move || {
            client.write_all(&vec![7; SIZE]).expect("send");
            client.shutdown(Shutdown::Write).expect("send no more");
        });
        let mut received = Vec::new();
        server.read_to_end(&mut received).expect("receive");
        assert!(received.len() == SIZE && received.iter().all(|byte| *byte == 7));
    });
}

#[test]
fn a_black_hole_holds_back_one_way_until_it_is_over() {
    for direction in Direction::BOTH {
        let ends = Ends::connect();
        ends.proxy.black_hole(direction);
        ends.send(direction, "held, ");
        ends.send(direction, "back");
        ends.of(direction)
            .0
            .shutdown(Shutdown::Write)
            .expect("send no more");
        ends.assert_silence(direction);
        ends.send(direction.back(), "not held back");
        ends.assert_comes(direction.back(), "not held back");
        ends.proxy.pass();
        ends.assert_comes(direction, "held, back");
        ends.assert_end(direction);
    }
}

#[test]
fn a_connection_that_begins_in_a_hole_is_accepted_and_reaches_the_server_afterwards() {
    let ends = Ends::connect();
    ends.proxy.black_hole(Direction::ToServer);
    let abandoned = client(&ends.proxy);
    let mut patient = client(&ends.proxy);
    for mut stream in [&abandoned, &patient] {
        stream.write_all(b"hello").expect("send");
    }
    wait_until("both are accepted", || ends.proxy.connections() == 3);
    assert!(ends.listener.accept().is_err(), "the server knows of none");
    drop(abandoned);
    wait_until("one has gone", || ends.proxy.open_connections() == 2);
    ends.proxy.pass();
    let mut server = accept(&ends.listener);
    let mut hello = [0; 5];
    server.read_exact(&mut hello).expect("receive");
    server.write_all(&hello).expect("send");
    patient.read_exact(&mut hello).expect("receive");
    assert!(
        ends.listener.accept().is_err(),
        "nobody hears of the other one"
    );
}

#[test]
fn a_delay_is_how_long_bytes_take_and_not_how_many_come() {
    const DELAY: Duration = Duration::from_millis(200);
    for direction in Direction::BOTH {
        let ends = Ends::connect();
        ends.proxy.delay(direction, DELAY);
        let begun = Instant::now();
        for _ in 0..20 {
            ends.send(direction, "x");
        }
        let sent = Instant::now();
        ends.assert_comes(direction, "x");
        assert!(begun.elapsed() >= DELAY);
        ends.assert_comes(direction, &"x".repeat(19));
        assert!(sent.elapsed() < 10 * DELAY, "not one after the other");
        ends.send(direction, "y");
        ends.proxy.pass();
        ends.assert_comes(direction, "y");
    }
}

#[test]
fn half_a_connection_ends() {
    for direction in Direction::BOTH {
        let ends = Ends::connect();
        ends.proxy.half_close(direction);
        ends.assert_end(direction);
        ends.send(direction, "lost");
        ends.send(direction.back(), "not lost");
        ends.assert_comes(direction.back(), "not lost");
        assert_eq!(ends.proxy.passed(direction), 0);
    }
}

#[test]
fn a_cut_resets_both_sides_even_in_a_hole() {
    let ends = Ends::connect();
    ends.proxy.black_hole(Direction::ToServer);
    let begins = client(&ends.proxy);
    wait_until("it is accepted", || ends.proxy.connections() == 2);
    ends.proxy.cut();
    assert_eq!(ends.proxy.open_connections(), 0);
    for stream in [&ends.client, &ends.server, &begins] {
        let error = receive(stream).expect_err("no end, but a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    ends.proxy.pass();
    let again = client(&ends.proxy);
    drop(accept(&ends.listener));
    assert_eq!(receive(&again).expect("the end comes"), 0);
}

#[test]
fn a_reset_of_one_side_reaches_the_other() {
    for direction in Direction::BOTH {
        let ends = Ends::connect();
        // Whoever closes with something unread resets the connection.
        ends.send(direction.back(), "unread");
        wait_until("it is there", || ends.proxy.passed(direction.back()) == 6);
        let (gone, left) = match direction {
            Direction::ToServer => (ends.client, ends.server),
            Direction::ToClient => (ends.server, ends.client),
        };
        gone.peek(&mut [0]).expect("it is there");
        drop(gone);
        let error = receive(&left).expect_err("no end, but a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_proxy_refuses_and_accepts_again_at_the_same_port() {
    let ends = Ends::connect();
    for _ in 0..20 {
        ends.proxy.refuse();
        let refused = TcpStream::connect(("127.0.0.1", ends.proxy.port()));
        let error = refused.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(
            TcpListener::bind(("127.0.0.1", ends.proxy.port())).is_err(),
            "the port is nobody else's"
        );
        // Those that are there stay.
        ends.send(Direction::ToServer, "x");
        ends.assert_comes(Direction::ToServer, "x");
        ends.proxy.accept_again();
        drop(client(&ends.proxy));
        drop(accept(&ends.listener));
    }
}

#[test]
fn a_server_that_is_not_there_resets_a_connection_to_its_proxy() {
    let mut ends = Ends::connect();
    ends.listener = TcpListener::bind("127.0.0.1:0").expect("listen elsewhere");
    let refused = client(&ends.proxy);
    let error = receive(&refused).expect_err("no end, but a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

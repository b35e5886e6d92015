//! A server that is pinged.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{port, wait_until};

/// What nobody may see who is not told.
pub const SECRET: &str = "0b7a5f0e-5ecb-4d3e-9f5c-5ec4e75ec4e7";

/// A server that is pinged by the protocol of healthchecks.io, and remembers all that it hears.
#[derive(Debug)]
pub struct Check {
    scheme: &'static str,
    port: u16,
    shared: Arc<Shared>,
}

/// One ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// What is behind the address of the check: `/start`, `/fail`, an exit status, or nothing.
    pub event: String,
    /// The number of the run, if there is one.
    pub run: Option<String>,
    /// The user and the password, as HTTP has them.
    pub authorization: Option<String>,
    /// The text that came with it.
    pub body: String,
}

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Well.
    Ok,
    /// With this status.
    Status(u16),
    /// Well, by the status, but with these words.
    Words(&'static str),
    /// Never.
    Never,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
struct State {
    answer: Answer,
    /// Those that come first.
    next: Vec<Answer>,
    pings: Vec<Ping>,
    unanswered: Vec<TcpStream>,
}

impl Check {
    /// Starts one that answers well.
    ///
    /// # Panics
    ///
    /// No port is free.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("http", None)
    }

    /// The same over TLS, with a certificate and its key from these files.
    ///
    /// # Panics
    ///
    /// The files are none such, or no port is free.
    #[must_use]
    pub fn start_encrypted(certificate: &Path, key: &Path) -> Self {
        let read = |path: &Path| fs::read(path).expect("read a file of the server");
        let certificate = CertificateDer::from_pem_slice(&read(certificate)).expect("certificate");
        let key = PrivateKeyDer::from_pem_slice(&read(key)).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate], key)
            })
            .expect("a certificate for a server");
        Self::start_with("https", Some(Arc::new(config)))
    }

    fn start_with(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = port::listen(Ipv4Addr::LOCALHOST);
        let port = listener.local_addr().expect("read the address").port();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                answer: Answer::Ok,
                next: Vec::new(),
                pings: Vec::new(),
                unanswered: Vec::new(),
            }),
            tls,
        });
        let serving = Arc::clone(&shared);
        // Until the test has ended.
        thread::spawn(move || serving.accept(&listener));
        Self {
            scheme,
            port,
            shared,
        }
    }

    /// What reports may show of it.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Its whole address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{SECRET}", self.server())
    }

    /// The same for a user with a password.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str) -> String {
        let login = format!("://{user}:{password}@");
        self.url().replacen("://", &login, 1)
    }

    /// Answers in this way from now on.
    pub fn answer(&self, answer: Answer) {
        self.shared.state().answer = answer;
    }

    /// Answers once in this way, before it answers as always.
    pub fn answer_once(&self, answer: Answer) {
        self.shared.state().next.push(answer);
    }

    /// All pings so far.
    #[must_use]
    pub fn pings(&self) -> Vec<Ping> {
        self.shared.state().pings.clone()
    }

    /// What they tell, in their order.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.pings().into_iter().map(|ping| ping.event).collect()
    }

    /// Waits until there were so many.
    pub fn wait_for(&self, count: usize) {
        wait_until("it was pinged", || self.pings().len() >= count);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever has panicked with it has left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let shared = Arc::clone(self);
            // A client that goes away, or does not trust us, is none of our business.
            thread::spawn(move || shared.serve(client));
        }
    }

    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let kept = client.try_clone()?;
        let answer = match &self.tls {
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config));
                let connection = connection.map_err(io::Error::other)?;
                self.hear(StreamOwned::new(connection, client))
            }
            None => self.hear(client),
        }?;
        if answer == Answer::Never {
            // Whoever waits for it finds no end.
            self.state().unanswered.push(kept);
        }
        Ok(())
    }

    /// Hears a ping, and answers it.
    fn hear(&self, stream: impl Read + Write) -> io::Result<Answer> {
        let mut stream = BufReader::new(stream);
        let ping = read(&mut stream)?;
        let answer = {
            let mut state = self.state();
            state.pings.push(ping);
            if state.next.is_empty() {
                state.answer
            } else {
                state.next.remove(0)
            }
        };
        let (status, words) = match answer {
            Answer::Ok => (200, "OK"),
            Answer::Status(status) => (status, "no"),
            Answer::Words(words) => (200, words),
            Answer::Never => return Ok(answer),
        };
        let length = words.len();
        let text = format!(
            "HTTP/1.1 {status} \r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{words}"
        );
        stream.get_mut().write_all(text.as_bytes())?;
        stream.get_mut().flush()?;
        Ok(answer)
    }
}

fn read(stream: &mut impl BufRead) -> io::Result<Ping> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let target = line
        .strip_prefix("POST /")
        .and_then(|rest| rest.strip_prefix(SECRET))
        .and_then(|rest| rest.split_once(' '))
        .map(|(target, _)| target.to_owned())
        .ok_or_else(|| io::Error::other(line))?;
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match &*name.to_ascii_lowercase() {
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let (event, run) = match target.split_once("?rid=") {
        Some((event, run)) => (event, Some(run.to_owned())),
        None => (&*target, None),
    };
    Ok(Ping {
        event: event.to_owned(),
        run,
        authorization,
        body: String::from_utf8(body).map_err(io::Error::other)?,
    })
}

//! The server that a URL leads to, and the connection to it.

use std::{
    fmt, io,
    net::ToSocketAddrs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    Client, Cmd, Connection, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, io::tcp::TcpSettings,
};

use crate::{
    error::{Error, Result},
    store::url::Url,
};

/// What a URL says, and a connection that was made by it.
pub(super) struct Server {
    hosts: Vec<Host>,
    /// What the hosts call the primary that is wanted, if they are Sentinels.
    primary: Option<String>,
    login: Login,
    login_to_sentinels: Login,
    database: u32,
    tls: Option<Tls>,
    /// The last connection, if all has gone well on it. One that has failed is never used again: a late answer would be taken for the next.
    idle: Mutex<Option<Connection>>,
}

/// Without passwords.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Server");
        all.field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// Name or address, and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host(String, u16);

#[derive(Default)]
struct Login {
    user: Option<String>,
    password: Option<String>,
}

#[cfg(feature = "redis-tls")]
type Tls = redis::TlsCertificates;
#[cfg(not(feature = "redis-tls"))]
type Tls = std::convert::Infallible;

/// Until when one call to the server has to be over.
struct Deadline(Instant);

impl Deadline {
    fn left(&self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

impl Server {
    pub(super) fn new(url: &Url, place: &Path) -> Result<Self> {
        let refuse = |what: &str| Err(Error::unfit(place, what));
        let is_of_sentinels = url.scheme.ends_with("+sentinel");
        let port = if is_of_sentinels { 26379 } else { 6379 };
        let hosts: Option<Vec<_>> = url
            .hosts
            .split(',')
            .map(|text| Host::parse(text, port))
            .collect();
        let Some(hosts) = hosts else {
            return refuse(
                "has a host that cannot be understood; write `host`, `host:port` or `[address]:port`",
            );
        };
        if hosts.len() > 1 && !is_of_sentinels {
            return refuse(
                "has several hosts, which would be several locks; write one, or those of Sentinels as redis+sentinel://a,b,c/primary",
            );
        }
        let mut path = url.path.trim_matches('/');
        let mut primary = None;
        if is_of_sentinels {
            let (name, rest) = path.split_once('/').unwrap_or((path, ""));
            if name.is_empty() {
                return refuse(
                    "does not say which primary its Sentinels shall find; write redis+sentinel://host/primary",
                );
            }
            (primary, path) = (Some(name.to_owned()), rest);
        }
        let Ok(database) = (if path.is_empty() { "0" } else { path }).parse() else {
            return refuse("has a database that is not a number; write for example redis://host/0");
        };
        let mut settings = Settings(url.query.clone());
        let login_to_sentinels = Login {
            user: settings.take("sentinel_user"),
            password: settings.take("sentinel_password"),
        };
        let tls = if url.scheme.starts_with("rediss") {
            Some(settings.tls(place)?)
        } else {
            None
        };
        if let Some((key, _)) = settings.0.first() {
            return refuse(&format!("has the unknown setting `{key}`; remove it"));
        }
        Ok(Self {
            hosts,
            primary,
            login: Login {
                user: url.user.clone(),
                password: url.password.clone(),
            },
            login_to_sentinels,
            database,
            tls,
            idle: Mutex::default(),
        })
    }

    /// Asks something that bears being asked twice, within this time.
    pub(super) fn ask<T: FromRedisValue>(
        &self,
        question: &Cmd,
        timeout: Duration,
    ) -> RedisResult<T> {
        let deadline = Deadline(Instant::now() + timeout);
        // Nobody waits for it while it is in use: whoever comes meanwhile makes another one.
        let idle = self.idle().take();
        if let Some(mut connection) = idle {
            match ask(&mut connection, question, &deadline) {
                // The server was restarted, or does not keep connections for long.
                Err(error) if error.is_connection_dropped() => {}
                answer => return self.kept(connection, answer),
            }
        }
        let host = self.host(&deadline)?;
        let mut connection = self.connect(&host, &deadline)?;
        let mut answer = ask(&mut connection, question, &deadline);
        if let Err(error) = &answer
            && let Some(other) = moved(error, &host)
        {
            connection = self.connect(&other, &deadline)?;
            answer = ask(&mut connection, question, &deadline);
        }
        self.kept(connection, answer)
    }

    fn kept<T>(&self, connection: Connection, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.is_ok() {
            *self.idle() = Some(connection);
        }
        answer
    }

    fn idle(&self) -> MutexGuard<'_, Option<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host that has the lock, for all that is known before it is asked.
    fn host(&self, deadline: &Deadline) -> RedisResult<Host> {
        let Some(primary) = &self.primary else {
            return Ok(self.hosts[0].clone());
        };
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(primary);
        let mut last = None;
        for (index, sentinel) in self.hosts.iter().enumerate() {
            // One that does not answer leaves the others their share, and the primary as much as one of them.
            let shares = u32::try_from(self.hosts.len() - index + 1).unwrap_or(u32::MAX);
            let share = Deadline(Instant::now() + deadline.left()? / shares);
            let answer = self
                .open(sentinel, &self.login_to_sentinels, &share)
                .and_then(|mut line| ask::<Option<(String, u16)>>(&mut line, &question, &share));
            match answer {
                Ok(Some((host, port))) => return Ok(Host(host, port)),
                Ok(None) => last = Some((ErrorKind::MasterNameNotFoundBySentinel, "").into()),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| (ErrorKind::EmptySentinelList, "").into()))
    }

    /// A connection on which locks can be asked for.
    fn connect(&self, host: &Host, deadline: &Deadline) -> RedisResult<Connection> {
        let mut connection = self.open(host, &self.login, deadline)?;
        if self.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(self.database);
            ask::<()>(&mut connection, &select, deadline)?;
        }
        Ok(connection)
    }

    fn open(&self, host: &Host, login: &Login, deadline: &Deadline) -> RedisResult<Connection> {
        // Each address of the host is tried for the whole of the timeout.
        let Host(name, port) = host;
        let addresses = (&**name, *port).to_socket_addrs()?.count();
        let share = deadline.left()? / u32::try_from(addresses).unwrap_or(u32::MAX).max(1);
        let mut connection = self.client(host)?.get_connection_with_timeout(share)?;
        if let Some(login) = login.command() {
            ask::<()>(&mut connection, &login, deadline).map_err(without_words)?;
        }
        Ok(connection)
    }

    fn client(&self, Host(name, port): &Host) -> RedisResult<Client> {
        let (host, port) = (name.clone(), *port);
        // It logs in and selects by itself, but with a timeout for each answer.
        let quiet = |address: ConnectionAddr| {
            Ok::<_, RedisError>(
                address
                    .into_connection_info()?
                    .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name())
                    .set_tcp_settings(TcpSettings::default().set_nodelay(true)),
            )
        };
        match &self.tls {
            None => Client::open(quiet(ConnectionAddr::Tcp(host, port))?),
            #[cfg(feature = "redis-tls")]
            Some(tls) => {
                let address = ConnectionAddr::TcpTls {
                    host,
                    port,
                    insecure: false,
                    tls_params: None,
                };
                Client::build_with_tls(quiet(address)?, tls.clone())
            }
            #[cfg(not(feature = "redis-tls"))]
            Some(never) => match *never {},
        }
    }
}

impl Host {
    fn parse(text: &str, port: u16) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons are those of an IPv6 address.
            Some((_, rest)) if rest.contains(']') => (text, port),
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, port),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_understood = !host.is_empty() && (bare.is_some() || !host.contains([':', '[', ']']));
        is_understood.then(|| Self(bare.unwrap_or(host).to_owned(), port))
    }
}

impl Login {
    fn command(&self) -> Option<Cmd> {
        if self.user.is_none() && self.password.is_none() {
            return None;
        }
        let mut command = redis::cmd("AUTH");
        command.arg(&self.user);
        command.arg(self.password.as_deref().unwrap_or_default());
        Some(command)
    }
}

/// What stands behind the `?`.
struct Settings(Vec<(String, String)>);

impl Settings {
    fn take(&mut self, key: &str) -> Option<String> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.swap_remove(index).1)
    }

    #[cfg(not(feature = "redis-tls"))]
    #[expect(clippy::unused_self, reason = "as with TLS")]
    fn tls(&mut self, place: &Path) -> Result<Tls> {
        let what =
            "needs the feature `redis-tls` of livinglock, which is off; turn it on in Cargo.toml";
        Err(Error::unfit(place, what))
    }

    #[cfg(feature = "redis-tls")]
    fn tls(&mut self, place: &Path) -> Result<Tls> {
        let mut file = |key| {
            let read = |path| {
                std::fs::read(&path).map_err(|error| {
                    let kind = error.kind();
                    let what = format!("has a `{key}` that cannot be read: {path}: {kind}");
                    Error::unfit(place, what)
                })
            };
            self.take(key).map(read).transpose()
        };
        let (root_cert, cert, key) = (file("ca")?, file("cert")?, file("key")?);
        let client_tls = match (cert, key) {
            (Some(client_cert), Some(client_key)) => Some(redis::ClientTlsConfig {
                client_cert,
                client_key,
            }),
            (None, None) => None,
            _ => {
                let what = "has only one of `cert` and `key`; a client shows both, or none";
                return Err(Error::unfit(place, what));
            }
        };
        // Where several are compiled in there is no default, unless the program has set one.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Tls {
            client_tls,
            root_cert,
        })
    }
}

fn ask<T: FromRedisValue>(
    connection: &mut Connection,
    question: &Cmd,
    deadline: &Deadline,
) -> RedisResult<T> {
    let left = deadline.left()?;
    connection.set_write_timeout(Some(left))?;
    connection.set_read_timeout(Some(left))?;
    question.query(connection)
}

/// Where the lock is that was asked for here, if another node of a Cluster has it.
fn moved(error: &RedisError, asked: &Host) -> Option<Host> {
    if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
        return None;
    }
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    // The same one, if it does not know how it is called from here.
    let host = if host.is_empty() { &asked.0 } else { host };
    Some(Host(host.to_owned(), port.parse().ok()?))
}

/// The refusal of a login, whose words might repeat the password; what says that nobody may connect stays.
fn without_words(error: RedisError) -> RedisError {
    let detail = error.detail().unwrap_or_default();
    if error.is_io_error()
        || error.code() == Some("DENIED")
        || detail.contains("max number of clients")
    {
        return error;
    }
    (ErrorKind::AuthenticationFailed, "").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<Server> {
        Server::new(&Url::parse(text)?, Path::new("place"))
    }

    #[test]
    fn hosts_have_a_default_port() {
        let host = |name: &str, port| Some(Host(name.to_owned(), port));
        assert_eq!(Host::parse("a", 1), host("a", 1));
        assert_eq!(Host::parse("a:2", 1), host("a", 2));
        assert_eq!(Host::parse("[::1]", 1), host("::1", 1));
        assert_eq!(Host::parse("[::1]:2", 1), host("::1", 2));
        for text in ["", ":2", "a:", "a:x", "::1", "a]", "a:70000"] {
            assert_eq!(Host::parse(text, 1), None, "{text}");
        }
    }

    #[test]
    fn a_url_says_where_and_who() {
        let server =
            server("redis+sentinel://u:p@a,b:2/main/3?sentinel_password=q").expect("a URL");
        assert_eq!(
            server.hosts,
            [Host("a".to_owned(), 26379), Host("b".to_owned(), 2)]
        );
        assert_eq!(server.primary.as_deref(), Some("main"));
        assert_eq!(server.database, 3);
        assert_eq!(server.login.password.as_deref(), Some("p"));
        let sentinels = &server.login_to_sentinels;
        assert_eq!(sentinels.password.as_deref(), Some("q"));
        let shown = format!("{server:?}");
        assert!(!shown.contains('q') && !shown.contains('p'), "{shown}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_remedy() {
        for (text, remedy) in [
            ("redis://", "write `host`"),
            ("redis://a:70000", "write `host`"),
            ("redis://a,b", "redis+sentinel://"),
            ("redis://a/x", "redis://host/0"),
            ("redis://a/-1", "redis://host/0"),
            ("redis://a?dbb=1", "`dbb`; remove"),
            ("redis://a?ca=/x", "`ca`; remove"),
            ("redis+sentinel://a", "redis+sentinel://host/primary"),
            #[cfg(not(feature = "redis-tls"))]
            ("rediss://a", "the feature `redis-tls`"),
            #[cfg(feature = "redis-tls")]
            ("rediss://a?ca=/nowhere/ca.pem", "cannot be read: /nowhere"),
            #[cfg(feature = "redis-tls")]
            ("rediss://a?key=/dev/null", "only one of"),
        ] {
            let error = server(text).expect_err(text).to_string();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }

    #[test]
    fn another_node_may_have_no_name() {
        let asked = Host("a".to_owned(), 1);
        let there = |detail: &str| {
            let moved_there = format!("-MOVED {detail}\r\n");
            let answer = redis::parse_redis_value(moved_there.as_bytes()).expect("an answer");
            moved(&answer.extract_error().expect_err("an error"), &asked)
        };
        assert_eq!(there("7 b:2"), Some(Host("b".to_owned(), 2)));
        assert_eq!(there("7 ::1:2"), Some(Host("::1".to_owned(), 2)));
        assert_eq!(there("7 :2"), Some(Host("a".to_owned(), 2)));
    }
}

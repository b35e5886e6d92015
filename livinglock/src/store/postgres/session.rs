//! One connection to the server, with every call under a deadline.

use std::{
    future::Future,
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    runtime::{Builder, Runtime},
    time::timeout_at,
};
use tokio_postgres::{
    Client, Config, Row,
    config::Host,
    types::{ToSql, Type},
};

use super::{
    schema::Table,
    trouble::{self, Trouble},
};
use crate::{
    error::{Error, Result},
    store::url::Url,
};

/// How a database is reached.
#[derive(Debug)]
pub(super) struct Settings {
    config: Config,
    tls: Tls,
    pub(super) table: Table,
    /// Whether the end of a session may prove the end of its process.
    proves: bool,
}

#[derive(Debug)]
enum Tls {
    Off,
    #[cfg(feature = "postgres-tls")]
    On(super::tls::Connector),
}

impl Settings {
    pub(super) fn parse(url: &Url, place: &Path) -> Result<Self> {
        let mut schema = None;
        let mut is_encrypted = false;
        let mut authority = None;
        let mut proves = true;
        for (key, value) in &url.query {
            match (&**key, &**value) {
                ("schema", name) => schema = Some(name),
                ("sslmode", "require" | "verify-ca" | "verify-full") => is_encrypted = true,
                ("sslmode", "disable" | "allow" | "prefer") | ("session_proof", "on") => {}
                ("sslmode", _) => {
                    return Err(Error::unfit(
                        place,
                        "has an unknown `sslmode`; use `disable`, or `require`, which checks the certificate too",
                    ));
                }
                ("sslrootcert", file) => authority = Some(file),
                ("session_proof", "off") => proves = false,
                ("session_proof", _) => {
                    return Err(Error::unfit(
                        place,
                        "has an unknown `session_proof`; use `on` or `off`",
                    ));
                }
                _ => {}
            }
        }
        let mut config: Config =
            without_ours(&url.whole)
                .parse()
                .map_err(|error: tokio_postgres::Error| {
                    // It names options, and no values of them.
                    let why = trouble::cause(&error);
                    Error::unfit(place, format!("is no URL of PostgreSQL: {why}; correct it"))
                })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::unfit(
                place,
                "names no server; write its host, as in postgres://db1/app",
            ));
        }
        if config.get_application_name().is_none() {
            config.application_name("livinglock");
        }
        if config.get_user().is_none() {
            return Err(Error::unfit(
                place,
                "names no user; write one, as in postgres://alice@db1/app",
            ));
        }
        Ok(Self {
            tls: Tls::new(is_encrypted, authority, &mut config, place)?,
            config,
            table: Table::in_schema(schema),
            proves,
        })
    }
}

impl Tls {
    #[cfg(feature = "postgres-tls")]
    fn new(
        is_encrypted: bool,
        authority: Option<&str>,
        config: &mut Config,
        place: &Path,
    ) -> Result<Self> {
        use tokio_postgres::config::SslMode;
        if is_encrypted {
            config.ssl_mode(SslMode::Require);
            super::tls::Connector::trusting(authority, place).map(Self::On)
        } else {
            config.ssl_mode(SslMode::Disable);
            Ok(Self::Off)
        }
    }

    #[cfg(not(feature = "postgres-tls"))]
    fn new(
        is_encrypted: bool,
        _authority: Option<&str>,
        config: &mut Config,
        place: &Path,
    ) -> Result<Self> {
        if is_encrypted {
            return Err(Error::unfit(
                place,
                "asks for TLS, which needs the feature `postgres-tls` of livinglock; turn it on in Cargo.toml",
            ));
        }
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        Ok(Self::Off)
    }
}

/// The URL without the parameters that are ours, or known to libpq alone.
fn without_ours(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let theirs: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let key = pair.split('=').next().unwrap_or_default();
            !matches!(
                key,
                "schema" | "session_proof" | "sslmode" | "sslrootcert" | ""
            )
        })
        .collect();
    if theirs.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", theirs.join("&"))
    }
}

/// The longest time that a server can be told to keep a silent session, in seconds (`tcp_keepalives_idle`).
const LONGEST_KEPT: u64 = 32_767;

pub(super) struct Session {
    // Before the runtime, which it needs to say goodbye.
    client: Client,
    runtime: Private,
    /// Nothing is between us and the server: the session ends with this process, or with the server.
    pub(super) is_direct: bool,
}

impl Session {
    /// Connects to the first server that answers and takes writes.
    pub(super) fn open(
        settings: &Settings,
        kept_for: Option<Duration>,
        deadline: Instant,
    ) -> std::result::Result<Self, Trouble> {
        let runtime = Private::new()?;
        let hosts = addresses(&settings.config);
        let mut trouble = Trouble::Closed;
        for (index, (host, port)) in hosts.iter().enumerate() {
            // A server that does not answer must leave time for the others.
            let left = deadline.saturating_duration_since(Instant::now());
            let others = u32::try_from(hosts.len() - index).unwrap_or(u32::MAX);
            let share = Instant::now() + left / others;
            match runtime.within(share, connect(settings, host, *port, kept_for)) {
                Ok((client, is_direct)) => {
                    return Ok(Self {
                        client,
                        runtime,
                        is_direct,
                    });
                }
                Err(Trouble::TimedOut) => trouble = Trouble::Mute,
                Err(failed) => trouble = failed,
            }
        }
        Err(trouble)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs one statement, in one round trip and without a name for it: a pool in transaction mode may stand between.
    pub(super) fn query(
        &self,
        statement: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
        deadline: Instant,
    ) -> std::result::Result<Vec<Row>, Trouble> {
        self.runtime.within(deadline, async {
            Ok(self.client.query_typed(statement, parameters).await?)
        })
    }
}

/// A runtime for one connection. Dropped, it waits for nobody, not even for a name that is being looked up.
struct Private(Option<Runtime>);

impl Private {
    fn new() -> std::result::Result<Self, Trouble> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn within<T>(
        &self,
        deadline: Instant,
        call: impl Future<Output = std::result::Result<T, Trouble>>,
    ) -> std::result::Result<T, Trouble> {
        let Some(runtime) = &self.0 else {
            return Err(Trouble::Closed);
        };
        runtime
            .block_on(async { timeout_at(deadline.into(), call).await })
            .unwrap_or(Err(Trouble::TimedOut))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The servers, each with its port.
fn addresses(config: &Config) -> Vec<(Host, u16)> {
    let ports = config.get_ports();
    let port = |index| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    // Addresses stand in for names, to spare the look-up.
    if config.get_hosts().is_empty() {
        let addresses = config.get_hostaddrs().iter();
        return addresses
            .enumerate()
            .map(|(index, address)| (Host::Tcp(address.to_string()), port(index)))
            .collect();
    }
    let hosts = config.get_hosts().iter().cloned();
    hosts
        .enumerate()
        .map(|(index, host)| (host, port(index)))
        .collect()
}

async fn connect(
    settings: &Settings,
    host: &Host,
    port: u16,
    kept_for: Option<Duration>,
) -> std::result::Result<(Client, bool), Trouble> {
    let (client, own) = match host {
        Host::Tcp(name) => {
            let stream = TcpStream::connect((&**name, port)).await?;
            stream.set_nodelay(true)?;
            let own = stream.local_addr()?;
            let client = shake_hands(settings, stream, name).await?;
            (client, Some((own.ip().to_canonical(), own.port())))
        }
        Host::Unix(folder) => {
            let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
            // A pool has sockets too, and the server says no more of either than that it is one.
            (shake_hands(settings, stream, "localhost").await?, None)
        }
    };
    let seen = client
        .query_typed(
            "SELECT host(inet_client_addr()), inet_client_port(), pg_is_in_recovery()",
            &[],
        )
        .await?;
    let seen = seen.first().ok_or(Trouble::Closed)?;
    if seen.get(2) {
        return Err(Trouble::Standby);
    }
    let theirs = match (seen.get::<_, Option<&str>>(0), seen.get(1)) {
        (Some(address), Some(port)) => {
            let address: Option<IpAddr> = address.parse().ok();
            let port: i32 = port;
            address.map(|address| (address.to_canonical(), u16::try_from(port).unwrap_or(0)))
        }
        _ => None,
    };
    let is_direct = match kept_for {
        Some(length)
            if settings.proves && is_the_same(own, theirs) && length.as_secs() < LONGEST_KEPT =>
        {
            keep(&client, length).await?;
            true
        }
        _ => false,
    };
    Ok((client, is_direct))
}

/// Whether our end of the connection is the one that the server sees. Two that are not known may be two.
fn is_the_same(own: Option<(IpAddr, u16)>, theirs: Option<(IpAddr, u16)>) -> bool {
    own.is_some() && own == theirs
}

async fn shake_hands<S>(
    settings: &Settings,
    stream: S,
    host: &str,
) -> std::result::Result<Client, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match &settings.tls {
        Tls::Off => {
            let _ = host;
            let (client, connection) = settings
                .config
                .connect_raw(stream, tokio_postgres::NoTls)
                .await?;
            tokio::spawn(connection);
            Ok(client)
        }
        #[cfg(feature = "postgres-tls")]
        Tls::On(connector) => {
            let tls = connector
                .to::<S>(host)
                .map_err(|error| Trouble::Io(std::io::Error::other(error)))?;
            let (client, connection) = settings.config.connect_raw(stream, tls).await?;
            tokio::spawn(connection);
            Ok(client)
        }
    }
}

/// Has the server keep the session for at least as long as a lease, though it hears nothing of us, so that it ends with us alone.
async fn keep(client: &Client, length: Duration) -> std::result::Result<(), Trouble> {
    let seconds = (length.as_secs() + 1).to_string();
    let milliseconds = length.as_millis().saturating_add(1000).to_string();
    // Those of them that this server has.
    client
        .query_typed(
            "SELECT set_config(name, value, false)
             FROM (VALUES ('tcp_keepalives_idle', $1), ('tcp_user_timeout', $2), ('idle_session_timeout', '0')) AS wanted (name, value)
             WHERE current_setting(name, true) IS NOT NULL",
            &[(&seconds, Type::TEXT), (&milliseconds, Type::TEXT)],
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_whose_ends_are_not_known_may_have_a_pool_in_between() {
        let end = |port| Some((IpAddr::from([10, 0, 0, 1]), port));
        assert!(is_the_same(end(40_000), end(40_000)));
        assert!(!is_the_same(end(40_000), end(40_001)));
        assert!(!is_the_same(end(40_000), None));
        assert!(!is_the_same(None, end(40_000)));
        assert!(!is_the_same(None, None));
    }

    #[test]
    fn parameters_that_are_ours_do_not_reach_the_client() {
        for (url, rest) in [
            ("postgres://a/b?schema=x", "postgres://a/b"),
            (
                "postgres://a/b?schema=x&connect_timeout=3&sslmode=require",
                "postgres://a/b?connect_timeout=3",
            ),
            ("postgres://a/b", "postgres://a/b"),
        ] {
            assert_eq!(without_ours(url), rest);
        }
    }
}

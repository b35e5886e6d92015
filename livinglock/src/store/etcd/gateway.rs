//! The client of the JSON gateway, of which every server of a cluster has one.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::{Agent, http::Uri};

use super::{
    call::Call,
    refusal::{Answer, Refusal},
    tls,
    words::Authenticated,
};
use crate::{
    error::{Error, Result},
    report,
    store::url::Url,
};

/// The client of all servers of a cluster.
pub(super) struct Gateway {
    place: PathBuf,
    servers: Vec<Server>,
    user: Option<String>,
    password: String,
    agent: Agent,
    state: Mutex<State>,
}

struct Server {
    host: String,
    base: String,
}

#[derive(Default)]
struct State {
    /// The server that has answered last.
    favourite: usize,
    /// Who we are, by the word of the cluster.
    token: Option<String>,
}

/// Without the password.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gateway").field(&self.place).finish()
    }
}

impl Gateway {
    pub(super) fn new(url: &Url, place: &Path) -> Result<Self> {
        let is_secure = url.scheme == "etcds";
        let unfit = |what: &str| Err(Error::unfit(place, what));
        let mut ca = None;
        for (key, value) in &url.query {
            match &**key {
                "ca" if is_secure => ca = Some(value.as_str()),
                "ca" => return unfit("has a `ca` and no TLS; write etcds:// for it"),
                _ => return unfit("has an unknown setting after the `?`; the only one is `ca`"),
            }
        }
        let scheme = if is_secure { "https" } else { "http" };
        let servers: Vec<_> = url
            .hosts
            .split(',')
            .filter_map(|host| Server::new(scheme, host))
            .collect();
        if servers.len() != url.hosts.split(',').count() {
            return unfit("names a server that cannot be; write host:port, with commas in between");
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None);
        if is_secure {
            config = tls::secured(config, ca, place)?;
        }
        Ok(Self {
            place: place.to_owned(),
            servers,
            user: url.user.clone(),
            password: url.password.clone().unwrap_or_default(),
            agent: config.build().into(),
            state: Mutex::default(),
        })
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Begins a call that may take so long.
    pub(super) fn call(&self, action: &'static str, timeout: Duration) -> Call<'_> {
        Call {
            gateway: self,
            action,
            deadline: Instant::now() + timeout,
        }
    }

    /// Asks as the user of the URL, if it has one.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        body: &Value,
        deadline: Instant,
    ) -> Answer<T> {
        let Some(user) = &self.user else {
            return self.ask_any(what, body, None, deadline);
        };
        // Tokens are forgotten: after some minutes, by a restart, and when users change.
        let known = self.state().token.clone();
        if known.is_some() {
            match self.ask_any(what, body, known.as_deref(), deadline) {
                Err(Refusal::Stranger) => {}
                answer => return answer,
            }
        }
        let login = json!({"name": user, "password": self.password});
        let Authenticated { token } = self.ask_any("auth/authenticate", &login, None, deadline)?;
        self.state().token = Some(token.clone());
        match self.ask_any(what, body, Some(&token), deadline) {
            Err(Refusal::Stranger) => Err(Refusal::Passing("its users change just now".to_owned())),
            answer => answer,
        }
    }

    /// Asks one server after the other, and leaves time for each.
    fn ask_any<T: DeserializeOwned>(
        &self,
        what: &str,
        body: &Value,
        token: Option<&str>,
        deadline: Instant,
    ) -> Answer<T> {
        let count = self.servers.len();
        let first = self.state().favourite;
        let mut reasons = Vec::new();
        let mut lasting = None;
        for turn in 0..count {
            let which = (first + turn) % count;
            let server = &self.servers[which];
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(count - turn).unwrap_or(u32::MAX);
            match self.ask_one(server, what, body, token, share) {
                Ok(answer) => {
                    self.state().favourite = which;
                    return Ok(answer);
                }
                Err(Refusal::Stranger) => return Err(Refusal::Stranger),
                Err(Refusal::Lasting(why)) => lasting = Some(why),
                Err(Refusal::Passing(why)) if count == 1 => reasons.push(why),
                Err(Refusal::Passing(why)) => reasons.push(format!("{}: {why}", server.host)),
            }
        }
        Err(lasting.map_or(Refusal::Passing(reasons.join("; ")), Refusal::Lasting))
    }

    fn ask_one<T: DeserializeOwned>(
        &self,
        server: &Server,
        what: &str,
        body: &Value,
        token: Option<&str>,
        timeout: Duration,
    ) -> Answer<T> {
        let mut request = self
            .agent
            .post(format!("{}/v3/{what}", server.base))
            .config()
            .timeout_global(Some(timeout))
            .build()
            .content_type("application/json");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let answered = request.send(body.to_string()).and_then(|mut answer| {
            let status = answer.status().as_u16();
            answer.body_mut().read_to_vec().map(|body| (status, body))
        });
        let (status, body) = answered.map_err(|error| why_none(error, timeout))?;
        if status != 200 {
            return Err(Refusal::of(status, &body, self.user.as_deref()));
        }
        serde_json::from_slice(&body).map_err(|_| Refusal::foreign())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// A server with the usual port if it has none; `None` if there can be no such one.
    fn new(scheme: &str, host: &str) -> Option<Self> {
        let uri: Uri = format!("{scheme}://{host}").parse().ok()?;
        let authority = uri.authority()?;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => 2379,
            None => return None,
        };
        let base = format!("{scheme}://{}:{port}", authority.host());
        Some(Self {
            host: host.to_owned(),
            base,
        })
    }
}

/// Why there was no answer.
fn why_none(error: ureq::Error, timeout: Duration) -> Refusal {
    use std::io::ErrorKind;

    match error {
        ureq::Error::Timeout(_) => Refusal::Passing(format!(
            "it did not answer within {}",
            report::span(timeout)
        )),
        ureq::Error::Io(error) if error.kind() == ErrorKind::InvalidData => untrusted(&error),
        // Not always, but then it is the only hint.
        ureq::Error::Io(error)
            if matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            Refusal::Passing(
                "it closed the connection before it answered; if it always does, it is no etcd, or one that wants TLS (etcds://) or none (etcd://)".to_owned(),
            )
        }
        ureq::Error::Io(error) => Refusal::Passing(error.to_string()),
        ureq::Error::Protocol(_) => Refusal::foreign(),
        #[cfg(feature = "etcd-tls")]
        ureq::Error::Rustls(error) => untrusted(&error),
        error => Refusal::Passing(error.to_string()),
    }
}

fn untrusted(error: &dyn fmt::Display) -> Refusal {
    Refusal::Lasting(format!(
        "cannot be trusted: {error}; name the file of its authority, as in etcds://host?ca=/etc/etcd/ca.pem"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(url: &str) -> Result<Gateway> {
        let url = Url::parse(url)?;
        Gateway::new(&url, &url.place(None))
    }

    #[test]
    fn servers_have_the_usual_port_unless_they_have_another() {
        let bases = |url: &str| -> Vec<_> {
            let servers = gateway(url).expect(url).servers;
            servers.into_iter().map(|server| server.base).collect()
        };
        assert_eq!(
            bases("etcd://a,b:1,[::1],[::1]:2/p"),
            [
                "http://a:2379",
                "http://b:1",
                "http://[::1]:2379",
                "http://[::1]:2"
            ]
        );
    }

    #[test]
    fn a_url_that_cannot_be_is_refused_with_a_remedy() {
        for (url, remedy) in [
            ("etcd://", "write host:port"),
            ("etcd://a,,b", "write host:port"),
            ("etcd://a b", "write host:port"),
            ("etcd://a:99999", "write host:port"),
            ("etcd://a?ca=/x", "etcds://"),
            ("etcd://a?pool=3", "the only one"),
            #[cfg(not(feature = "etcd-tls"))]
            ("etcds://a", "turn it on"),
            #[cfg(feature = "etcd-tls")]
            ("etcds://a?ca=/dev/null", "no certificate"),
        ] {
            let error = gateway(url).expect_err(url).to_string();
            assert!(error.contains(remedy), "{url}: {error}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        let gateway = gateway("etcd://ann:s3cret@a").expect("a gateway");
        assert!(!format!("{gateway:?}").contains("s3cret"));
    }
}

//! The client of the server that is pinged.

use std::{io, time::Duration};

use ureq::Agent;

use super::address::Address;
use crate::{https, report};

/// The client of the server that is pinged.
#[derive(Debug)]
pub(super) struct Client(Agent);

/// Why a ping did not arrive.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may the next time.
    Passing(String),
    /// It never will.
    Lasting(String),
}

impl Trouble {
    pub(super) fn into_words(self) -> String {
        match self {
            Self::Passing(words) | Self::Lasting(words) => words,
        }
    }
}

/// No answer is longer, as far as anybody wants to know, in bytes.
const LONGEST_ANSWER: u64 = 100;

impl Client {
    /// Reads the authorities that this system trusts, if it takes any.
    pub(super) fn of(address: &Address) -> Self {
        // Pings are far between, and what comes back from elsewhere than the address is none of its answers. The proxy is that of the
        // environment: other than a store, the server may well be outside.
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .user_agent(concat!("livinglock/", env!("CARGO_PKG_VERSION")));
        if address.is_secure {
            let authorities = rustls_native_certs::load_native_certs().certs;
            config = config.tls_config(https::trusting(&authorities));
        }
        Self(config.build().into())
    }

    /// Sends it, and waits at most so long for the answer.
    pub(super) fn post(&self, url: &str, body: &str, timeout: Duration) -> Result<(), Trouble> {
        let answered = self
            .0
            .post(url)
            .config()
            .timeout_global(Some(timeout))
            .build()
            .content_type("text/plain; charset=utf-8")
            .send(body);
        let mut answer = answered.map_err(|error| why_none(error, timeout))?;
        let status = answer.status();
        if !status.is_success() {
            let words = format!("it answered {status}");
            return Err(match status.as_u16() {
                408 | 425 | 429 | 500.. => Trouble::Passing(words),
                301 | 302 | 307 | 308 => {
                    Trouble::Lasting(format!("{words}; write the URL that it has moved to"))
                }
                _ => Trouble::Lasting(words),
            });
        }
        // It has arrived, whether we hear all of the answer or not.
        let mut words = Vec::new();
        let mut reader = io::Read::take(answer.body_mut().as_reader(), LONGEST_ANSWER);
        let _ = io::Read::read_to_end(&mut reader, &mut words);
        let words = String::from_utf8_lossy(&words);
        // healthchecks.io says so of what it does not count: `OK (not found)`, `OK (rate limited)`.
        if words.starts_with("OK (") {
            return Err(Trouble::Lasting(format!(
                "it answered \"{}\"",
                words.trim()
            )));
        }
        Ok(())
    }
}

/// Why there was no answer, without the URL.
fn why_none(error: ureq::Error, timeout: Duration) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => Trouble::Passing(report::ping::no_answer(timeout)),
        ureq::Error::HostNotFound => Trouble::Passing("there is no host of that name".to_owned()),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => untrusted(&error),
        ureq::Error::Io(error) => Trouble::Passing(error.to_string()),
        ureq::Error::Rustls(error) => untrusted(&error),
        ureq::Error::Protocol(_) => Trouble::Lasting("it does not speak HTTP".to_owned()),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            Trouble::Passing("the proxy that the environment names lets nobody through".to_owned())
        }
        // Some of these would show the URL.
        _ => Trouble::Lasting("it cannot be asked".to_owned()),
    }
}

fn untrusted(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Lasting(format!(
        "it cannot be trusted: {error}; install the certificates of its authority, or name their file in `SSL_CERT_FILE`"
    ))
}

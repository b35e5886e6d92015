//! The URL that is pinged.

use std::fmt;

use ureq::http::Uri;

/// The URL that is pinged. Whoever knows all of it can ping as well, so no more than its server is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    base: String,
    server: String,
    pub(super) is_secure: bool,
}

/// Without user, password and path.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.server).finish()
    }
}

impl Address {
    /// Reads a URL; why that cannot be pinged, without showing it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_URL: &str = "is none; write it like https://hc-ping.com/uuid";
        if text.contains(['?', '#']) {
            return Err("has a `?` or `#`; leave that out, and what follows");
        }
        let uri: Uri = text.parse().map_err(|_| NO_URL)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NO_URL);
        };
        let is_secure = match scheme {
            "http" => false,
            "https" => true,
            _ => {
                return Err(
                    "begins neither with http:// nor with https://; write it like https://hc-ping.com/uuid",
                );
            }
        };
        let host = authority.host();
        if host.is_empty() {
            return Err("has no host; write it like https://hc-ping.com/uuid");
        }
        let server = match authority.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None if authority.as_str().ends_with(host) => format!("{scheme}://{host}"),
            None => {
                return Err(
                    "has a port that is no number; in a user and a password write `%2F` for `/`",
                );
            }
        };
        // Else a `/` in a password ends it, and what is left of it is shown as the server.
        if uri.path().contains('@') {
            return Err(
                "has an `@` in its path; in a user and a password write `%2F` for `/` and `%40` for `@`",
            );
        }
        Ok(Self {
            base: text.trim_end_matches('/').to_owned(),
            server,
            is_secure,
        })
    }

    /// Scheme, host and port.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Where something is told of the run that this record describes: `/start`, `/fail`, a status, or nothing for success.
    ///
    /// By the run's number a server knows which end belongs to which beginning. It is one that nobody else has, written as a UUID.
    pub(super) fn of(&self, event: &str, owner: Option<&str>) -> String {
        let run = owner.and_then(uuid);
        let run = run.map_or_else(String::new, |uuid| format!("?rid={uuid}"));
        format!("{}{event}{run}", self.base)
    }
}

/// 32 hexadecimal digits as a UUID is written.
fn uuid(digits: &str) -> Option<String> {
    let is_number = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number.then(|| {
        [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ]
        .join("-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_the_number_of_the_run_come_to_the_end_of_the_url() {
        let owner = Some("00112233445566778899aabbccddeeff");
        for (url, event, whole) in [
            (
                "https://hc.example/a-b",
                "/start",
                "https://hc.example/a-b/start?rid=00112233-4455-6677-8899-aabbccddeeff",
            ),
            (
                "http://[::1]:8000/ping/key/slug/",
                "",
                "http://[::1]:8000/ping/key/slug?rid=00112233-4455-6677-8899-aabbccddeeff",
            ),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.of(event, owner), whole);
        }
        let address = Address::parse("https://hc.example").expect("a URL");
        assert_eq!(address.of("/fail", None), "https://hc.example/fail");
        assert_eq!(address.of("/7", Some("a name")), "https://hc.example/7");
    }

    #[test]
    fn no_more_than_the_server_is_shown() {
        for (url, server) in [
            ("https://ann:s3cret@hc.example/s3cret", "https://hc.example"),
            ("HTTPS://hc.example:8443/s3cret", "https://hc.example:8443"),
            ("http://[::1]/s3cret", "http://[::1]"),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.server(), server);
            assert_eq!(format!("{address:?}"), format!("Address({server:?})"));
        }
    }

    #[test]
    fn what_cannot_be_pinged_is_refused_and_not_shown() {
        for url in [
            "s3cret",
            "/s3cret",
            "ftp://hc.example/s3cret",
            "https:///s3cret",
            "https://:80/s3cret",
            "https://hc.example/s3cret?rid=1",
            "https://hc.example/s3cret#1",
            "https://hc.example:s3cret/",
            "https://ann:s3/cret@hc.example/",
            "https://hc.example/s3 cret",
            " https://hc.example/s3cret",
        ] {
            let why = Address::parse(url).expect_err(url);
            assert!(!why.contains("s3"), "{url}: {why}");
        }
    }
}

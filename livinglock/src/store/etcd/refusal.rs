//! Why etcd has not done what it was asked.

use std::path::Path;

use serde_json::Value;

use crate::error::Error;

pub(super) type Answer<T> = std::result::Result<T, Refusal>;

/// Why etcd has not done what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It might do it the next time.
    Passing(String),
    /// It will not, until somebody changes something.
    Lasting(String),
    /// It does not know who asks.
    Stranger,
}

impl Refusal {
    pub(super) fn into_error(self, action: &'static str, place: &Path) -> Error {
        match self {
            Self::Passing(why) => Error::in_store(action, place, why),
            Self::Lasting(what) => Error::unfit(place, what),
            Self::Stranger => Error::unfit(
                place,
                "asks for a user and a password; write them in the URL, as in etcd://user:password@host",
            ),
        }
    }

    /// What an answer with another status than 200 means.
    pub(super) fn of(status: u16, body: &[u8], user: Option<&str>) -> Self {
        let Some((code, message)) = said(body) else {
            return if status >= 500 {
                Self::Passing(format!("it answered with HTTP status {status}"))
            } else {
                Self::foreign()
            };
        };
        let says = |text| message.contains(text);
        if code == UNAUTHENTICATED
            || says("invalid auth token")
            || says("auth store is old")
            || says("user name is empty")
        {
            Self::Stranger
        } else if says("authentication failed") {
            Self::lasting("refuses this user or its password; correct them in the URL")
        } else if says("authentication is not enabled") {
            Self::lasting(
                "knows no users, as its authentication is off; leave user and password out of the URL, or turn it on",
            )
        } else if code == PERMISSION_DENIED {
            let user = user.unwrap_or("this client");
            Self::Lasting(format!(
                "does not let {user} read and write keys that begin with `livinglock/`; grant that to a role of it"
            ))
        } else {
            Self::Passing(message)
        }
    }

    /// Of what answers, but not as etcd does.
    pub(super) fn foreign() -> Self {
        Self::lasting(
            "does not answer as etcd does; use the client port of an etcd of version 3.4 or later, and etcds:// if it has TLS",
        )
    }

    pub(super) fn lasting(what: &str) -> Self {
        Self::Lasting(what.to_owned())
    }
}

const PERMISSION_DENIED: u64 = 7;
const UNAUTHENTICATED: u64 = 16;

/// The code and the message of an answer: of a stream's they are one level deeper.
fn said(body: &[u8]) -> Option<(u64, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let body = body
        .get("error")
        .filter(|it| it.is_object())
        .unwrap_or(&body);
    let code = body.get("code").or(body.get("grpc_code"))?.as_u64()?;
    let message = body.get("message").or(body.get("error"))?.as_str()?;
    Some((code, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::of(status, body.as_bytes(), Some("ann"))
    }

    #[test]
    fn what_may_pass_is_told_from_what_lasts() {
        for (status, body) in [
            (
                503,
                r#"{"error":"etcdserver: no leader","code":14,"message":"etcdserver: no leader"}"#,
            ),
            (
                503,
                r#"{"code":14,"message":"etcdserver: request timed out","details":[]}"#,
            ),
            (
                500,
                r#"{"error":{"grpc_code":2,"http_code":500,"message":"etcdserver: stopped"}}"#,
            ),
            (502, "<html>"),
        ] {
            assert!(
                matches!(refusal(status, body), Refusal::Passing(_)),
                "{body}"
            );
        }
        for (status, body, remedy) in [
            (
                400,
                r#"{"code":3,"message":"etcdserver: authentication failed, invalid user ID or password"}"#,
                "correct them",
            ),
            (
                400,
                r#"{"code":9,"message":"etcdserver: authentication is not enabled"}"#,
                "leave user",
            ),
            (
                403,
                r#"{"code":7,"message":"etcdserver: permission denied"}"#,
                "let ann read",
            ),
            (404, "404 page not found", "client port"),
            (
                400,
                "Client sent an HTTP request to an HTTPS server.",
                "etcds://",
            ),
        ] {
            let refusal = refusal(status, body);
            assert!(
                matches!(&refusal, Refusal::Lasting(what) if what.contains(remedy)),
                "{refusal:?}"
            );
        }
        for (status, body) in [
            (
                401,
                r#"{"error":"etcdserver: invalid auth token","code":16}"#,
            ),
            (
                400,
                r#"{"code":3,"message":"etcdserver: user name is empty"}"#,
            ),
        ] {
            assert_eq!(refusal(status, body), Refusal::Stranger);
        }
    }
}

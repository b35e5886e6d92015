//! What is told of a server that cannot be asked, or refuses.

use std::{path::Path, time::Duration};

use redis::{ErrorKind, RedisError};

use crate::{error::Error, report};

/// What a server says that will not change by waiting, and what is told of it.
const LASTING: [(&str, &str); 11] = [
    ("WRONGPASS", REFUSES_LOGIN),
    (
        "NOAUTH",
        "wants a password; write it into the URL, as in redis://user:password@host",
    ),
    (
        "DENIED",
        "refuses other machines, since it runs in protected mode; give it a password",
    ),
    ("NOPERM", LACKS_PERMISSION),
    ("ACL failure", LACKS_PERMISSION),
    (
        "WRONGTYPE",
        "has something else in its key; use another name for the lock, or delete the key `livinglock:{NAME}`",
    ),
    (
        "not allowed in cluster mode",
        "is a node of a Cluster, which has one database alone; leave the number out of the URL",
    ),
    (
        "DB index",
        "has no database of this number; correct it in the URL",
    ),
    (
        "SENTINEL",
        "is no Sentinel; write redis:// for the server itself",
    ),
    (
        "unknown command",
        "lacks a command that locks need; use Redis 5 or later, and one that does not rename `EVAL`",
    ),
    (
        "non deterministic",
        "cannot read its clock in a script that writes; use Redis 5 or later",
    ),
];

const REFUSES_LOGIN: &str = "refuses this user or password; correct it in the URL";
pub(super) const LACKS_PERMISSION: &str = "does not let this user do what locks need; permit `~livinglock:* +eval +time +hmget +hset +select +scan`";

/// What a server says that may change by waiting, and what is told of it.
const PASSING: [(&str, &str); 10] = [
    (
        "READONLY",
        "it is a replica, which does not write; the URL has to lead to the primary",
    ),
    ("MASTERDOWN", "it is a replica that has lost its primary"),
    ("LOADING", "it is still loading its data"),
    ("CLUSTERDOWN", "its Cluster is down"),
    ("MOVED", "its Cluster is moving the lock to another node"),
    ("ASK ", "its Cluster is moving the lock to another node"),
    ("OOM", "it has no memory left"),
    ("MISCONF", "it cannot write to its disk"),
    ("NOREPLICAS", "it has too few replicas to write"),
    ("max number of clients", "it has too many clients"),
];

/// The error of a call that had this much time.
pub(super) fn told(
    action: &'static str,
    place: &Path,
    timeout: Duration,
    error: &RedisError,
) -> Error {
    let passing = |why: String| Error::in_store(action, place, why);
    if error.is_timeout() {
        let is_secure = place.to_string_lossy().starts_with("rediss");
        // Without TLS it waits for the end of what it takes for the first line.
        let guess = if is_secure {
            "; if it never does, it may have no TLS (redis://)"
        } else {
            ""
        };
        let time = report::span(timeout);
        return passing(format!("it did not answer within {time}{guess}"));
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => return Error::unfit(place, REFUSES_LOGIN),
        ErrorKind::MasterNameNotFoundBySentinel => {
            return passing("the Sentinels know no primary of this name".to_owned());
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            let what = "does not answer as Redis does; correct the host and port in the URL";
            return Error::unfit(place, what);
        }
        ErrorKind::Io | ErrorKind::Client | ErrorKind::InvalidClientConfig => {
            return of_connection(place, error).unwrap_or_else(passing);
        }
        _ => {}
    }
    let [code, detail] = [error.code(), error.detail()].map(Option::unwrap_or_default);
    let said = format!("{code} {detail}");
    let among = |list: &[(&'static str, &'static str)]| {
        let meant = list.iter().find(|(words, _)| said.contains(words));
        meant.map(|(_, meaning)| *meaning)
    };
    if let Some(why) = among(&PASSING) {
        passing(why.to_owned())
    } else if let Some(what) = among(&LASTING) {
        Error::unfit(place, what)
    } else {
        passing(format!("it says: {}", said.trim_end()))
    }
}

/// What a connection has failed of; only words if that may pass.
fn of_connection(place: &Path, error: &RedisError) -> Result<Error, String> {
    let why = error.to_string();
    if error.is_connection_refusal() {
        return Err("nothing listens there: connection refused".to_owned());
    }
    if error.is_connection_dropped() {
        return Err("it has closed the connection; if it always does, it is no Redis, or one that wants TLS (rediss://)".to_owned());
    }
    let words = why.to_lowercase();
    let is_about_trust = ["certificate", "pem", "tls", "fatal alert"]
        .iter()
        .any(|word| words.contains(word));
    if is_about_trust {
        let remedy = "set `ca`, `cert` and `key` in the URL as the server needs them";
        return Ok(Error::unfit(
            place,
            format!("cannot be trusted: {why}; {remedy}"),
        ));
    }
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(answer: &str) -> Error {
        let answer = redis::parse_redis_value(format!("-{answer}\r\n").as_bytes());
        let error = answer.expect("an answer").extract_error();
        let second = Duration::from_secs(1);
        told(
            "acquire",
            Path::new("redis://h#n"),
            second,
            &error.expect_err("an error"),
        )
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for (answer, why) in [
            (
                "READONLY You can't write against a read only replica.",
                "a replica",
            ),
            // As Redis 6 says it.
            (
                "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't",
                "a replica",
            ),
            ("LOADING Redis is loading the dataset in memory", "loading"),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                "memory",
            ),
            ("ERR max number of clients reached", "too many clients"),
            ("SURPRISE of a later version", "it says: SURPRISE of"),
        ] {
            let error = told_of(answer);
            assert!(error.is_of_the_store(), "{error}");
            assert_eq!(error.to_string(), "failed to acquire redis://h#n");
            let text = report::chain(&error);
            assert!(text.contains(why), "{text}");
        }
    }

    #[test]
    fn what_lasts_has_a_remedy() {
        for (answer, remedy) in [
            ("NOAUTH Authentication required.", "write it into the URL"),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                "correct it",
            ),
            (
                "NOPERM User a has no permissions to run the 'eval' command",
                "+eval",
            ),
            (
                "ERR ACL failure in script: User a has no permissions",
                "+hset",
            ),
            ("ERR DB index is out of range", "correct it"),
            (
                "ERR SELECT is not allowed in cluster mode",
                "leave the number out",
            ),
            ("ERR unknown command 'SENTINEL', with args", "no Sentinel"),
            (
                "ERR unknown command 'EVAL', with args beginning with: 'x'",
                "Redis 5",
            ),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                "another name",
            ),
        ] {
            let error = told_of(answer);
            assert!(
                !error.is_of_the_store() && error.to_string().contains(remedy),
                "{error}"
            );
        }
    }
}

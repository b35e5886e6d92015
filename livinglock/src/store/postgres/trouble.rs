//! What goes wrong with a server, in one line with the remedy.

use std::{error::Error as _, io, path::Path};

use tokio_postgres::error::{DbError, SqlState};

use crate::error::Error;

#[derive(Debug)]
pub(super) enum Trouble {
    TimedOut,
    Closed,
    /// The only server that answers takes no writes.
    Standby,
    /// There is no table, and this user may not create it.
    NoTable,
    Io(io::Error),
    Server(tokio_postgres::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl Trouble {
    pub(super) fn is(&self, state: &SqlState) -> bool {
        matches!(self, Self::Server(error) if error.code() == Some(state))
    }

    /// Whether the next try may well succeed: the connection was broken, or others changed the same row.
    pub(super) fn may_pass_at_once(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.is_closed()
                    || matches!(
                        error.code(),
                        Some(
                            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED
                        )
                    )
            }
            _ => false,
        }
    }

    /// Whether the connection cannot be used any more: what comes next on it may be the answer to an earlier question.
    pub(super) fn breaks_the_session(&self) -> bool {
        match self {
            Self::Server(error) => error.as_db_error().is_none_or(|error| {
                // FATAL and PANIC end the session.
                !matches!(error.severity(), "ERROR")
            }),
            _ => true,
        }
    }

    pub(super) fn explain(self, action: &'static str, place: &Path) -> Error {
        match self {
            Self::TimedOut => Error::in_store(action, place, "the server does not answer in time"),
            Self::Closed => Error::in_store(action, place, "the connection was closed"),
            Self::Standby => Error::in_store(
                action,
                place,
                "the server is a standby, which takes no writes; name the primary, or all servers",
            ),
            Self::NoTable => Error::unfit(
                place,
                "has no table `livinglock`, and this user may not create one; run as its owner what `livinglock schema postgres` prints",
            ),
            Self::Io(error) => Error::in_store(action, place, error),
            Self::Server(error) => match error.as_db_error() {
                Some(answer) => refused(answer).map_or_else(
                    || Error::in_store(action, place, answer.message().to_owned()),
                    |why| Error::unfit(place, why),
                ),
                None if error.to_string().contains("password missing") => Error::unfit(
                    place,
                    "asks for a password, and the URL has none; write it there",
                ),
                None => {
                    // Its own text is only the kind of the error.
                    let cause = error
                        .source()
                        .map_or_else(|| error.to_string(), ToString::to_string);
                    Error::in_store(action, place, cause)
                }
            },
        }
    }
}

/// Why the server will not do it the next time either.
fn refused(answer: &DbError) -> Option<String> {
    let remedy = match *answer.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "correct the user and the password in the URL, or pg_hba.conf"
        }
        SqlState::INVALID_CATALOG_NAME => "create that database, or correct the URL",
        SqlState::INVALID_SCHEMA_NAME => "create that schema, or correct `schema` in the URL",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "grant this user SELECT, INSERT and UPDATE on the table `livinglock`, and USAGE on its schema"
        }
        SqlState::UNDEFINED_COLUMN => {
            "the table `livinglock` is not ours; use another schema with `?schema=`"
        }
        _ => return None,
    };
    Some(format!("refuses us: {}; {remedy}", answer.message()))
}

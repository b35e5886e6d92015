//! What goes wrong with a server, in one line with the remedy.

use std::{error::Error as _, io, path::Path};

use tokio_postgres::error::{DbError, SqlState};

use crate::error::Error;

#[derive(Debug)]
pub(super) enum Trouble {
    TimedOut,
    /// There was no answer to the first words either.
    Mute,
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
            Self::Mute => Error::in_store(
                action,
                place,
                "the server does not answer in time; see whether it runs, and whether the host and port in the URL are those of PostgreSQL",
            ),
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
                Some(answer) if *answer.code() == SqlState::READ_ONLY_SQL_TRANSACTION => {
                    let remedy = "it takes no writes; name the primary, or look at `default_transaction_read_only` of the user and the database";
                    Error::in_store(action, place, format!("{}: {remedy}", answer.message()))
                }
                Some(answer) => refused(answer).map_or_else(
                    || Error::in_store(action, place, answer.message().to_owned()),
                    |why| Error::unfit(place, why),
                ),
                None => {
                    let cause = cause(&error);
                    match remedy(&cause) {
                        Some(remedy) => Error::unfit(place, remedy),
                        None => Error::in_store(action, place, cause),
                    }
                }
            },
        }
    }
}

/// What an error of the client says: its own text is only of which kind it is.
pub(super) fn cause(error: &tokio_postgres::Error) -> String {
    let cause = error.source();
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

/// What is told of an error of the client that will come again, by its words: it has no others.
fn remedy(cause: &str) -> Option<&'static str> {
    match cause {
        "password missing" => Some("asks for a password, and the URL has none; write it there"),
        "server does not support TLS" => Some(
            "has no TLS, which `sslmode` in the URL asks for; turn it on there, or leave `sslmode` out",
        ),
        _ => None,
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
        SqlState::UNDEFINED_COLUMN
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::DATATYPE_MISMATCH
        | SqlState::WRONG_OBJECT_TYPE
        | SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
        | SqlState::INVALID_COLUMN_REFERENCE => {
            "the table `livinglock` is not ours; use another schema with `?schema=`"
        }
        _ => return None,
    };
    Some(format!("refuses us: {}; {remedy}", answer.message()))
}

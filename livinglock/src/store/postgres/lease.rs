//! A row that is ours for a time.

use std::{fmt, path::PathBuf, time::Duration};

use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{line::Line, trouble::Trouble, whole_milliseconds};
use crate::{
    error::Result,
    record::Record,
    store::{Farewell, Lease, Requests, Standing},
};

/// Begins the lease anew. `$1` and `$2` are the lock and its owner, here and below.
const RENEW: &str = "
UPDATE {table} SET record = $3, written = clock_timestamp(), expires = clock_timestamp() + $4 * interval '1 millisecond'
WHERE name = $1 AND owner = $2 AND expires > clock_timestamp() RETURNING COALESCE(stop = owner, false)";

/// Writes the record.
const NOTE: &str = "
UPDATE {table} SET record = $3, written = clock_timestamp()
WHERE name = $1 AND owner = $2 AND expires > clock_timestamp() RETURNING COALESCE(stop = owner, false)";

const LOOK: &str = "
SELECT COALESCE(stop = owner, false) FROM {table} WHERE name = $1 AND owner = $2 AND expires > clock_timestamp()";

/// Says which session ends with the holder: there is a new one, or none that does (`$3`).
const ATTACH: &str = "
UPDATE {table} SET (session_pid, session_start, server_start) = (
    SELECT pid, backend_start, pg_postmaster_start_time() FROM (SELECT) AS one
    LEFT JOIN pg_stat_activity ON pid = pg_backend_pid() AND $3)
WHERE name = $1 AND owner = $2";

const RELEASE: &str = "
UPDATE {table} SET owner = NULL, record = NULL, previous = NULL, expires = NULL, stop = NULL, session_pid = NULL
WHERE name = $1 AND owner = $2";

/// Leaves the record, and the lock so much longer (`$4`). What has run out is not prolonged.
const KEEP: &str = "
UPDATE {table} SET record = $3, written = clock_timestamp(), expires = clock_timestamp() + $4 * interval '1 millisecond',
    session_pid = NULL
WHERE name = $1 AND owner = $2 AND expires > clock_timestamp()";

/// The same, but no longer than the lease lasts.
const LEAVE: &str = "
UPDATE {table} SET record = $3, written = clock_timestamp(), expires = LEAST(expires, clock_timestamp() + $4 * interval '1 millisecond')
WHERE name = $1 AND owner = $2";

pub(super) struct PostgresLease {
    pub(super) place: PathBuf,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) length: Duration,
    pub(super) timeout: Duration,
    /// Somebody else ends what the job has started, so that the end of the session proves nothing.
    pub(super) has_keeper: bool,
    pub(super) line: Line,
}

impl fmt::Debug for PostgresLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresLease").field(&self.place).finish()
    }
}

impl PostgresLease {
    /// Runs a statement about our row.
    fn run(
        &mut self,
        action: &'static str,
        statement: &str,
        more: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>> {
        self.line.begin(self.timeout);
        let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            vec![(&self.name, Type::TEXT), (&self.owner, Type::TEXT)];
        parameters.extend_from_slice(more);
        self.line
            .rows(statement, &parameters)
            .map_err(|trouble| trouble.explain(action, &self.place))
    }

    /// How we stand by what a statement about our row has given.
    fn standing(&mut self, rows: &[Row]) -> Standing {
        let Some(row) = rows.first() else {
            return Standing::Lost;
        };
        if self.line.has_changed() && self.attach().is_err() {
            // Newcomers see that the session before has ended: they are told at the next call.
            self.line.tell_later();
        }
        Standing::Held(Requests {
            stop: row.get(0),
            ..Requests::default()
        })
    }

    fn attach(&mut self) -> std::result::Result<(), Trouble> {
        let is_direct = self.line.connect()?.is_direct && !self.has_keeper;
        self.line
            .rows(
                ATTACH,
                &[
                    (&self.name, Type::TEXT),
                    (&self.owner, Type::TEXT),
                    (&is_direct, Type::BOOL),
                ],
            )
            .map(drop)
    }
}

impl Lease for PostgresLease {
    fn length(&self) -> Option<Duration> {
        Some(self.length)
    }

    fn look(&mut self, _record: &Record) -> Result<Standing> {
        let rows = self.run("look at", LOOK, &[])?;
        Ok(self.standing(&rows))
    }

    fn renew(&mut self, record: &Record) -> Result<Standing> {
        let length = whole_milliseconds(self.length);
        let more: [(&(dyn ToSql + Sync), Type); 2] =
            [(&record.to_json(), Type::TEXT), (&length, Type::FLOAT8)];
        let rows = self.run("renew the lease in", RENEW, &more)?;
        Ok(self.standing(&rows))
    }

    fn note(&mut self, record: &Record) -> Result<Standing> {
        let rows = self.run("write to", NOTE, &[(&record.to_json(), Type::TEXT)])?;
        Ok(self.standing(&rows))
    }

    fn end(mut self: Box<Self>, farewell: Farewell<'_>) -> Result<()> {
        const ACTION: &str = "release the lock in";
        let Some(record) = farewell.record() else {
            return self.run(ACTION, RELEASE, &[]).map(drop);
        };
        let keep = whole_milliseconds(farewell.keep().unwrap_or_default());
        let more: [(&(dyn ToSql + Sync), Type); 2] =
            [(&record.to_json(), Type::TEXT), (&keep, Type::FLOAT8)];
        let statement = match farewell {
            Farewell::Kept(..) => KEEP,
            _ => LEAVE,
        };
        self.run(ACTION, statement, &more).map(drop)
    }
}

//! Locks in a PostgreSQL database: one row for each, one statement for each change, and the server's `clock_timestamp()` judges.
//!
//! | URL | what it leads to |
//! |---|---|
//! | `postgres://user:password@db1:5432/app` | one server; `postgresql://` is the same; password, port and database may be left out |
//! | `postgres://db1,db2:5433/app` | the first of several that answers and is no standby |
//! | `..?session_proof=off` | the end of a session proves nothing: see below |
//! | `..?schema=ops` | the table `livinglock` of this schema, instead of the first one in the search path |
//! | `..?sslmode=require&sslrootcert=/path/ca.pem` | by TLS (feature `postgres-tls`), trusting this CA instead of those of the system; the certificate is always checked. Without it TLS is not used |
//!
//! The other parameters are those of [`tokio_postgres::Config`](https://docs.rs/tokio-postgres/latest/tokio_postgres/config/struct.Config.html).
//! The table is created by the first job, if it may; otherwise its owner runs what `livinglock schema postgres` prints, and grants the job's
//! user SELECT, INSERT and UPDATE.
//!
//! Rows are never deleted, so that the token survives whatever becomes of the holder and the server. Every statement is complete in
//! itself and needs no session, so that a pool such as pgbouncer may stand between, in transaction mode as well.
//!
//! The server's clock is that of its wall: set forward by more than the `margin` of a job, it ends the job's lease before the job can know.
//!
//! One thing a session is good for. It ends with the process of its client, and a newcomer can see that in `pg_stat_activity` long
//! before the lease has run out. That is proof only if nothing else can have ended the session, or the holder would have made another
//! one: so it is taken for one only while the connection is a direct one (both ends see the same addresses), the server is the same
//! run still, no timeout of the server is shorter than the lease, and no other session has come for 15 seconds. It remains that
//! somebody ends the session of a living holder *and* keeps it from connecting for so long: an operator who takes the login from its
//! role, a firewall that resets what it then refuses. Where that may happen, turn the proof off by `session_proof=off`.

mod lease;
mod line;
mod schema;
mod session;
#[cfg(feature = "postgres-tls")]
mod tls;
mod trouble;

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_postgres::{Row, types::Type};

use self::{lease::PostgresLease, line::Line, session::Settings, trouble::Trouble};
use super::{Acquired, Attempt, Claim, DEFAULT_TIMEOUT, Request, Sighting, Store, url::Url};
use crate::{
    error::Result,
    predecessor::Predecessor,
    record::{Record, milliseconds},
};

/// The lock of one name in one database.
pub(super) struct Postgres {
    place: PathBuf,
    name: String,
    settings: Arc<Settings>,
    /// The connection of the last call, unless a lease has it now.
    line: Mutex<Option<Line>>,
    /// Which session of which owner was seen to have ended.
    ended: Mutex<HashMap<String, String>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.place).finish()
    }
}

/// What there is to see of a lock. `$1` is its name.
const LOOK: &str = "
SELECT owner, record, token,
       COALESCE(expires > clock_timestamp(), false),
       (EXTRACT(EPOCH FROM expires - clock_timestamp()) * 1000)::int8,
       (EXTRACT(EPOCH FROM clock_timestamp() - acquired) * 1000)::int8,
       (EXTRACT(EPOCH FROM clock_timestamp() - written) * 1000)::int8,
       COALESCE(stop = owner, false),
       session_pid IS NOT NULL AND server_start = pg_postmaster_start_time() AND NOT EXISTS (
           SELECT FROM pg_stat_activity AS a
           WHERE a.pid = l.session_pid AND (a.backend_start IS NULL OR a.backend_start = l.session_start)),
       session_pid || ' ' || session_start
FROM {table} AS l WHERE name = $1";

/// Takes a lock that nobody holds, or whose holder has gone (`$5`; by the end of the session `$6`, if that is how it is known).
///
/// Whoever asks again, since the answer was lost, gets the same answer: the same token, and the run before.
const ACQUIRE: &str = "
INSERT INTO {table} AS l (name, token, owner, record, acquired, written, expires, session_pid, session_start, server_start)
SELECT $1, 1, $2, $3, now, now, now + $4 * interval '1 millisecond', pid, backend_start, pg_postmaster_start_time()
FROM (SELECT clock_timestamp() AS now) AS clock
LEFT JOIN pg_stat_activity ON pid = pg_backend_pid() AND $7
ON CONFLICT (name) DO UPDATE SET
    token = l.token + CASE WHEN l.owner = $2 THEN 0 ELSE 1 END,
    previous = CASE WHEN l.owner = $2 THEN l.previous ELSE l.record END,
    owner = EXCLUDED.owner, record = EXCLUDED.record, stop = NULL,
    acquired = clock_timestamp(), written = clock_timestamp(), expires = clock_timestamp() + $4 * interval '1 millisecond',
    session_pid = EXCLUDED.session_pid, session_start = EXCLUDED.session_start, server_start = EXCLUDED.server_start
WHERE l.owner IS NULL OR l.expires <= clock_timestamp() OR l.owner = $2
   OR (l.owner = $5 AND ($6::text IS NULL OR $6 = l.session_pid || ' ' || l.session_start))
RETURNING token, previous";

/// Asks the holder `$2` to stop.
const ASK: &str = "
UPDATE {table} SET stop = owner WHERE name = $1 AND owner = $2 AND expires > clock_timestamp()";

#[cfg(feature = "cli")]
const NAMES: &str = "SELECT name FROM {table} ORDER BY name";

impl Postgres {
    pub(super) fn new(url: &Url, name: &str) -> Result<Self> {
        let place = url.place(Some(name));
        Ok(Self {
            settings: Arc::new(Settings::parse(url, &place)?),
            place,
            name: name.to_owned(),
            line: Mutex::default(),
            ended: Mutex::default(),
        })
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call by the connection that is there, or else by a new one.
    fn call<T>(
        &self,
        action: &'static str,
        timeout: Duration,
        call: impl FnOnce(&mut Line) -> std::result::Result<T, Trouble>,
    ) -> Result<T> {
        let mut line = self
            .line()
            .take()
            .unwrap_or_else(|| Line::new(self.settings.clone()));
        line.begin(timeout);
        let done = call(&mut line);
        self.line().get_or_insert(line);
        done.map_err(|trouble| trouble.explain(action, &self.place))
    }

    fn sighting(&self, rows: &[Row]) -> Sighting {
        let Some(row) = rows.first() else {
            return Sighting::default();
        };
        let age = |column| {
            let age: Option<i64> = row.get(column);
            age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or_default()))
        };
        let is_held: bool = row.get(3);
        let is_gone = is_held && row.get(8);
        if let Some(owner) = row.get::<_, Option<String>>(0) {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            match row.get::<_, Option<String>>(9).filter(|_| is_gone) {
                Some(session) => ended.insert(owner, session),
                None => ended.remove(&owner),
            };
        }
        Sighting {
            record: record(row.get(1), row.get(2)).map(Box::new),
            is_held,
            left: Some(age(4).unwrap_or_default()),
            held_for: age(5),
            written_ago: age(6),
            is_asked_to_stop: row.get(7),
            is_gone,
        }
    }
}

/// The record in a row, with the token of the row.
fn record(json: Option<&str>, token: i64) -> Option<Record> {
    let mut record = Record::from_json(json?)?;
    record.fencing_token = u64::try_from(token).unwrap_or_default();
    Some(record)
}

impl Store for Postgres {
    fn place(&self) -> &Path {
        &self.place
    }

    fn acquire(&self, claim: &Claim) -> Result<Attempt> {
        let length = claim.length();
        let done = self.call("acquire", claim.timeout, |line| {
            line.keep_for(length);
            let is_direct = line.connect()?.is_direct && claim.record.keeper_id == 0;
            // Known by the end of its session, or else by the end of its process.
            let session = claim.gone.as_ref().and_then(|owner| {
                let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                ended.get(owner).cloned()
            });
            let rows = line.rows(
                ACQUIRE,
                &[
                    (&self.name, Type::TEXT),
                    (&claim.record.owner, Type::TEXT),
                    (&claim.record.to_json(), Type::TEXT),
                    (&whole_milliseconds(length), Type::FLOAT8),
                    (&claim.gone, Type::TEXT),
                    (&session, Type::TEXT),
                    (&is_direct, Type::BOOL),
                ],
            )?;
            // Known with the row.
            line.has_changed();
            match rows.first() {
                Some(row) => Ok(Ok((row.get::<_, i64>(0), row.get::<_, Option<String>>(1)))),
                None => line.rows(LOOK, &[(&self.name, Type::TEXT)]).map(Err),
            }
        })?;
        let (token, previous) = match done {
            Ok(row) => row,
            Err(rows) => return Ok(Attempt::Busy(self.sighting(&rows))),
        };
        let mut record = claim.record.clone();
        record.fencing_token = u64::try_from(token).unwrap_or_default();
        let line = self
            .line()
            .take()
            .unwrap_or_else(|| Line::new(self.settings.clone()));
        // Each owner has the next token, and a new one's record is written before that is known.
        let previous = self::record(previous.as_deref(), token - 1);
        Ok(Attempt::Acquired(Acquired {
            lease: Box::new(PostgresLease {
                place: self.place.clone(),
                name: self.name.clone(),
                owner: record.owner.clone(),
                length,
                timeout: claim.timeout,
                has_keeper: record.keeper_id != 0,
                line,
            }),
            record,
            predecessor: previous.and_then(Predecessor::left),
        }))
    }

    fn look(&self) -> Result<Sighting> {
        let seen = self.call("look at", DEFAULT_TIMEOUT, |line| {
            line.rows_if_there(LOOK, &[(&self.name, Type::TEXT)])
        })?;
        Ok(self.sighting(&seen))
    }

    fn ask_to_stop(&self, owner: &str) -> Result<Request> {
        self.call("ask the holder of", DEFAULT_TIMEOUT, |line| {
            line.rows_if_there(ASK, &[(&self.name, Type::TEXT), (&owner, Type::TEXT)])
        })?;
        Ok(Request::standing())
    }
}

/// The names of all locks in a database.
#[cfg(feature = "cli")]
pub(super) fn names(url: &Url) -> Result<Vec<String>> {
    let place = url.place(None);
    let mut line = Line::new(Arc::new(Settings::parse(url, &place)?));
    line.begin(DEFAULT_TIMEOUT);
    let rows = line
        .rows_if_there(NAMES, &[])
        .map_err(|trouble| trouble.explain("list the locks in", &place))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The statements that create the table, for whoever may.
#[cfg(feature = "cli")]
pub(crate) fn schema(schema: Option<&str>) -> String {
    schema::Table::in_schema(schema).ddl()
}

fn whole_milliseconds(duration: Duration) -> f64 {
    // A lease of more than 52 bits of milliseconds outlasts everything.
    #[expect(clippy::cast_precision_loss, reason = "far beyond any lease")]
    let milliseconds = milliseconds(duration) as f64;
    milliseconds.min(1e15)
}

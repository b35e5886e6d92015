//! `PostgreSQL`.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{
    Client as Connection, NoTls, Row,
    types::{ToSql, Type},
};

use crate::{client::Client, ours};

// As in src/store/postgres.

const SEE: &str = "
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
FROM livinglock AS l WHERE name = $1";

const ACQUIRE: &str = "
INSERT INTO livinglock AS l (name, token, owner, record, acquired, written, expires, session_pid, session_start, server_start)
SELECT $1, 1, $2, $3, now, now, now + $4 * interval '1 millisecond', pid, backend_start, pg_postmaster_start_time()
FROM (SELECT clock_timestamp() AS now) AS clock
LEFT JOIN pg_stat_activity ON pid = pg_backend_pid() AND $7
ON CONFLICT (name) DO UPDATE SET
    token = l.token + 1, owner = EXCLUDED.owner, record = EXCLUDED.record, previous = l.record, stop = NULL,
    acquired = clock_timestamp(), written = clock_timestamp(), expires = clock_timestamp() + $4 * interval '1 millisecond',
    session_pid = EXCLUDED.session_pid, session_start = EXCLUDED.session_start, server_start = EXCLUDED.server_start
WHERE l.owner IS NULL OR l.expires <= clock_timestamp() OR l.owner = $2
   OR (l.owner = $5 AND ($6::text IS NULL OR $6 = l.session_pid || ' ' || l.session_start))
RETURNING token, previous";

const RENEW: &str = "
UPDATE livinglock SET record = $3, written = clock_timestamp(), expires = clock_timestamp() + $4 * interval '1 millisecond'
WHERE name = $1 AND owner = $2 AND expires > clock_timestamp() RETURNING COALESCE(stop = owner, false)";

const LOOK: &str = "
SELECT COALESCE(stop = owner, false) FROM livinglock WHERE name = $1 AND owner = $2 AND expires > clock_timestamp()";

const RELEASE: &str = "
UPDATE livinglock SET owner = NULL, record = NULL, previous = NULL, expires = NULL, stop = NULL, session_pid = NULL
WHERE name = $1 AND owner = $2";

const LENGTH: f64 = 3_600_000.0;

/// A connection, and what is said by it.
pub(super) struct Bare {
    // Before the runtime, which it needs to say goodbye.
    connection: Connection,
    runtime: Runtime,
    name: String,
    owner: String,
    record: String,
    is_held: bool,
}

impl Bare {
    pub(super) fn connect(port: u16, name: &str) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let connection = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls)
                .await
                .expect("a connection");
            tokio::spawn(connection);
            client
        });
        let record = ours::record();
        Self {
            connection,
            runtime,
            name: name.to_owned(),
            record: record.to_json(),
            owner: record.owner,
            is_held: false,
        }
    }

    fn run(&self, statement: &str, more: &[(&(dyn ToSql + Sync), Type)]) -> Vec<Row> {
        let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            vec![(&self.name, Type::TEXT), (&self.owner, Type::TEXT)];
        parameters.extend_from_slice(more);
        self.runtime
            .block_on(self.connection.query_typed(statement, &parameters))
            .expect("an answer")
    }
}

impl Client for Bare {
    fn make_ready(&mut self) {
        if self.is_held {
            self.release();
        }
    }

    fn acquire(&mut self) {
        let rows = self.run(
            ACQUIRE,
            &[
                (&self.record, Type::TEXT),
                (&LENGTH, Type::FLOAT8),
                (&None::<&str>, Type::TEXT),
                (&None::<&str>, Type::TEXT),
                (&true, Type::BOOL),
            ],
        );
        assert!(rows[0].get::<_, i64>(0) > 0);
        self.is_held = true;
    }

    fn look(&mut self) {
        assert!(!self.run(LOOK, &[])[0].get::<_, bool>(0));
    }

    fn renew(&mut self) {
        let more: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.record, Type::TEXT), (&LENGTH, Type::FLOAT8)];
        assert!(!self.run(RENEW, &more)[0].get::<_, bool>(0));
    }

    fn see(&mut self) {
        let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&self.name, Type::TEXT)];
        let rows = self
            .runtime
            .block_on(self.connection.query_typed(SEE, &parameters))
            .expect("an answer");
        assert!(rows[0].get::<_, bool>(3));
    }

    fn release(&mut self) {
        self.run(RELEASE, &[]);
        self.is_held = false;
    }
}

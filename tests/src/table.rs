//! A table of `PostgreSQL` that checks fencing tokens, as the data of a job should be kept.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

/// What the table is, for whoever creates it: the guarded row, and which tokens it has accepted, in their order.
pub const TABLE: &str = "
CREATE TABLE guarded (id integer PRIMARY KEY, token bigint NOT NULL);
INSERT INTO guarded VALUES (1, 0);
CREATE TABLE accepted (number bigserial PRIMARY KEY, token bigint NOT NULL);";

/// How often the table has accepted a token after it had accepted a greater one: never, if it guards anything.
pub const WRONGLY_ACCEPTED: &str = "
SELECT count(*) FROM (SELECT token < max(token) OVER (ORDER BY number) AS is_wrong FROM accepted) AS all_of_them WHERE is_wrong";

/// Writes only for a token that is not smaller than one that was seen before. The row is locked, so that writers take turns.
const WRITE: &str = "
WITH written AS (UPDATE guarded SET token = $1 WHERE id = 1 AND token <= $1 RETURNING token)
INSERT INTO accepted (token) SELECT token FROM written RETURNING number";

/// A connection to it.
pub struct Table {
    client: Client,
    runtime: Runtime,
}

impl Table {
    /// Connects to the table in this database.
    ///
    /// # Panics
    ///
    /// The database cannot be reached.
    #[must_use]
    pub fn open(url: &str) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls)
                .await
                .expect("connect to the table");
            tokio::spawn(connection);
            client
        });
        Self { client, runtime }
    }

    /// Writes to the table; whether it took that.
    ///
    /// # Panics
    ///
    /// The database cannot be asked.
    pub fn write(&self, token: u64) -> bool {
        let token = i64::try_from(token).expect("a token");
        let rows = self.runtime.block_on(self.client.query(WRITE, &[&token]));
        !rows.expect("write to the table").is_empty()
    }
}

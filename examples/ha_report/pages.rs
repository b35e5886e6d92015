//! The table that the report is written to, which lets nobody write who has lost the lock.

use tokio_postgres::{Client, Error, NoTls};

/// The greatest token that was seen, and the pages, each with the token under which it was written.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ha_report (id integer PRIMARY KEY CHECK (id = 1), token bigint NOT NULL);
CREATE TABLE IF NOT EXISTS ha_report_page (page integer PRIMARY KEY, token bigint NOT NULL);
INSERT INTO ha_report VALUES (1, 0) ON CONFLICT DO NOTHING;";

/// Takes the row for as long as the transaction lasts, unless a greater token was there before.
const FENCE: &str = "UPDATE ha_report SET token = $1 WHERE id = 1 AND token <= $1";

const WRITE: &str = "INSERT INTO ha_report_page VALUES ($1, $2)";

/// What became of a page.
pub(crate) enum Outcome {
    Written,
    /// Somebody with this token has the lock now, or had it since.
    Refused(i64),
}

/// The report in the database.
pub(crate) struct Pages(Client);

impl Pages {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(TABLES).await?;
        Ok(Self(client))
    }

    /// How many pages are there.
    pub(crate) async fn written(&self) -> Result<u32, Error> {
        let row = self
            .0
            .query_one("SELECT count(*)::oid FROM ha_report_page", &[])
            .await?;
        Ok(row.get(0))
    }

    /// Writes a page if nobody with a greater token has been here: both in one transaction, so that nothing comes between.
    pub(crate) async fn write(&self, page: u32, token: u64) -> Result<Outcome, Error> {
        let token = i64::try_from(token).unwrap_or(i64::MAX);
        let page = i32::try_from(page).unwrap_or(i32::MAX);
        self.0.batch_execute("BEGIN").await?;
        if self.0.execute(FENCE, &[&token]).await? == 0 {
            self.0.batch_execute("ROLLBACK").await?;
            let newer = self.0.query_one("SELECT token FROM ha_report", &[]).await?;
            return Ok(Outcome::Refused(newer.get(0)));
        }
        self.0.execute(WRITE, &[&page, &token]).await?;
        self.0.batch_execute("COMMIT").await?;
        Ok(Outcome::Written)
    }

    /// Removes the report, so that the next run begins a new one; the token stays.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        self.0.batch_execute("TRUNCATE ha_report_page").await
    }
}

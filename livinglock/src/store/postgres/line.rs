//! A connection that is made when it is needed, and again when it has broken.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_postgres::{
    Row,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    session::{Session, Settings},
    trouble::Trouble,
};

type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

pub(super) struct Line {
    settings: Arc<Settings>,
    session: Option<Session>,
    /// The session was made since somebody asked.
    is_new: bool,
    /// For how long the server must not give the session up by itself.
    kept_for: Option<Duration>,
    deadline: Instant,
}

impl Line {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            session: None,
            is_new: false,
            kept_for: None,
            deadline: Instant::now(),
        }
    }

    /// Begins a call that takes at most so long, whatever it consists of.
    pub(super) fn begin(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout;
    }

    /// Has the server keep sessions for as long as a lease, even when it hears nothing of their client.
    pub(super) fn keep_for(&mut self, length: Duration) {
        self.kept_for = Some(length);
    }

    /// Whether the session is another one than at the last time.
    pub(super) fn has_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// Says so again the next time: what depends on it could not be done.
    pub(super) fn tell_later(&mut self) {
        self.is_new = true;
    }

    pub(super) fn connect(&mut self) -> Result<&Session, Trouble> {
        if self.session.as_ref().is_none_or(Session::is_broken) {
            self.session = None;
            let session = Session::open(&self.settings, self.kept_for, self.deadline)?;
            self.is_new = true;
            return Ok(self.session.insert(session));
        }
        self.session.as_ref().ok_or(Trouble::Closed)
    }

    /// The rows that a statement about `{table}` gives; the table is created if there is none.
    pub(super) fn rows(
        &mut self,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        match self.try_twice(statement, parameters) {
            Err(trouble) if trouble.is(&SqlState::UNDEFINED_TABLE) => {
                self.create_table()?;
                self.try_twice(statement, parameters)
            }
            done => done,
        }
    }

    /// The same, but without a table there are no rows.
    pub(super) fn rows_if_there(
        &mut self,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        match self.try_twice(statement, parameters) {
            Err(trouble) if trouble.is(&SqlState::UNDEFINED_TABLE) => Ok(Vec::new()),
            done => done,
        }
    }

    fn create_table(&mut self) -> Result<(), Trouble> {
        let ddl = self.settings.table.ddl();
        match self.try_once(&ddl, &[]) {
            // Somebody else was about to; a table has a type of its name, which is sometimes met first.
            Err(trouble)
                if trouble.is(&SqlState::UNIQUE_VIOLATION)
                    || trouble.is(&SqlState::DUPLICATE_TABLE)
                    || trouble.is(&SqlState::DUPLICATE_OBJECT) =>
            {
                Ok(())
            }
            Err(trouble) if trouble.is(&SqlState::INSUFFICIENT_PRIVILEGE) => Err(Trouble::NoTable),
            done => done.map(drop),
        }
    }

    /// Once more if the connection turns out to be broken, or others were in the way: every statement may be repeated.
    fn try_twice(
        &mut self,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let statement = self.settings.table.in_place(statement);
        match self.try_once(&statement, parameters) {
            Err(trouble) if trouble.may_pass_at_once() => self.try_once(&statement, parameters),
            done => done,
        }
    }

    fn try_once(
        &mut self,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Trouble> {
        let deadline = self.deadline;
        let done = self.connect()?.query(statement, parameters, deadline);
        if done.as_ref().is_err_and(Trouble::breaks_the_session) {
            self.session = None;
        }
        done
    }
}

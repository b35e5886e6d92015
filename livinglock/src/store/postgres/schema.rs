//! The table.

/// The table with the locks, as statements name it.
#[derive(Clone, Debug)]
pub(super) struct Table(String);

impl Table {
    /// The one in this schema, or in the first of the search path.
    pub(super) fn in_schema(schema: Option<&str>) -> Self {
        Self(schema.map_or_else(
            || "livinglock".to_owned(),
            |schema| format!("{}.livinglock", quoted(schema)),
        ))
    }

    /// A statement about `{table}`, about this one.
    pub(super) fn in_place(&self, statement: &str) -> String {
        statement.replace("{table}", &self.0)
    }

    /// The statement that creates it.
    pub(super) fn ddl(&self) -> String {
        self.in_place(DDL)
    }
}

/// `previous` is the record that the run before has left; `session_pid` is set only where its end proves the holder's.
const DDL: &str = "\
CREATE TABLE IF NOT EXISTS {table} (
    name          text PRIMARY KEY,
    token         bigint NOT NULL,
    owner         text,
    record        text,
    previous      text,
    acquired      timestamptz,
    written       timestamptz,
    expires       timestamptz,
    stop          text,
    session_pid   integer,
    session_start timestamptz,
    server_start  timestamptz
);
";

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_quoted() {
        let table = Table::in_schema(Some("my \"locks"));
        assert_eq!(table.in_place("{table}"), "\"my \"\"locks\".livinglock");
    }
}

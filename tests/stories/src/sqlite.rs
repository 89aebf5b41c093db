//! A SQLite database in memory, as a host would lend it to the door of a story.

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

/// A database in memory.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

/// An empty database in memory.
///
/// # Errors
/// What SQLite says.
pub fn empty() -> Result<Box<dyn Sql>, String> {
    let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
    Ok(Box::new(Store { connection }))
}

struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

struct Read<'a, 'b>(&'a rusqlite::Row<'b>);

impl Row for Read<'_, '_> {
    fn integer(&self, column: usize) -> i64 {
        self.0
            .get_ref(column)
            .and_then(|value| Ok(value.as_i64()?))
            .unwrap_or(0)
    }

    fn text(&self, column: usize) -> &str {
        self.0
            .get_ref(column)
            .ok()
            .and_then(|value| value.as_str().ok())
            .unwrap_or("")
    }

    fn blob(&self, column: usize) -> &[u8] {
        self.0
            .get_ref(column)
            .ok()
            .and_then(|value| value.as_blob().ok())
            .unwrap_or(&[])
    }

    fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get_ref(column), Ok(ValueRef::Null) | Err(_))
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError {
        is_full: false,
        detail: error.to_string(),
    }
}

impl Sql for Store {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let bound = parameters.iter().map(|value| Bound(*value));
        let changed = statement
            .execute(rusqlite::params_from_iter(bound))
            .map_err(failed)?;
        Ok(changed as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let bound = parameters.iter().map(|value| Bound(*value));
        let mut rows = statement
            .query(rusqlite::params_from_iter(bound))
            .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(&Read(row));
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        self.connection
            .execute_batch("SAVEPOINT request")
            .map_err(failed)?;
        let verdict = work(self);
        let end = match verdict {
            Ok(Verdict::Keep) => "RELEASE request",
            _ => "ROLLBACK TO request; RELEASE request",
        };
        self.connection.execute_batch(end).map_err(failed)?;
        verdict.map(|_| ())
    }
}

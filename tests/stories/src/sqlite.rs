//! A SQLite database in memory, as a host would lend it to the door of a story.

#[path = "../../../core/tests/door/store/rows.rs"]
mod rows;

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use rusqlite::Connection;

use self::rows::{Bound, Read, failed};

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

//! A SQLite database in memory, which keeps each statement compiled.

#[path = "../../../core/tests/door/store/rows.rs"]
mod rows;

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use self::rows::{Bound, Read, failed};

struct Database(Connection);

/// An empty database.
///
/// # Errors
/// What SQLite says.
pub fn empty() -> Result<Box<dyn Sql>, String> {
    let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
    connection.set_prepared_statement_cache_capacity(256);
    // Without it SQLite compiles a statement again whenever a parameter has another value, because of the partial indexes.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| error.to_string())?;
    Ok(Box::new(Database(connection)))
}

impl Sql for Database {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let bound = parameters.iter().map(|value| Bound(*value));
        let changed = statement.execute(rusqlite::params_from_iter(bound));
        Ok(changed.map_err(failed)? as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
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
        self.execute("SAVEPOINT request", &[])?;
        let verdict = work(self);
        if !matches!(verdict, Ok(Verdict::Keep)) {
            self.execute("ROLLBACK TO request", &[])?;
        }
        self.execute("RELEASE request", &[])?;
        verdict.map(|_| ())
    }
}

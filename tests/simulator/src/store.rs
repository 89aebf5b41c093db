//! A SQLite database in memory whose uncommitted writes are lost when its host dies.

#[path = "../../../core/tests/door/store/rows.rs"]
mod rows;

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use rusqlite::Connection;

use self::rows::{Bound, Read, failed};

pub(crate) struct Store {
    pub(crate) connection: Connection,
    /// Whether the next write finds no room.
    pub(crate) fails_full: bool,
}

impl Store {
    pub(crate) fn new() -> Store {
        let connection = Connection::open_in_memory().expect("SQLite opens in memory");
        connection.set_prepared_statement_cache_capacity(128);
        Store {
            connection,
            fails_full: false,
        }
    }

    /// Begins what is lost when the host dies before [`commit`](Store::commit).
    pub(crate) fn begin(&mut self) {
        self.batch("BEGIN");
    }

    pub(crate) fn commit(&mut self) {
        self.batch("COMMIT");
    }

    pub(crate) fn undo(&mut self) {
        self.batch("ROLLBACK");
    }

    fn batch(&mut self, sql: &'static str) {
        let mut statement = self.connection.prepare_cached(sql).expect("SQL");
        statement.execute([]).expect("a transaction");
    }

    /// The rows of a query as text, for comparisons.
    pub(crate) fn dump(&mut self, sql: &'static str) -> Vec<String> {
        let mut prepared = self.connection.prepare_cached(sql).expect("SQL");
        let columns = prepared.column_count();
        let mut rows = prepared.query([]).expect("a query");
        let mut lines = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            let cells: Vec<String> = (0..columns)
                .map(|column| format!("{:?}", row.get_ref(column).expect("a column")))
                .collect();
            lines.push(cells.join("|"));
        }
        lines
    }
}

impl Sql for Store {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        if self.fails_full && sql.starts_with("INSERT") {
            return Err(StoreError::new("no room".to_owned()).full(true));
        }
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
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
        self.batch("SAVEPOINT request");
        let verdict = work(self);
        if !matches!(verdict, Ok(Verdict::Keep)) {
            self.batch("ROLLBACK TO request");
        }
        self.batch("RELEASE request");
        verdict.map(|_| ())
    }
}

//! The ledger in a SQLite file: what a commit has acknowledged is on the disk, and a sync that failed ends the process.

use std::path::Path;

use arcoflow_core::door::schema;
use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict};
use arcoflow_core::wire::shard::Shard;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql, ffi};

use crate::host::message;

/// Statements that are kept compiled; more than the door has.
const STATEMENTS: usize = 128;

/// A connection to the ledger.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

/// A store that cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// SQLite says no.
    Store(StoreError),
    /// The ledger was written by a later version.
    Newer {
        /// The version of its tables.
        version: u64,
    },
    /// It is one ledger of a workspace that has several.
    Split(Shard),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Store(error) => write!(f, "the ledger cannot be opened: {}", error.detail),
            OpenError::Newer { version } => write!(
                f,
                "the ledger was written by a later version of arcoflow (its tables have version {version}, this one knows {}); start that version",
                schema::VERSION
            ),
            OpenError::Split(shard) => write!(
                f,
                "the ledger is number {} of {} of its workspace, counted from 0, and a local door has one; the edge serves all of them",
                shard.index(),
                shard.count()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

impl Store {
    /// Opens the ledger for the one connection that writes, and makes what is missing.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(path: &Path) -> Result<Store, OpenError> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let connection = connect(path, flags)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = OFF;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -16384;
                 PRAGMA journal_size_limit = 67108864;",
            )?;
            Ok(connection)
        };
        let connection = open().map_err(|error| OpenError::Store(failed(error)))?;
        let mut store = Store { connection };
        let version = schema::install(&mut store).map_err(OpenError::Store)?;
        if version > schema::VERSION {
            return Err(OpenError::Newer { version });
        }
        Ok(store)
    }

    /// Opens a ledger that exists for reading.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open_reader(path: &Path) -> Result<Store, OpenError> {
        let open = || {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;")?;
            Ok(connection)
        };
        let connection = open().map_err(|error| OpenError::Store(failed(error)))?;
        Ok(Store { connection })
    }

    /// Begins a transaction that holds requests as savepoints.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        self.step("BEGIN IMMEDIATE")
    }

    /// Ends the transaction. When this returns, everything in it is on the disk.
    ///
    /// # Errors
    /// What SQLite says; nothing of the transaction stays then.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.step("COMMIT")
    }

    /// Undoes the transaction.
    pub fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.step("ROLLBACK");
        }
    }

    /// Whether a transaction is open. SQLite ends it on its own after some failures, such as a full disk.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Rows that were changed since the connection was opened.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.connection.total_changes()
    }

    fn step(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        statement.raw_execute().map_err(failed)?;
        Ok(())
    }
}

/// A connection that one thread has for itself.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // Without this a statement is compiled again whenever a value is bound that could change its plan, which costs more than it gives:
    // every plan of the door is a seek in an index.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// What SQLite says, in the words of the store. A failed sync is not survivable: the kernel may have dropped the pages that it
/// could not write, and a second sync would succeed without them. The process ends, and the next one reads what is really there.
fn failed(error: rusqlite::Error) -> StoreError {
    if let rusqlite::Error::SqliteFailure(code, _) = &error
        && matches!(
            code.extended_code,
            ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC
        )
    {
        message::line(format_args!(
            "arcoflow: the disk did not sync the ledger ({error}); stopping, because what it says from here on could not be trusted"
        ));
        std::process::abort();
    }
    let is_full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    StoreError::new(error.to_string()).full(is_full)
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

struct Read<'a>(&'a rusqlite::Row<'a>);

impl Row for Read<'_> {
    fn integer(&self, column: usize) -> i64 {
        match self.0.get_ref(column) {
            Ok(ValueRef::Integer(integer)) => integer,
            _ => 0,
        }
    }

    fn text(&self, column: usize) -> &str {
        match self.0.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).unwrap_or(""),
            _ => "",
        }
    }

    fn blob(&self, column: usize) -> &[u8] {
        match self.0.get_ref(column) {
            Ok(ValueRef::Blob(bytes)) => bytes,
            _ => &[],
        }
    }

    fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get_ref(column), Ok(ValueRef::Null) | Err(_))
    }
}

fn bind(statement: &mut CachedStatement<'_>, parameters: &[Value<'_>]) -> Result<(), StoreError> {
    for (index, value) in parameters.iter().enumerate() {
        statement
            .raw_bind_parameter(index + 1, Bound(*value))
            .map_err(failed)?;
    }
    Ok(())
}

impl Sql for Store {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, parameters)?;
        let changed = statement.raw_execute().map_err(failed)?;
        Ok(changed as u64)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, parameters)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            each(&Read(row));
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError> {
        let nested = self.is_in_transaction();
        let (begin, keep, undo): (_, _, &[&'static str]) = if nested {
            (
                "SAVEPOINT request",
                "RELEASE request",
                &["ROLLBACK TO request", "RELEASE request"],
            )
        } else {
            ("BEGIN", "COMMIT", &["ROLLBACK"])
        };
        self.step(begin)?;
        let mut open = Open { store: self, undo };
        let verdict = work(open.store);
        match verdict {
            Ok(Verdict::Keep) => {
                let kept = open.store.step(keep);
                if kept.is_ok() {
                    open.undo = &[];
                }
                kept
            }
            Ok(Verdict::Undo) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A transaction that is undone when it goes out of scope, also when a panic takes it there.
struct Open<'a> {
    store: &'a mut Store,
    undo: &'static [&'static str],
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        for statement in self.undo {
            // After a failure SQLite may have undone everything already; then there is nothing left to say it to.
            if self.store.is_in_transaction() {
                let _ = self.store.step(statement);
            }
        }
    }
}

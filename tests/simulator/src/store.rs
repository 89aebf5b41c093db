//! A store keeps what is on disk apart from what was only written: a host that dies loses the second, or keeps a prefix of it.

use arcoflow_core::door::sql::{Row, Sql, StoreError, Value, Verdict, first};

/// Makes an empty SQLite database; who runs a life lends it.
pub type NewDatabase = fn() -> Result<Box<dyn Sql>, String>;

pub(crate) struct Store {
    database: Box<dyn Sql>,
    /// Whether the next write finds no room.
    pub(crate) fails_full: bool,
    /// The requests that were written and are not on disk.
    unsynced: usize,
}

/// The savepoints before each request of a group but the first; a group has no more.
const BEFORE: &[(&str, &str)] = &[
    ("SAVEPOINT g1", "ROLLBACK TO g1"),
    ("SAVEPOINT g2", "ROLLBACK TO g2"),
    ("SAVEPOINT g3", "ROLLBACK TO g3"),
    ("SAVEPOINT g4", "ROLLBACK TO g4"),
    ("SAVEPOINT g5", "ROLLBACK TO g5"),
    ("SAVEPOINT g6", "ROLLBACK TO g6"),
    ("SAVEPOINT g7", "ROLLBACK TO g7"),
];

/// The most requests that share a sync.
pub(crate) const MOST_UNSYNCED: usize = BEFORE.len() + 1;

impl Store {
    pub(crate) fn new(new_database: NewDatabase) -> Store {
        Store {
            database: new_database().expect("SQLite opens in memory"),
            fails_full: false,
            unsynced: 0,
        }
    }

    pub(crate) fn unsynced(&self) -> usize {
        self.unsynced
    }

    /// Begins to write one more request.
    pub(crate) fn begin(&mut self) {
        match self.unsynced.checked_sub(1) {
            None => self.batch("BEGIN"),
            Some(place) => self.batch(BEFORE.get(place).expect("a group has room").0),
        }
        self.unsynced += 1;
    }

    /// Everything that was written is on disk.
    pub(crate) fn sync(&mut self) {
        if self.unsynced > 0 {
            self.batch("COMMIT");
            self.unsynced = 0;
        }
    }

    /// The host dies: of what is not on disk so many requests stay, the first ones.
    pub(crate) fn lose(&mut self, keep: usize) {
        if keep == 0 && self.unsynced > 0 {
            self.batch("ROLLBACK");
            self.unsynced = 0;
        } else if keep < self.unsynced {
            self.batch(BEFORE.get(keep - 1).expect("a group has room").1);
        }
        self.sync();
    }

    fn batch(&mut self, sql: &'static str) {
        self.database.execute(sql, &[]).expect("a transaction");
    }

    /// The rows of a query whose one column is text.
    pub(crate) fn lines(&mut self, sql: &'static str) -> Vec<String> {
        let mut lines = Vec::new();
        let read = self.database.query(sql, &[], &mut |row| {
            lines.push(row.text(0).to_owned());
        });
        read.expect("a query");
        lines
    }

    /// The number of the newest record.
    pub(crate) fn head(&mut self) -> u64 {
        let head = first(
            &mut *self.database,
            "SELECT seq FROM record ORDER BY seq DESC LIMIT 1",
            &[],
            |row| row.unsigned(0),
        );
        head.expect("a query").unwrap_or(0)
    }
}

impl Sql for Store {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        if self.fails_full && sql.starts_with("INSERT") {
            return Err(StoreError::new("no room".to_owned()).full(true));
        }
        self.database.execute(sql, parameters)
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError> {
        self.database.query(sql, parameters, each)
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

//! The ledger speaks SQL through this trait, so that a SQLite file and a Durable Object hold the same ledger.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

/// What is bound to a parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A 64-bit integer; what leaves a Durable Object stays below 2^53.
    Integer(i64),
    /// UTF-8.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Value::Integer(i64::from(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of an answer. A column of another type than asked for reads as zero or empty.
pub trait Row {
    /// The integer in a column.
    fn integer(&self, column: usize) -> i64;
    /// The text in a column.
    fn text(&self, column: usize) -> &str;
    /// The bytes in a column.
    fn blob(&self, column: usize) -> &[u8];
    /// Whether a column is NULL.
    fn is_null(&self, column: usize) -> bool;

    /// The integer in a column that never holds a negative one.
    fn unsigned(&self, column: usize) -> u64 {
        u64::try_from(self.integer(column)).unwrap_or(0)
    }

    /// The integer in a column that may be NULL.
    fn optional(&self, column: usize) -> Option<u64> {
        (!self.is_null(column)).then(|| self.unsigned(column))
    }
}

/// A row that was copied out of where the store is.
impl Row for Vec<Value<'_>> {
    fn integer(&self, column: usize) -> i64 {
        match self.get(column) {
            Some(Value::Integer(integer)) => *integer,
            _ => 0,
        }
    }

    fn text(&self, column: usize) -> &str {
        match self.get(column) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    fn blob(&self, column: usize) -> &[u8] {
        match self.get(column) {
            Some(Value::Blob(bytes)) => bytes,
            _ => &[],
        }
    }

    fn is_null(&self, column: usize) -> bool {
        matches!(self.get(column), Some(Value::Null) | None)
    }
}

/// Why the store did not do it. Boxed, because every step of a request may carry one back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(Box<Failure>);

/// What a store says of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether there is no room.
    pub is_full: bool,
    /// The store's own words, for the log of the host.
    pub detail: String,
}

impl StoreError {
    /// A failure in the store's own words.
    #[must_use]
    pub fn new(detail: String) -> StoreError {
        StoreError(Box::new(Failure {
            is_full: false,
            detail,
        }))
    }

    /// The same, and whether the reason is that there is no room.
    #[must_use]
    pub fn full(mut self, is_full: bool) -> StoreError {
        self.0.is_full = is_full;
        self
    }

    /// The store's own words.
    #[must_use]
    pub fn into_detail(self) -> String {
        self.0.detail
    }
}

impl Deref for StoreError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

/// Whether the work of a transaction stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// It is undone.
    Undo,
}

/// A SQLite database, synchronous.
pub trait Sql {
    /// Runs a statement that gives no rows; the answer is how many rows it changed.
    ///
    /// # Errors
    /// What the store says.
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<u64, StoreError>;

    /// Runs a query and shows each row in order.
    ///
    /// # Errors
    /// What the store says.
    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), StoreError>;

    /// Does the work wholly or not at all. On an error, and on [`Verdict::Undo`], nothing of it stays.
    ///
    /// # Errors
    /// That of the work, or what the store says.
    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<Verdict, StoreError>,
    ) -> Result<(), StoreError>;
}

/// The first row of a query, read by `read`.
///
/// # Errors
/// What the store says.
pub fn first<T>(
    sql: &mut dyn Sql,
    statement: &'static str,
    parameters: &[Value<'_>],
    mut read: impl FnMut(&dyn Row) -> T,
) -> Result<Option<T>, StoreError> {
    let mut found = None;
    sql.query(statement, parameters, &mut |row| {
        if found.is_none() {
            found = Some(read(row));
        }
    })?;
    Ok(found)
}

//! SQLite's values and rows as core wants them, for every store of a test.

use arcoflow_core::door::sql::{Row, StoreError, Value};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A parameter on its way in.
pub(crate) struct Bound<'a>(pub(crate) Value<'a>);

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

/// A row on its way out.
pub(crate) struct Read<'a, 'b>(pub(crate) &'a rusqlite::Row<'b>);

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

/// What SQLite said.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::new(error.to_string())
}
